package provisioner

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/customresource"
)

// Sleep waits, or answers the context's error. Tests replace it.
type Sleep func(ctx context.Context, d time.Duration) error

// realSleep is the clock of production.
func realSleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A stack of ours takes some ten seconds to a minute: early polls make small
// changes quick, later ones keep well below the API's rate limit.
const (
	firstPoll = 200 * time.Millisecond
	slowest   = 5 * time.Second
)

// waitUntilStable waits until CloudFormation no longer works on the stack, and bounds
// itself by the context alone. It asks by id: a deleted stack answers to that.
func (o *operation) waitUntilStable(ctx context.Context, id, name string) (*types.Stack, error) {
	began := o.now()
	var last types.StackStatus
	pause := firstPoll
	for {
		stack, err := o.describe(ctx, id)
		if err != nil {
			return nil, err
		}
		if stack == nil { // an old deletion, or one of a stack that never began
			return nil, nil
		}
		if stack.StackStatus != last {
			last = stack.StackStatus
			o.log.Info("permission stack status", "permissionStack", name, "status", last,
				"statusReason", aws.ToString(stack.StackStatusReason), "seconds", o.now().Sub(began).Seconds())
			customresource.Doing(ctx, fmt.Sprintf("waiting for stack %s, which is %s", name, last))
		}
		if !inProgress(last) {
			return stack, nil
		}
		if err := o.sleep(ctx, pause); err != nil {
			return nil, fmt.Errorf("wait for stack %s, which is %s: %w", name, last, err)
		}
		pause = min(pause*3/2, slowest)
	}
}

// A stack role made moments ago may not be assumable yet; IAM gives no bound.
const (
	assumablePause = 3 * time.Second
	assumableTries = 30
)

// untilAssumable repeats a request while CloudFormation cannot assume the stack
// role: the one error that is retried here (the SDK retries throttling).
func (o *operation) untilAssumable(ctx context.Context, request func() error) error {
	for try := 1; ; try++ {
		err := request()
		if !isNotAssumable(err) {
			return err
		}
		if try == assumableTries {
			return fmt.Errorf("%w (after %d tries: does its trust policy name cloudformation.amazonaws.com?)", apiMessage(err), try)
		}
		o.log.Info("stack role cannot be assumed yet", "try", try)
		customresource.Doing(ctx, "waiting until CloudFormation can assume the stack role "+o.StackRoleARN)
		if sleepErr := o.sleep(ctx, assumablePause); sleepErr != nil {
			return err
		}
	}
}
