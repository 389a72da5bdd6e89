package provisioner

import (
	"context"
	"fmt"
	"time"

	"permstack/internal/cfn/customresource"
)

const (
	// longestCreation limits the creation of a stack if there is time for more.
	longestCreation = 8 * time.Minute
	// shortestCreation is the least time with which a creation is started. IAM's
	// resource handlers wait about half a minute, those of event rules a minute.
	shortestCreation = 2 * time.Minute
	// rollbackReserve is kept of the function's time for the deletion of a stack
	// whose creation failed, and of the stack that was created before it, so that
	// the reason can be reported and nothing is left behind.
	rollbackReserve = 4 * time.Minute
	// denialPause is how long to wait before an operation is repeated that failed
	// because the stack role lacked a permission.
	denialPause = 15 * time.Second
)

// creationLimit returns CreateStack's TimeoutInMinutes, which follows from the time
// that is left.
func (o *operation) creationLimit(ctx context.Context) (int32, error) {
	limit := longestCreation
	if left, ok := timeLeft(ctx); ok {
		limit = min(limit, left-rollbackReserve)
	}
	if limit < shortestCreation {
		return 0, fmt.Errorf("less than %v of the function's time are left, "+
			"too little to create a stack and to delete it if that fails. Earlier steps took too long: "+
			"the function's log has their times", shortestCreation+rollbackReserve)
	}
	return int32(limit / time.Minute), nil
}

// timeLeft returns the time until the deadline of the context, and false if it has
// none.
func timeLeft(ctx context.Context) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	return time.Until(deadline), ok
}

// repeatDenied reports whether an action on a stack that failed with err should be
// requested once more, after a pause: the stack role lacked a permission, which may
// be new, and there is time for another attempt.
func (o *operation) repeatDenied(ctx context.Context, action, name string, failed *failedStack) bool {
	key := action + " " + name
	if !failed.denied || o.repeated[key] {
		return false
	}
	if left, ok := timeLeft(ctx); ok && left < denialPause+shortestCreation+rollbackReserve {
		return false
	}
	o.repeated[key] = true
	o.log.Info(logDeniedStack, "permissionStack", name, "reason", failed.text)
	customresource.SetActivity(ctx, "waiting for permissions of the stack role "+o.StackRoleARN)
	return o.sleep(ctx, denialPause) == nil
}

// token returns the ClientRequestToken for an action on a stack. It is the same until
// CloudFormation has accepted the request.
func (o *operation) token(action, name string) string {
	return clientToken(o.event.RequestID, action, name, o.operations[action+" "+name])
}

// accepted records that CloudFormation accepted a request.
func (o *operation) accepted(action, name string) { o.operations[action+" "+name]++ }
