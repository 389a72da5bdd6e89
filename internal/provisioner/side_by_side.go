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
	for i, task := range tasks {
		t := &turn{}
		next, end := iter.Pull(func(yield func(time.Duration) bool) {
			t.sleep = func(_ context.Context, d time.Duration) error {
				if t.wakeErr == nil {
					yield(d)
				}
				return t.wakeErr
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
			if t.wakeErr != nil || t.wake <= elapsed {
				d, sleeps := t.next()
				t.ended, t.wake = !sleeps, elapsed+d
				if t.ended && stop && errs[i] != nil {
					wakeAll(turns, errStopped)
				}
			}
			if !t.ended && (!sleeping || t.wake < first) {
				sleeping, first = true, t.wake
			}
		}
		switch {
		case !sleeping: // all have ended
			return errs
		case anyWoken(turns): // with an error: without a pause
		default:
			if err := o.sleep(ctx, first-elapsed); err != nil {
				wakeAll(turns, err)
			}
			elapsed = first
		}
	}
}

// turn is one task of sideBySide.
type turn struct {
	next    func() (time.Duration, bool) // runs the task until it sleeps, or ends
	sleep   pause.Func
	wake    time.Duration // when the task wakes, since the beginning
	wakeErr error         // returned by this and every later sleep
	ended   bool
}

type turnKey struct{}

// wakeAll ends the sleep of every task with an error. One that is woken already keeps its own, and one that has ended
// does not sleep again.
func wakeAll(turns []*turn, err error) {
	for _, t := range turns {
		if t.wakeErr == nil {
			t.wakeErr = err
		}
	}
}

func anyWoken(turns []*turn) bool {
	for _, t := range turns {
		if !t.ended && t.wakeErr != nil {
			return true
		}
	}
	return false
}

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
