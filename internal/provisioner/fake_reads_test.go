package provisioner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// DescribeStackResource reports that the stack does not exist: fake has no parent
// stacks; see waiting.
func (f *fake) DescribeStackResource(
	_ context.Context,
	in *cloudformation.DescribeStackResourceInput,
	_ ...func(*cloudformation.Options),
) (*cloudformation.DescribeStackResourceOutput, error) {
	return nil, validation("Stack '%s' does not exist", *in.StackName)
}

// waiting is a CloudFormation whose custom resource has the status that status
// returns.
type waiting struct {
	CloudFormation
	status func() (types.ResourceStatus, error)
}

// waitingFor returns a CloudFormation that waits for an event.
func waitingFor(e cfn.Event, c CloudFormation) CloudFormation {
	return waiting{c, func() (types.ResourceStatus, error) { return pendingStatus[e.RequestType], nil }}
}

func (w waiting) DescribeStackResource(
	_ context.Context,
	in *cloudformation.DescribeStackResourceInput,
	_ ...func(*cloudformation.Options),
) (*cloudformation.DescribeStackResourceOutput, error) {
	status, err := w.status()
	if err != nil {
		return nil, err
	}
	return &cloudformation.DescribeStackResourceOutput{StackResourceDetail: &types.StackResourceDetail{
		StackId: in.StackName, LogicalResourceId: in.LogicalResourceId, ResourceStatus: status,
	}}, nil
}

func (f *fake) GetTemplate(
	_ context.Context,
	in *cloudformation.GetTemplateInput,
	_ ...func(*cloudformation.Options),
) (*cloudformation.GetTemplateOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(*in.StackName)
	if s == nil {
		return nil, validation("Stack with id %s does not exist", *in.StackName)
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: &s.body}, nil
}

func (f *fake) DescribeStacks(
	_ context.Context,
	in *cloudformation.DescribeStacksInput,
	_ ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(*in.StackName)
	if s == nil {
		return nil, validation("Stack with id %s does not exist", *in.StackName)
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{s.Stack}}, nil
}

// DescribeStackEvents returns two events for each page, newest first.
func (f *fake) DescribeStackEvents(
	_ context.Context,
	in *cloudformation.DescribeStackEventsInput,
	_ ...func(*cloudformation.Options),
) (*cloudformation.DescribeStackEventsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(*in.StackName)
	if s == nil {
		return nil, validation("Stack [%s] does not exist", *in.StackName)
	}
	all := slices.Clone(s.events)
	slices.Reverse(all)
	from := 0
	if in.NextToken != nil {
		fmt.Sscan(*in.NextToken, &from)
	}
	out := &cloudformation.DescribeStackEventsOutput{StackEvents: all[from:min(from+2, len(all))]}
	if from+2 < len(all) {
		out.NextToken = aws.String(fmt.Sprint(from + 2))
	}
	return out, nil
}

// DescribeEvents returns the validation errors of the last operation.
func (f *fake) DescribeEvents(
	context.Context, *cloudformation.DescribeEventsInput, ...func(*cloudformation.Options),
) (*cloudformation.DescribeEventsOutput, error) {
	return &cloudformation.DescribeEventsOutput{OperationEvents: f.validation}, nil
}

// existing returns the stacks that exist, as "name status".
func (f *fake) existing() []string {
	out := []string{}
	for _, s := range f.stacks {
		if s.StackStatus != types.StackStatusDeleteComplete {
			out = append(out, strings.TrimPrefix(*s.StackName, strings.TrimSuffix(access, "access"))+" "+string(s.StackStatus))
		}
	}
	slices.Sort(out)
	return out
}
