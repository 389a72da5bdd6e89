// Package deployed reads from CloudFormation what a launched stack chose and
// what its permission stacks hold. It only reads.
package deployed

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/provisioner"
)

// CloudFormation is the little of the SDK's client that reading needs.
type CloudFormation interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
}

// Stack is a launched stack with its permission stacks.
type Stack struct {
	Selection policies.Selection
	// Environment is where it stands. The external id is what CloudFormation
	// shows of it, which is asterisks.
	Environment policies.Environment
	Templates   [][]byte // of the permission stacks
}

// Read reads a stack by the name under which it was launched.
func Read(ctx context.Context, client CloudFormation, name string) (Stack, error) {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return Stack{}, fmt.Errorf("describe stack %s: %w", name, err)
	}
	if len(out.Stacks) != 1 {
		return Stack{}, fmt.Errorf("describe stack %s: CloudFormation answered with %d stacks", name, len(out.Stacks))
	}
	parent, err := installation.ParseParent(aws.ToString(out.Stacks[0].StackId))
	if err != nil {
		return Stack{}, err
	}
	body, err := template(ctx, client, name)
	if err != nil {
		return Stack{}, err
	}
	properties, err := choice(body, out.Stacks[0], parent)
	if err != nil {
		return Stack{}, fmt.Errorf("read what stack %s chose: %w", name, err)
	}
	s := Stack{Selection: properties.Selection(), Environment: properties.Environment(parent)}
	for _, child := range parent.StackNames() {
		body, err := template(ctx, client, child)
		if missing(err) {
			continue // a part that holds nothing has no stack
		}
		if err != nil {
			return Stack{}, err
		}
		s.Templates = append(s.Templates, body)
	}
	if len(s.Templates) == 0 {
		return Stack{}, fmt.Errorf("read stack %s: it has no permission stack (%s)", name, parent.StackNames())
	}
	return s, nil
}

func template(ctx context.Context, client CloudFormation, name string) ([]byte, error) {
	out, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, fmt.Errorf("get template of stack %s: %w", name, err)
	}
	return []byte(aws.ToString(out.TemplateBody)), nil
}

// missing tells whether CloudFormation knows no such stack: a ValidationError.
func missing(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError"
}

// choice evaluates the custom resource's properties with the stack's parameters.
func choice(body []byte, stack types.Stack, parent installation.Parent) (provisioner.Properties, error) {
	t, err := cfntemplate.Parse(body)
	if err != nil {
		return provisioner.Properties{}, err
	}
	parameters := map[string]string{}
	for _, p := range stack.Parameters {
		parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	bound, err := t.Bind(cfntemplate.Environment{Deployed: true, Parameters: parameters, Pseudo: cfntemplate.Pseudo{
		AccountID: parent.Account, Region: parent.Region, Partition: parent.Partition, StackID: parent.ID, StackName: parent.Name,
	}})
	if err != nil {
		return provisioner.Properties{}, err
	}
	for _, r := range bound.Active() {
		if r.Type != "Custom::PermissionStack" {
			continue
		}
		properties, err := bound.Properties(r.LogicalID, logicalIDs{})
		if err != nil {
			return provisioner.Properties{}, err
		}
		return provisioner.DecodeProperties(properties)
	}
	return provisioner.Properties{}, errors.New("it has no resource of type Custom::PermissionStack: is it the stack that you launched?")
}

// logicalIDs answers what other resources are asked for; no choice rests on it.
type logicalIDs struct{}

func (logicalIDs) Ref(id string) (any, error)       { return id, nil }
func (logicalIDs) GetAtt(id, _ string) (any, error) { return id, nil }
