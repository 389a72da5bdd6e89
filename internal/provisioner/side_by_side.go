package provisioner

import (
	"context"
	"errors"
	"iter"
	"time"

	"permstack/internal/awsapi/iamdelay"
	"permstack/internal/awsapi/pause"
)

// errStopped ends a task of sideBySide because another one failed.
var errStopped = errors.New("stopped because the other permission stack failed")

// sideBySide runs tasks that mostly wait, and returns their errors, in order. The
// tasks take turns and change only where they sleep: CloudFormation works on all
// stacks at the same time, but calls are made one after another, in the same order
// in every run, and the tasks may share the operation without a lock. Each task has
// its own budget for denied calls. If stop is set, the first error ends the other
// tasks with errStopped where they sleep.
func (o *operation) sideBySide(ctx context.Context, stop bool, tasks ...func(context.Context) error) []error {
	errs := make([]error, len(tasks))
	turns := make([]*turn, len(tasks))
	var wakeErr error // once it is set, every sleep ends with it
	for i, task := range tasks {
		t := &turn{}
		next, end := iter.Pull(func(yield func(time.Duration) bool) {
			t.sleep = func(_ context.Context, d time.Duration) error {
				if wakeErr == nil {
					yield(d)
				}
				return wakeErr
			}
			errs[i] = task(o.withBudget(context.WithValue(ctx, turnKey{}, t)))
		})
		defer end()
		t.next, turns[i] = next, t
	}
	var elapsed time.Duration
	for {
		sleeping := false
		var first time.Duration // when the next task wakes
		for i, t := range turns {
			if t.ended {
				continue
			}
			if wakeErr != nil || t.wake <= elapsed {
				d, sleeps := t.next()
				t.ended, t.wake = !sleeps, elapsed+d
				if t.ended && stop && errs[i] != nil && wakeErr == nil {
					wakeErr = errStopped
				}
			}
			if !t.ended && (!sleeping || t.wake < first) {
				sleeping, first = true, t.wake
			}
		}
		switch {
		case !sleeping: // all have ended
			return errs
		case wakeErr != nil: // without a pause
		default:
			wakeErr = o.sleep(ctx, first-elapsed)
			elapsed = first
		}
	}
}

// turn is one task of sideBySide.
type turn struct {
	next  func() (time.Duration, bool) // runs the task until it sleeps, or ends
	sleep pause.Func
	wake  time.Duration // when the task wakes, since the beginning
	ended bool
}

type turnKey struct{}

// withBudget returns a context whose denied calls are repeated within a new budget.
func (o *operation) withBudget(ctx context.Context) context.Context {
	sleep := func(_ context.Context, d time.Duration) error { return o.sleep(ctx, d) }
	return iamdelay.WithBudget(ctx, iamdelay.New(iamdelay.Limit, sleep, o.observeDenial(ctx)))
}

// firstErrors joins errors, without those of tasks that were only stopped; nil if
// there is none.
func firstErrors(errs []error) error {
	var out []error
	for _, err := range errs {
		if err != nil && !errors.Is(err, errStopped) {
			out = append(out, err)
		}
	}
	switch len(out) {
	case 0:
		return nil
	case 1:
		return out[0]
	}
	return joinErrors(out)
}
