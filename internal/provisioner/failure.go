package provisioner

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
)

// maxEventPages bounds the reading of events: a page has 100, a stack of ours
// makes about as many in one operation.
const maxEventPages = 10

// cause says which resource failed first within a span of the stack's events, and why.
func (o *operation) cause(ctx context.Context, stack *types.Stack, since span) string {
	failed, err := o.failedEvents(ctx, stack, since)
	if err != nil {
		o.log.Warn("events not read", "error", err.Error())
	}
	if len(failed) == 0 {
		if reason := aws.ToString(stack.StackStatusReason); reason != "" {
			return reason
		}
		if stack.StackStatus == types.StackStatusDeleteComplete || stack.StackStatus == types.StackStatusDeleteInProgress {
			return "somebody else deleted it meanwhile"
		}
		return "CloudFormation gives no reason"
	}
	first := failed[0]
	text := fmt.Sprintf("%s %s", aws.ToString(first.ResourceType), aws.ToString(first.LogicalResourceId))
	if id := aws.ToString(first.PhysicalResourceId); id != "" && id != aws.ToString(first.LogicalResourceId) {
		text += " (" + id + ")"
	}
	text += fmt.Sprintf(": %s: %s", first.ResourceStatus, aws.ToString(first.ResourceStatusReason))
	if more := len(failed) - 1; more > 0 {
		text += fmt.Sprintf(" [and %d more]", more)
	}
	return text
}

// failedEvents lists the resources that failed of themselves, the oldest first.
func (o *operation) failedEvents(ctx context.Context, stack *types.Stack, since span) ([]types.StackEvent, error) {
	var failed []types.StackEvent
	err := o.eachEvent(ctx, stack, since, func(e types.StackEvent) {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") && !cancelled(e) {
			failed = append([]types.StackEvent{e}, failed...)
		}
	})
	return failed, err
}

// eachEvent goes through the events of the stack's resources within a span, the
// newest first.
func (o *operation) eachEvent(ctx context.Context, stack *types.Stack, since span, do func(types.StackEvent)) error {
	input := &cloudformation.DescribeStackEventsInput{StackName: stack.StackId}
	for page := 0; page < maxEventPages; page++ {
		out, err := o.Client.DescribeStackEvents(ctx, input)
		if err != nil {
			return fmt.Errorf("describe events of stack %s: %w", aws.ToString(stack.StackName), awserr.Concise(err))
		}
		for _, e := range out.StackEvents {
			ofStack := aws.ToString(e.PhysicalResourceId) == aws.ToString(stack.StackId)
			switch {
			case ofStack && since.begins(e.ResourceStatus):
				return nil
			case !ofStack:
				do(e)
			}
		}
		if out.NextToken == nil {
			break
		}
		input.NextToken = out.NextToken
	}
	return nil
}

// span is how far back events are read.
type span int

const (
	sinceRequest span = iota // since the stack's creation or update was asked for: its rollback included
	sinceStep                // since the stack's last step began: a rollback or a deletion by itself
)

// begins tells whether a status of the stack itself begins the span.
func (s span) begins(status types.ResourceStatus) bool {
	if s == sinceStep {
		return strings.HasSuffix(string(status), "_IN_PROGRESS")
	}
	return status == types.ResourceStatusCreateInProgress || status == types.ResourceStatusUpdateInProgress
}

// cancelled tells whether a resource failed only because another did:
// "Resource creation cancelled", "Resource update cancelled".
func cancelled(e types.StackEvent) bool {
	return strings.HasSuffix(aws.ToString(e.ResourceStatusReason), "cancelled")
}
