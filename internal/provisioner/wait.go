package provisioner

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/customresource"
	"permstack/internal/cfn/stacks"
)

// waitUntilStable waits until CloudFormation no longer works on the stack, and
// returns it. Only the context limits the wait. id is the StackId, the only key
// by which a deleted stack is found.
func (o *operation) waitUntilStable(ctx context.Context, id, name string) (*types.Stack, error) {
	start := o.now()
	return stacks.WaitUntilStable(ctx, o.Client, id, o.sleep, func(s *types.Stack) {
		o.log.Info(logStatus, "permissionStack", name, "status", s.StackStatus,
			"statusReason", aws.ToString(s.StackStatusReason), "seconds", o.now().Sub(start).Seconds())
		customresource.SetActivity(ctx, fmt.Sprintf("waiting for stack %s, which is %s", name, s.StackStatus))
	})
}

// A role that was just created may not be assumable yet. IAM documents no upper
// bound for that.
const (
	assumablePause = 3 * time.Second
	assumableTime  = 60 * time.Second // since the first failure of one event
)

// untilAssumable repeats a request while CloudFormation cannot assume the stack
// role. Throttling is retried by the SDK, denied calls by package iamdelay.
func (o *operation) untilAssumable(ctx context.Context, request func() error) error {
	for {
		err := request()
		if !awserr.IsRoleNotAssumable(err) {
			return err
		}
		if o.notAssumableSince.IsZero() {
			o.notAssumableSince = o.now()
		}
		waited := o.now().Sub(o.notAssumableSince)
		if waited >= assumableTime {
			return fmt.Errorf("%w (for %v)", awserr.Concise(err), waited.Round(time.Second))
		}
		o.log.Info(logNotAssumable, "seconds", waited.Seconds())
		customresource.SetActivity(ctx, "waiting until CloudFormation can assume the stack role "+o.StackRoleARN)
		if sleepErr := o.sleep(ctx, assumablePause); sleepErr != nil {
			return err
		}
	}
}
