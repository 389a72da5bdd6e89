package detect

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/pause"
)

const (
	firstPause  = 250 * time.Millisecond
	longestWait = 20 * time.Second
	// attempts bounds how often one call is made. With doubling pauses the last
	// attempt comes about half a minute after the first.
	attempts = 8
)

// gate lets a bounded number of calls into one service at a time. AWS publishes
// no rates for CloudFormation's detection or for IAM, so it finds the rate: a
// throttled call halves the number and holds every caller back for a while,
// each success widens it by a fraction (additive increase, multiplicative
// decrease, as TCP does).
type gate struct {
	now   func() time.Time
	sleep pause.Func

	mu        sync.Mutex
	most      float64
	width     float64
	inside    int
	throttles int       // in a row
	closed    time.Time // nobody enters before
	changed   chan struct{}
}

func newGate(most int, now func() time.Time, sleep pause.Func) *gate {
	return &gate{now: now, sleep: sleep, most: float64(most), width: float64(most), changed: make(chan struct{})}
}

// enter waits for a place. It does not wait for what the context's deadline
// would not let it see.
func (g *gate) enter(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		g.mu.Lock()
		pause, changed := g.closed.Sub(g.now()), g.changed
		if pause <= 0 && g.inside < int(g.width) {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		g.mu.Unlock()
		if pause > 0 {
			if err := g.wait(ctx, pause); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wait sleeps, unless the deadline comes first.
func (g *gate) wait(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && g.now().Add(d).After(deadline) {
		return context.DeadlineExceeded
	}
	return g.sleep(ctx, d)
}

// leave gives the place back and tells how the call went.
func (g *gate) leave(throttled bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if throttled {
		g.throttles++
		g.width = max(1, g.width/2)
		pause := min(longestWait, firstPause<<min(g.throttles-1, 10))
		pause = pause/2 + rand.N(pause/2+1) // so that two checkers do not march in step
		if until := g.now().Add(pause); until.After(g.closed) {
			g.closed = until
		}
	} else {
		g.throttles = 0
		g.width = min(g.most, g.width+1/g.width)
	}
	close(g.changed)
	g.changed = make(chan struct{})
}

// call makes one API call through a gate, again where that may help: throttled,
// or failed on AWS's side or on the way.
func call[In, Out, Option any](ctx context.Context, g *gate, do func(context.Context, In, ...Option) (Out, error), in In) (Out, error) {
	var none Out
	for attempt := 1; ; attempt++ {
		if err := g.enter(ctx); err != nil {
			return none, err
		}
		out, err := do(ctx, in)
		throttled := awserr.IsThrottled(err)
		g.leave(throttled)
		switch {
		case err == nil:
			return out, nil
		case ctx.Err() != nil:
			return none, ctx.Err()
		case attempt == attempts || !throttled && !awserr.IsTransient(err):
			return none, err
		case !throttled: // the gate itself holds throttled calls back
			if err := g.wait(ctx, min(longestWait, firstPause<<(attempt-1))); err != nil {
				return none, err
			}
		}
	}
}
