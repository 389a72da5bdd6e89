package protocol

import (
	"context"
	"sync"
)

// NewAction returns an action of a handler and the permissions that it requires.
func NewAction(handle Handler, requires Permissions) Action {
	return Action{Handle: handle, Permissions: requires}
}

// LockedQuery returns a Query action whose handler runs with mu held.
func LockedQuery(mu *sync.Mutex, handle func(*Call) (any, error), requires Permissions) Action {
	return NewAction(func(_ context.Context, call *Call) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		return handle(call)
	}, requires)
}

// LockedJSON returns a JSON action whose handler takes the decoded body and
// runs with mu held.
func LockedJSON[In any](mu *sync.Mutex, handle func(*Call, In) (any, error), requires Permissions) Action {
	return NewAction(func(_ context.Context, call *Call) (any, error) {
		var in In
		if err := call.Decode(&in); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		return handle(call, in)
	}, requires)
}
