package provisioner

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/stacks"
)

// CloudFormation is the part of the SDK's client that the provisioner calls.
type CloudFormation interface {
	CreateStack(
		context.Context,
		*cloudformation.CreateStackInput,
		...func(*cloudformation.Options),
	) (*cloudformation.CreateStackOutput, error)
	UpdateStack(
		context.Context,
		*cloudformation.UpdateStackInput,
		...func(*cloudformation.Options),
	) (*cloudformation.UpdateStackOutput, error)
	DeleteStack(
		context.Context,
		*cloudformation.DeleteStackInput,
		...func(*cloudformation.Options),
	) (*cloudformation.DeleteStackOutput, error)
	ContinueUpdateRollback(
		context.Context,
		*cloudformation.ContinueUpdateRollbackInput,
		...func(*cloudformation.Options),
	) (*cloudformation.ContinueUpdateRollbackOutput, error)
	GetTemplate(
		context.Context,
		*cloudformation.GetTemplateInput,
		...func(*cloudformation.Options),
	) (*cloudformation.GetTemplateOutput, error)
	DescribeStacks(
		context.Context,
		*cloudformation.DescribeStacksInput,
		...func(*cloudformation.Options),
	) (*cloudformation.DescribeStacksOutput, error)
	DescribeStackResource(
		context.Context,
		*cloudformation.DescribeStackResourceInput,
		...func(*cloudformation.Options),
	) (*cloudformation.DescribeStackResourceOutput, error)
	DescribeStackEvents(
		context.Context,
		*cloudformation.DescribeStackEventsInput,
		...func(*cloudformation.Options),
	) (*cloudformation.DescribeStackEventsOutput, error)
	DescribeEvents(
		context.Context,
		*cloudformation.DescribeEventsInput,
		...func(*cloudformation.Options),
	) (*cloudformation.DescribeEventsOutput, error)
}

// describe returns a stack by name or id, or nil if it does not exist.
func (o *operation) describe(ctx context.Context, nameOrID string) (*types.Stack, error) {
	return stacks.Describe(ctx, o.Client, nameOrID)
}
