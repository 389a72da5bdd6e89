package provisioner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/permissionstack/properties"
)

// templateMatches reports whether the stack has this template. The output
// TemplateHash detects most differences without another call, but equal hashes
// prove nothing: a template that was edited manually may have kept the output.
func (o *operation) templateMatches(
	ctx context.Context,
	stack *types.Stack,
	template permissionstack.Template,
) (bool, error) {
	if stacks.Outputs(stack)["TemplateHash"] != template.Hash() {
		return false, nil
	}
	body, err := o.readTemplate(ctx, stack)
	return body == string(template.JSON()), err
}

// readTemplate returns the template of a stack as it was passed to CloudFormation.
func (o *operation) readTemplate(ctx context.Context, stack *types.Stack) (string, error) {
	out, err := o.Client.GetTemplate(
		ctx,
		&cloudformation.GetTemplateInput{StackName: stack.StackId, TemplateStage: types.TemplateStageOriginal},
	)
	if err != nil {
		return "", fmt.Errorf("read template of stack %s: %w", aws.ToString(stack.StackName), awserr.Concise(err))
	}
	return aws.ToString(out.TemplateBody), nil
}

// tagsMatch reports whether a stack has exactly the expected tags, which are not
// part of its template.
func (o *operation) tagsMatch(stack *types.Stack) bool {
	desired := o.stackTags()
	for _, t := range desired {
		if !slices.ContainsFunc(stack.Tags, func(s types.Tag) bool {
			return aws.ToString(s.Key) == *t.Key && aws.ToString(s.Value) == *t.Value
		}) {
			return false
		}
	}
	own := 0
	for _, t := range stack.Tags {
		if !strings.HasPrefix(aws.ToString(t.Key), "aws:") { // set by AWS
			own++
		}
	}
	return len(desired) == own
}

// resourceTypes returns the only types that a permission stack can have, or nil for the one that has roles: a
// request that acknowledges these cannot list types (API reference, CreateStack: Capabilities). The function's role
// requires the list (cloudformation:ResourceTypes).
func (o *operation) resourceTypes(name string) []string {
	if name == o.parent.StackName(installation.Inventory) {
		return permissionstack.InventoryTypes()
	}
	return nil
}

// capabilities returns what a request for a permission stack acknowledges.
func (o *operation) capabilities(name string) []types.Capability {
	if o.resourceTypes(name) != nil {
		return nil
	}
	return []types.Capability{types.CapabilityCapabilityNamedIam}
}

// stackTags returns the ownership tags and the customer's tags. CloudFormation
// copies them to every resource of the stack that supports tags.
func (o *operation) stackTags() []types.Tag {
	chosen, _ := properties.Decode(o.event.ResourceProperties) // plan has already decoded them without an error
	out := []types.Tag{
		{Key: aws.String(installation.ParentTag), Value: aws.String(o.parent.ID)},
		{Key: aws.String(installation.ResourceTag), Value: aws.String(o.event.LogicalResourceID)},
	}
	for _, t := range chosen.Tags {
		out = append(out, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out
}
