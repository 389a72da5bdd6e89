package cfntemplate

import "strings"

// functions are the intrinsic functions that a value may hold.
var functions = map[string]bool{
	"Ref": true, "Fn::Base64": true, "Fn::FindInMap": true, "Fn::GetAtt": true, "Fn::GetAZs": true,
	"Fn::If": true, "Fn::ImportValue": true, "Fn::Join": true, "Fn::Select": true, "Fn::Split": true,
	"Fn::Sub": true,
}

// conditionFunctions are those that a condition may hold besides.
var conditionFunctions = map[string]bool{
	"Condition": true, "Fn::And": true, "Fn::Equals": true, "Fn::Not": true, "Fn::Or": true,
}

// ruleFunctions are those of a rule's condition and assertions.
var ruleFunctions = map[string]bool{
	"Fn::And": true, "Fn::Contains": true, "Fn::EachMemberEquals": true, "Fn::EachMemberIn": true,
	"Fn::Equals": true, "Fn::Not": true, "Fn::Or": true, "Fn::RefAll": true, "Fn::ValueOf": true,
	"Fn::ValueOfAll": true,
}

type context uint8

const (
	inValue context = iota
	inCondition
	inRule
)

// parseIntrinsics turns every object that is a function call into a call node, and
// returns an error for functions that are not allowed in their place.
func parseIntrinsics(n *node, ctx context) error {
	switch n.kind {
	case list:
		for _, item := range n.items {
			if err := parseIntrinsics(item, ctx); err != nil {
				return err
			}
		}
	case object:
		for _, key := range n.keys {
			if err := parseIntrinsics(n.fields[key], ctx); err != nil {
				return err
			}
		}
		for _, key := range n.keys {
			isCall := functions[key] || strings.HasPrefix(key, "Fn::") || key == "Condition" && ctx == inCondition
			if !isCall {
				continue
			}
			known := functions[key] || ctx == inCondition && conditionFunctions[key] || ctx == inRule && ruleFunctions[key]
			if !known {
				return functionError(n.line, key)
			}
			if len(n.keys) > 1 {
				if key == "Ref" {
					continue
				}
				return errAt(n.line, "Template error: %s must be the only key of its object", key)
			}
			arg := n.fields[key]
			n.kind, n.fn, n.items, n.keys, n.fields = call, key, []*node{arg}, nil, nil
			return checkCall(n)
		}
	}
	return nil
}

func functionError(line int, name string) error {
	switch name {
	case "Fn::ForEach", "Fn::Length", "Fn::ToJsonString":
		return errAt(line, "Template error: %s needs the AWS::LanguageExtensions transform, which is not supported", name)
	case "Fn::Transform", "Fn::Cidr":
		return errAt(line, "Template error: %s is not supported", name)
	}
	if ruleFunctions[name] || conditionFunctions[name] {
		return errAt(line, "Template error: %s cannot be used here", name)
	}
	return errAt(line, "Template error: unknown function %s", name)
}

// checkCall checks the number and the form of a call's arguments.
func checkCall(n *node) error {
	arg := n.items[0]
	want := func(low, high int) error {
		if arg.kind != list || len(arg.items) < low || len(arg.items) > high {
			if low == high {
				return errAt(n.line, "Template error: every %s object requires a list of %d parameters", n.fn, low)
			}
			return errAt(n.line, "Template error: every %s object requires a list of %d to %d parameters", n.fn, low, high)
		}
		return nil
	}
	switch n.fn {
	case "Ref", "Condition":
		if s, ok := arg.str(); !ok || s == "" {
			return errAt(n.line, "Template error: every %s object must have a single String value", n.fn)
		}
	case "Fn::GetAtt":
		if s, ok := arg.str(); ok { // "Fn::GetAtt": "Resource.Attribute" is YAML's own long form
			*arg = *tagged("GetAtt", &node{line: arg.line, value: s}).fields["Fn::GetAtt"]
		}
		if err := want(2, 2); err != nil {
			return errAt(n.line,
				"Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
		}
		if s, ok := arg.items[0].str(); !ok || s == "" {
			return errAt(n.line,
				"Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
		}
	case "Fn::Sub":
		if _, ok := arg.str(); ok {
			return nil
		}
		if err := want(2, 2); err != nil {
			return errAt(n.line,
				"Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
		}
		if _, ok := arg.items[0].str(); !ok || arg.items[1].kind != object {
			return errAt(n.line,
				"Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
		}
	case "Fn::If":
		if err := want(3, 3); err != nil {
			return err
		}
		if s, ok := arg.items[0].str(); !ok || s == "" {
			return errAt(n.line, "Template error: Fn::If must name a condition")
		}
	case "Fn::Equals",
		"Fn::Join",
		"Fn::Select",
		"Fn::Split",
		"Fn::Contains",
		"Fn::EachMemberEquals",
		"Fn::EachMemberIn",
		"Fn::ValueOf",
		"Fn::ValueOfAll":
		return want(2, 2)
	case "Fn::FindInMap":
		return want(3, 3)
	case "Fn::And", "Fn::Or":
		return want(2, 10)
	case "Fn::Not":
		return want(1, 1)
	}
	return nil
}
