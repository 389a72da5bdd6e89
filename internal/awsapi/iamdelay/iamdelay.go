// Package iamdelay repeats calls that are denied because a permission is new. IAM
// is eventually consistent, also for the permissions of an existing role, and
// documents no upper bound (IAM user guide, "Changes that I make are not always
// immediately visible").
package iamdelay

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/pause"
)

// Limit is for how long all denied calls of one invocation together are repeated.
// A permission is new only at the beginning of an invocation: nothing changes the
// role while the function runs.
const Limit = 60 * time.Second

// Pauses between two attempts grow from first to longest.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 5 * time.Second
)

// Budget is the time that is left for repeating denied calls. It may be used by
// many goroutines: a call that is denied during the pause of another waits for the
// end of that pause, which is counted once.
type Budget struct {
	sleep   pause.Func
	observe func(err error, wait time.Duration)

	mu      sync.Mutex
	left    time.Duration
	next    time.Duration
	current chan struct{} // closed at the end of the current pause; nil if there is none
}

// New returns a budget of limit. observe is called before each pause; it may be nil.
func New(limit time.Duration, sleep pause.Func, observe func(err error, wait time.Duration)) *Budget {
	return &Budget{sleep: sleep, left: limit, next: firstPause, observe: observe}
}

// Wait pauses if err is a denial that may pass, and reports whether the call
// should be repeated: not if the budget is used up, or if the context would end
// first. A nil budget never waits.
func (b *Budget) Wait(ctx context.Context, err error) bool {
	if b == nil || !awserr.IsDenied(err) || awserr.IsExplicitlyDenied(err) {
		return false
	}
	b.mu.Lock()
	if current := b.current; current != nil {
		b.mu.Unlock()
		select {
		case <-current:
			return true
		case <-ctx.Done():
			return false
		}
	}
	wait := min(b.next, b.left)
	if deadline, ok := ctx.Deadline(); wait <= 0 || ok && time.Until(deadline) < 2*wait {
		b.mu.Unlock()
		return false
	}
	b.left -= wait
	b.next = min(b.next*2, longestPause)
	done := make(chan struct{})
	b.current = done
	b.mu.Unlock()

	if b.observe != nil {
		b.observe(err, wait)
	}
	sleepErr := b.sleep(ctx, wait)
	b.mu.Lock()
	b.current = nil
	b.mu.Unlock()
	close(done)
	return sleepErr == nil
}

type key struct{}

// WithBudget returns a context whose calls are repeated within the budget, if
// their client's configuration was passed to Repeat.
func WithBudget(ctx context.Context, b *Budget) context.Context {
	return context.WithValue(ctx, key{}, b)
}

// FromContext returns the budget of a context; nil if it has none.
func FromContext(ctx context.Context) *Budget {
	b, _ := ctx.Value(key{}).(*Budget)
	return b
}

// Repeat returns a configuration whose clients repeat denied calls within the
// budget of the call's context.
func Repeat(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	cfg.APIOptions = append(cfg.APIOptions[:len(cfg.APIOptions):len(cfg.APIOptions)], func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("RepeatDenied", repeat), middleware.Before)
	})
	return cfg
}

func repeat(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	for {
		out, metadata, err := next.HandleInitialize(ctx, in)
		if err == nil || !FromContext(ctx).Wait(ctx, err) {
			return out, metadata, err
		}
	}
}
