package provisioner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/customresource"
)

// How long an event is given until CloudFormation confirms it: the state of the
// resource may be seen late, and so may the rights of a function whose role was
// created moments ago. IAM gives no bound for the latter.
const (
	statusRetryBudget = 10 * time.Second
	deniedRetryBudget = 30 * time.Second
)

// pendingStatus is the state in which CloudFormation waits for the answer to an event.
var pendingStatus = map[cfn.RequestType]types.ResourceStatus{
	cfn.RequestCreate: types.ResourceStatusCreateInProgress,
	cfn.RequestUpdate: types.ResourceStatusUpdateInProgress,
	cfn.RequestDelete: types.ResourceStatusDeleteInProgress,
}

// confirmEvent asks CloudFormation whether it waits for this event. An event is
// only JSON: whoever may invoke the function can write one that has the vendor's
// role trust somebody else, and Lambda may deliver an old one again, when its
// stack is long gone. Neither is carried out: it must name our own stack, whose
// custom resource must be in the state of the event.
func (o *operation) confirmEvent(ctx context.Context) error {
	switch o.StackID {
	case "":
		o.log.Warn("the event is taken as it came: the template of this stack has no STACK_ID")
		return nil
	case o.parent.ID:
	default:
		return &unexpectedEventError{fmt.Sprintf("this function serves stack %s, not %s. Nothing was done", o.StackID, o.parent.ID)}
	}
	customresource.SetActivity(ctx, "asking CloudFormation whether it waits for this event")
	waited, interval := time.Duration(0), 200*time.Millisecond
	for {
		err := o.checkEventStatus(ctx)
		if err == nil || waited >= retryBudget(err) {
			return err
		}
		o.log.Info("the event is not confirmed yet", "why", err.Error())
		if sleepErr := o.sleep(ctx, interval); sleepErr != nil {
			return err
		}
		waited += interval
		interval = min(interval*2, 5*time.Second)
	}
}

func (o *operation) checkEventStatus(ctx context.Context) error {
	out, err := o.Client.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{
		StackName: &o.parent.ID, LogicalResourceId: &o.event.LogicalResourceID,
	})
	if err != nil {
		return fmt.Errorf("describe resource %s of stack %s: %w", o.event.LogicalResourceID, o.parent.Name, awserr.Concise(err))
	}
	if status := out.StackResourceDetail.ResourceStatus; status != pendingStatus[o.event.RequestType] {
		return &unexpectedEventError{fmt.Sprintf("CloudFormation does not wait for this %s: resource %s of stack %s is %s. Nothing was done: the event came late, came twice, or is not CloudFormation's",
			o.event.RequestType, aws.ToString(out.StackResourceDetail.LogicalResourceId), o.parent.Name, status)}
	}
	return nil
}

type unexpectedEventError struct{ text string }

func (e *unexpectedEventError) Error() string { return e.text }

// retryBudget is how long what keeps an event from being confirmed may need to pass
// by itself. Throttling and failures of AWS are repeated by the SDK.
func retryBudget(err error) time.Duration {
	var unasked *unexpectedEventError
	switch {
	case errors.As(err, &unasked):
		return statusRetryBudget
	case awserr.IsDenied(err):
		return deniedRetryBudget
	}
	return 0
}
