package provisioner

import (
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/permissionstack"
	"permstack/internal/permissionstack/properties"
)

// parameters returns the parameters of a template that is deployed to a stack; nil is
// a new stack. A template without the external id of the event, such as the one in
// which trust policies are held, keeps the value that the stack has.
func (o *operation) parameters(template permissionstack.Template, was *types.Stack) []types.Parameter {
	if !template.HasExternalID() {
		return nil
	}
	p := types.Parameter{ParameterKey: aws.String(permissionstack.ExternalIDParameter)}
	exists := was != nil && slices.ContainsFunc(was.Parameters, func(have types.Parameter) bool {
		return aws.ToString(have.ParameterKey) == permissionstack.ExternalIDParameter
	})
	if template.ExternalID() == "" && exists {
		p.UsePreviousValue = aws.Bool(true)
	} else {
		p.ParameterValue = &o.externalID
	}
	return []types.Parameter{p}
}

// externalIDChanges reports whether the event is an Update with another external id.
func (o *operation) externalIDChanges() bool {
	return o.event.RequestType == cfn.RequestUpdate &&
		externalID(o.event.OldResourceProperties) != externalID(o.event.ResourceProperties)
}

// externalID returns the external id among the properties of an event.
func externalID(given map[string]any) string {
	s, _ := given["ExternalId"].(string)
	if s = strings.TrimSpace(s); s == properties.NoExternalID {
		return ""
	}
	return s
}
