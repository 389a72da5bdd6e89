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
	"permstack/internal/awsapi/iamdelay"
	"permstack/internal/cfn/customresource"
)

// confirmationLimit is for how long an event is checked until CloudFormation
// confirms it: the resource and its status may be visible late. Permissions that are
// visible late have their own limit, see package iamdelay.
const confirmationLimit = 60 * time.Second

// pendingStatus is the resource status in which CloudFormation waits for the
// response to an event.
var pendingStatus = map[cfn.RequestType]types.ResourceStatus{
	cfn.RequestCreate: types.ResourceStatusCreateInProgress,
	cfn.RequestUpdate: types.ResourceStatusUpdateInProgress,
	cfn.RequestDelete: types.ResourceStatusDeleteInProgress,
}

// confirmEvent returns an error unless CloudFormation waits for this event. An
// event is only JSON: any principal that may invoke the function can write one
// that makes the vendor's role trust another principal, and Lambda may redeliver
// an old one long after its stack was deleted. The event must therefore name this
// function's own stack, and the custom resource in that stack must have the
// status of the event's request type.
func (o *operation) confirmEvent(ctx context.Context) error {
	switch o.StackID {
	case "":
		o.log.Warn(logUnconfirmed)
		return nil
	case o.parent.ID:
	default:
		return &unexpectedEventError{
			fmt.Sprintf("the event names stack %s, but this function belongs to stack %s. Nothing was changed",
				o.parent.ID, o.StackID),
		}
	}
	customresource.SetActivity(ctx, "confirming this event with CloudFormation")
	waited, interval := time.Duration(0), 200*time.Millisecond
	for {
		err := o.checkEventStatus(ctx)
		if err == nil {
			return nil
		}
		if iamdelay.FromContext(ctx).Wait(ctx, err) {
			continue
		}
		if !isVisibleLate(err) || waited >= confirmationLimit {
			return err
		}
		o.log.Info(logNotConfirmed, "reason", err.Error())
		if sleepErr := o.sleep(ctx, interval); sleepErr != nil {
			return err
		}
		waited += interval
		interval = min(interval*2, 5*time.Second)
	}
}

// checkEventStatus compares the custom resource's current status with the
// event's request type.
func (o *operation) checkEventStatus(ctx context.Context) error {
	out, err := o.Client.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{
		StackName: &o.parent.ID, LogicalResourceId: &o.event.LogicalResourceID,
	})
	if err != nil {
		return fmt.Errorf("describe resource %s of stack %s: %w",
			o.event.LogicalResourceID, o.parent.Name, awserr.Concise(err))
	}
	if status := out.StackResourceDetail.ResourceStatus; status != pendingStatus[o.event.RequestType] {
		return &unexpectedEventError{fmt.Sprintf("CloudFormation does not wait for this %s: "+
			"resource %s of stack %s is %s. Nothing was changed: "+
			"the event was late, was delivered twice, or was not sent by CloudFormation",
			o.event.RequestType, aws.ToString(out.StackResourceDetail.LogicalResourceId), o.parent.Name, status)}
	}
	return nil
}

// unexpectedEventError rejects an event that CloudFormation does not wait for.
type unexpectedEventError struct{ text string }

func (e *unexpectedEventError) Error() string { return e.text }

// isVisibleLate reports whether an event that failed with err may be confirmed
// later: the resource or its status is not visible yet. Throttling and server
// errors are retried by the SDK.
func isVisibleLate(err error) bool {
	var unexpected *unexpectedEventError
	return errors.As(err, &unexpected) || awserr.IsResourceNotFound(err)
}
