package detect

import (
	"context"
	"strings"

	"permstack/internal/notify/finding"
)

// resourceType is everything that the check does for one CloudFormation resource
// type. Each type is in a file of its own, type_<name>.go, and registered in
// resourceTypes. A zero field means that the type has no such thing.
type resourceType struct {
	name string // AWS::IAM::Role

	// rank orders resources: those that grant access are read first, 1 before 2.
	// The deletion of a resource with a rank takes access away.
	rank int

	// readHandler lists the permissions that the read handler of CloudFormation's
	// drift detection uses, as the caller. A type without them is not detected by
	// CloudFormation.
	//
	// Source: "handlers.read.permissions" of the type's schema in the CloudFormation
	// registry (aws cloudformation describe-type); a type has drift detection if its
	// schema has a read handler ("Resource type support for imports and drift
	// detection", CloudFormation User Guide).
	readHandler []string

	// untagged types get no tags of the stack ("tagging" in the registry schema).
	untagged bool

	// physicalID returns the physical id that follows from the names in the
	// properties; nil if CloudFormation chooses it.
	physicalID func(v *resolver, properties map[string]any) string

	// attributes returns Fn::GetAtt values that follow from the physical id.
	attributes map[string]attribute

	// compared lists the properties that the live comparison compares by meaning.
	// A difference that CloudFormation reports of them counts only if the live
	// comparison found it too, or could not read the property.
	compared []string

	// read reads the live state of a resource; nil if there is no live comparison.
	// The errors are all that occurred, to see whether the time is over.
	read func(ctx context.Context, c *reader, m *model, r *resource) (liveState, readErrors)

	// declared returns the state that a template declares, to compare two templates
	// as a template and a live state are compared; m is the model of that template.
	declared func(m *model, r *resource) liveState

	// index adds what the templates expect of a resource to the model.
	index func(m *model, r *resource)
	// addToRole adds what a resource beside a role declares of it: policies.
	addToRole func(r *resource, roleName string, role *expectedRole)
	// owner returns the type and the physical ids of the resources that a resource
	// is deleted with: a topic policy is deleted with its topic.
	owner func(r *resource) (typ string, physicalIDs []string)
	// secrets returns the values in the properties that must not be reported.
	secrets func(r *resource) []string

	// deletedAs is the kind of finding that reports the deletion of a resource, if
	// that is not ResourceDeleted.
	deletedAs finding.Kind
	// reverts lists the kinds of findings that calls of the type's own service
	// revert. All others are reverted by change sets.
	reverts map[finding.Kind]revert
	// afterRecreation completes a resource that a change set created again; nil if
	// there is nothing to complete.
	afterRecreation func(ctx context.Context, v *reverter, f finding.Finding) outcome
}

// liveState is the state of a resource as a service's API returns it.
type liveState interface {
	// compare returns the differences from what the templates expect.
	compare(m *model, r *resource) []draft
	// deleted reports whether the resource does not exist.
	deleted() bool
	// unreadable returns the errors of properties in resourceType.compared.
	unreadable() readErrors
}

// secretState is a live state that contains values that must not be reported.
type secretState interface{ secrets() []string }

// resourceTypes registers every type.
//
// AWS::SSM::Parameter is not registered, although CloudFormation detects its
// drift: the state that the check keeps in a parameter changes in every run.
// Custom resources have no read handler.
var resourceTypes = indexTypes(
	iamRole, iamManagedPolicy, iamRolePolicy, iamPolicy, iamInstanceProfile,
	snsTopicInlinePolicy, snsTopicPolicy, snsTopic, snsSubscription, eventRule,
	lambdaFunction, lambdaEventInvokeConfig, lambdaPermission, logGroup, sqsQueue, cloudWatchAlarm, schedule,
)

func indexTypes(types ...*resourceType) map[string]*resourceType {
	out := map[string]*resourceType{}
	for _, t := range types {
		out[t.name] = t
	}
	return out
}

// unregistered is the type of resources that are not checked.
var unregistered = &resourceType{}

func lookupType(name string) *resourceType {
	if t := resourceTypes[name]; t != nil {
		return t
	}
	return unregistered
}

// attribute returns the value of an attribute of a resource.
type attribute func(v *resolver, logicalID, physicalID string) (value string, known bool)

// arnAttribute is an ARN whose last part is a prefix and the physical id.
func arnAttribute(service, prefix, suffix string) attribute {
	return func(v *resolver, _, physicalID string) (string, bool) {
		return v.arn(service, v.region(), prefix+physicalID+suffix), true
	}
}

// isPhysicalID is an attribute that is the physical id.
func isPhysicalID(_ *resolver, _, id string) (string, bool) { return id, true }

// lastPart is an attribute that is the end of the physical id, after a separator.
func lastPart(separator string) attribute {
	return func(_ *resolver, _, id string) (string, bool) { return id[strings.LastIndex(id, separator)+1:], true }
}
