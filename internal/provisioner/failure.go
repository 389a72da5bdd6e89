package provisioner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
)

// maxEventPages limits how many pages of events are read. A page has 100 events
// (API reference, DescribeStackEvents); one operation on a permission stack
// produces about that many.
const maxEventPages = 10

// failedStack is the error of a stack operation that failed.
type failedStack struct {
	text   string
	denied bool // because the stack role lacks a permission, which may be new
	known  bool // the text has a remedy
}

func (e *failedStack) Error() string { return e.text }

// failure returns the error of an operation (create, update, delete) on a stack that
// failed: which resource failed first within a span of the stack's events, why, and
// what to do.
func (o *operation) failure(ctx context.Context, verb string, stack *types.Stack, since span) *failedStack {
	name := aws.ToString(stack.StackName)
	cause := o.findCause(ctx, stack, since)
	remedy := o.remedyFor(verb, cause.text, name, cause.resource)
	err := &failedStack{
		text:   fmt.Sprintf("%s stack %s: %s", verb, name, cause.text),
		denied: awserr.IsPassingDenial(cause.text),
		known:  remedy != "",
	}
	if err.known {
		err.text += ". " + remedy
	}
	return err
}

// cause is why an operation on a stack failed.
type cause struct {
	text     string
	resource string // the physical id of the resource that failed first
}

// cause returns the resource that failed first within a span of the stack's
// events, with CloudFormation's reason.
func (o *operation) cause(ctx context.Context, stack *types.Stack, since span) string {
	return o.findCause(ctx, stack, since).text
}

func (o *operation) findCause(ctx context.Context, stack *types.Stack, since span) cause {
	failed, err := o.failedEvents(ctx, stack, since)
	if err != nil {
		o.log.Warn(logEventsUnread, "error", err.Error())
	}
	if len(failed) == 0 {
		if text := o.validationErrors(ctx, stack); text != "" {
			return cause{text: text}
		}
		if reason := aws.ToString(stack.StackStatusReason); reason != "" {
			return cause{text: strings.TrimSuffix(reason, ".")} // the caller continues the sentence
		}
		if stack.StackStatus == types.StackStatusDeleteComplete ||
			stack.StackStatus == types.StackStatusDeleteInProgress {
			return cause{text: "another principal deleted it meanwhile"}
		}
		return cause{text: "CloudFormation reports no reason"}
	}
	first := failed[0]
	id := aws.ToString(first.PhysicalResourceId)
	text := resourceText(first.ResourceType, first.LogicalResourceId, first.PhysicalResourceId)
	reason := strings.TrimSuffix(aws.ToString(first.ResourceStatusReason), ".")
	text += fmt.Sprintf(": %s: %s", first.ResourceStatus, reason)
	return cause{text + andMore(len(failed)-1), id}
}

// resourceText returns "AWS::IAM::Role Logical (physical)".
func resourceText(kind, logical, physical *string) string {
	text := aws.ToString(kind) + " " + aws.ToString(logical)
	if id := aws.ToString(physical); id != "" && id != aws.ToString(logical) {
		text += " (" + id + ")"
	}
	return text
}

func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" [and %d more]", n)
}

// validationErrors describes why CloudFormation refused the stack's last operation
// before it deployed anything; "" if it did not. Only DescribeEvents has the results
// of this validation (user guide, "Validate stack deployments").
func (o *operation) validationErrors(ctx context.Context, stack *types.Stack) string {
	out, err := o.Client.DescribeEvents(ctx, &cloudformation.DescribeEventsInput{
		StackName: stack.StackId, Filters: &types.EventFilter{FailedEvents: aws.Bool(true)},
	})
	if err != nil {
		o.log.Warn(logEventsUnread, "error", awserr.Message(err))
		return ""
	}
	var found []types.OperationEvent
	for _, e := range out.OperationEvents { // newest first
		isLast := len(found) == 0 || aws.ToString(e.OperationId) == aws.ToString(found[0].OperationId)
		if e.EventType == types.EventTypeValidationError && isLast {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return ""
	}
	first := found[len(found)-1]
	text := resourceText(first.ResourceType, first.LogicalResourceId, first.PhysicalResourceId) +
		": " + aws.ToString(first.ValidationName)
	if path := aws.ToString(first.ValidationPath); path != "" {
		text += " at " + path
	}
	text += ": " + strings.TrimSuffix(aws.ToString(first.ValidationStatusReason), ".")
	return text + andMore(len(found)-1)
}

// failedEvents returns the events of resources that failed, oldest first, without
// those that were only cancelled.
func (o *operation) failedEvents(ctx context.Context, stack *types.Stack, since span) ([]types.StackEvent, error) {
	var failed []types.StackEvent
	err := o.eachEvent(ctx, stack, since, func(e types.StackEvent) {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") && !cancelled(e) {
			failed = append([]types.StackEvent{e}, failed...)
		}
	})
	return failed, err
}

// eachEvent calls do for each event of the stack's resources within a span,
// newest first.
func (o *operation) eachEvent(ctx context.Context, stack *types.Stack, since span, do func(types.StackEvent)) error {
	input := &cloudformation.DescribeStackEventsInput{StackName: stack.StackId}
	for page := 0; page < maxEventPages; page++ {
		out, err := o.Client.DescribeStackEvents(ctx, input)
		if err != nil {
			return fmt.Errorf("describe events of stack %s: %w", aws.ToString(stack.StackName), awserr.Concise(err))
		}
		for _, e := range out.StackEvents {
			isStackEvent := aws.ToString(e.PhysicalResourceId) == aws.ToString(stack.StackId)
			switch {
			case isStackEvent && since.begins(e.ResourceStatus):
				return nil
			case !isStackEvent:
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

// span limits how far back events are read.
type span int

const (
	sinceRequest span = iota // since the last creation or update was requested, rollback included
	sinceStep                // since the last step began; a rollback or deletion is a step of its own
)

// begins reports whether the span begins at this status of the stack itself.
func (s span) begins(status types.ResourceStatus) bool {
	if s == sinceStep {
		return strings.HasSuffix(string(status), "_IN_PROGRESS")
	}
	return status == types.ResourceStatusCreateInProgress || status == types.ResourceStatusUpdateInProgress
}

// cancelled reports whether a resource failed only because another one did:
// "Resource creation cancelled", "Resource update cancelled".
func cancelled(e types.StackEvent) bool {
	return strings.HasSuffix(aws.ToString(e.ResourceStatusReason), "cancelled")
}

// joinErrors joins errors on one line, unlike errors.Join: CloudFormation's
// console shows a reason on one line.
func joinErrors(problems []error) error {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}
