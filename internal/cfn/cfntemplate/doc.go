// Package cfntemplate reads AWS CloudFormation templates, JSON or YAML, and
// evaluates them: parameters, mappings, conditions, rules, the intrinsic
// functions, the order in which resources depend on one another.
//
// It makes no calls. Parse turns bytes into a Template; ResolveParameters evaluates it
// for values of parameters and pseudo parameters, with every condition; the Resolved
// template then returns a resource's properties, with Ref and Fn::GetAtt
// of other resources resolved by a Resolver.
//
// Everything that it does not evaluate is an error that names it: transforms, Fn::ForEach and
// the other functions of AWS::LanguageExtensions, Fn::Cidr, parameters of AWS
// types (AWS::SSM::Parameter::…, AWS::EC2::…), dynamic references
// ({{resolve:…}}), CreationPolicy and UpdatePolicy.
package cfntemplate

import "fmt"

// CloudFormation's quotas, from its user guide ("Understand CloudFormation quotas").
const (
	MaxBody       = 51_200    // bytes of a template given inline
	MaxSize       = 1_000_000 // bytes of a template given by URL; more is an error
	MaxResources  = 500
	MaxParameters = 200
	MaxOutputs    = 200
	MaxMappings   = 200
	MaxValue      = 4_096 // bytes of one parameter value
)

// An Error describes a problem of a template or of the values given to it. Line is 0
// if the problem has no single line.
type Error struct {
	Line    int
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s (line %d)", e.Message, e.Line)
}

func errAt(line int, format string, args ...any) *Error {
	return &Error{Line: line, Message: fmt.Sprintf(format, args...)}
}
