package ratelimit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/pause"
	"permstack/internal/awsapi/ratelimit"
)

var errThrottled = &smithy.GenericAPIError{Code: "Throttling", Message: "Rate exceeded"}

// operation is an API call that returns errors, and then succeeds.
type operation struct {
	mu            sync.Mutex
	errs          []error
	calls         int
	running, most int
}

func (o *operation) call(ctx context.Context, in string, _ ...func()) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	o.running++
	o.most = max(o.most, o.running)
	o.mu.Unlock()
	err := pause.For(ctx, time.Second)
	o.mu.Lock()
	o.running--
	if len(o.errs) > 0 {
		err, o.errs = o.errs[0], o.errs[1:]
	}
	return in, err
}

func newLimit(most int) *ratelimit.Limit { return ratelimit.New(most, time.Now, pause.For) }

func TestCall(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDenied"}
	throttledForever := make([]error, 100)
	for i := range throttledForever {
		throttledForever[i] = errThrottled
	}
	for _, tt := range []struct {
		name  string
		none  bool // no limit
		errs  []error
		calls int
		want  error
	}{
		{"success", false, nil, 1, nil},
		{"throttled twice", false, []error{errThrottled, errThrottled}, 3, nil},
		{"temporary error", false, []error{&smithy.GenericAPIError{Code: "RequestTimeout"}}, 2, nil},
		{"lasting error", false, []error{denied}, 1, denied},
		{"always throttled", false, throttledForever, 8, errThrottled},
		{"throttled without a limit", true, []error{errThrottled}, 1, errThrottled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limit := newLimit(2)
				if tt.none {
					limit = nil
				}
				o := &operation{errs: tt.errs}
				got, err := ratelimit.Call(t.Context(), limit, o.call, "in")
				if !errors.Is(err, tt.want) || o.calls != tt.calls {
					t.Errorf("got error %v after %d calls, want %v after %d", err, o.calls, tt.want, tt.calls)
				}
				if err == nil && got != "in" {
					t.Errorf("got output %q, want the call's", got)
				}
			})
		})
	}
}

func TestCallIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit, o := newLimit(3), &operation{}
		began := time.Now()
		for range 9 {
			go func() { _, _ = ratelimit.Call(t.Context(), limit, o.call, "") }()
		}
		synctest.Wait()
		o.mu.Lock()
		running := o.running
		o.mu.Unlock()
		if running != 3 {
			t.Errorf("got %d calls at the same time, want 3", running)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if o.calls != 9 || o.most != 3 {
			t.Errorf("got %d calls, %d at the same time, after %v, want 9 and 3", o.calls, o.most, time.Since(began))
		}
	})
}

// TestCallBeforeDeadline checks that a call whose next attempt would be after the
// deadline fails at once.
func TestCallBeforeDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1050*time.Millisecond)
		defer cancel()
		o := &operation{errs: []error{errThrottled}}
		began := time.Now()
		_, err := ratelimit.Call(ctx, newLimit(1), o.call, "")
		if !awserr.IsContextDone(err) || o.calls != 1 || time.Since(began) != time.Second {
			t.Errorf("got %v after %d calls and %v, want the end of the time after one call", err, o.calls, time.Since(began))
		}
	})
}
