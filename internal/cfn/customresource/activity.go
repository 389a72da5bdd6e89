package customresource

import (
	"context"
	"sync/atomic"
)

// activity is what a handler currently does.
type activity struct{ current atomic.Pointer[string] }

type activityKey struct{}

func (a *activity) get() string {
	if now := a.current.Load(); now != nil {
		return *now
	}
	return ""
}

// SetActivity records what a handler waits for ("waiting for stack x"). If the time
// runs out, the response reports it.
func SetActivity(ctx context.Context, what string) {
	if a, ok := ctx.Value(activityKey{}).(*activity); ok {
		a.current.Store(&what)
	}
}
