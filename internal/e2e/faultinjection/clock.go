package faultinjection

import (
	"sync"
	"time"
)

// clock is a simulated one: it stands still unless somebody waits.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// gate holds CloudFormation's work back until the function waits for it, so that
// a status is not sometimes the one and sometimes the other.
type gate struct {
	mu sync.Mutex
	ch chan struct{}
}

func newGate() *gate { return &gate{ch: make(chan struct{})} }

func (g *gate) unblocked() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ch
}

// unblock opens the gate; the function that it gives shuts it again.
func (g *gate) unblock() (shut func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.ch:
		return func() {}
	default:
	}
	close(g.ch)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.ch = make(chan struct{})
	}
}
