package customresource

import (
	"context"
	"sync/atomic"
)

// activity is what a handler is doing right now.
type activity struct{ now atomic.Pointer[string] }

type activityKey struct{}

func (a *activity) get() string {
	if now := a.now.Load(); now != nil {
		return *now
	}
	return ""
}

// Doing notes what a handler waits for ("waiting for stack x"). Should the time
// run out, the answer says it.
func Doing(ctx context.Context, what string) {
	if a, ok := ctx.Value(activityKey{}).(*activity); ok {
		a.now.Store(&what)
	}
}
