// Package pause waits in a way that a context can end and a test can replace.
package pause

import (
	"context"
	"time"
)

// Func waits for a duration. It returns the context's error if that ends first.
type Func func(ctx context.Context, d time.Duration) error

// For waits on the real clock. It is the Func of production.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
