// Package simclock provides a simulated clock for tests of code that waits.
package simclock

import (
	"context"
	"sync"
	"time"
)

// Clock is a simulated clock: time passes only in Sleep and Advance. It may be
// used by many goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// New returns a clock that shows the time now.
func New(now time.Time) *Clock { return &Clock{now: now} }

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Sleep advances the clock and returns at once, with the context's error.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}
