// Package ratelimit bounds concurrent calls to an AWS service and repeats those
// that were throttled or failed temporarily.
package ratelimit

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

// Limit bounds the concurrent calls to one service. AWS publishes no rates
// for CloudFormation's drift detection or for IAM, so it adapts: a throttled call
// halves the bound and delays every caller, each success increases it by a
// fraction (additive increase, multiplicative decrease, as in TCP).
type Limit struct {
	now   func() time.Time
	sleep pause.Func

	mu          sync.Mutex
	most        float64 // concurrent calls
	bound       float64 // current bound, at most most
	running     int
	throttles   int       // in a row
	pausedUntil time.Time // no call starts before
	changed     chan struct{}
}

// New returns a limit of at most most concurrent calls. now and sleep are the clock.
func New(most int, now func() time.Time, sleep pause.Func) *Limit {
	return &Limit{
		now: now, sleep: sleep, most: float64(most), bound: float64(most), changed: make(chan struct{}),
	}
}

// acquire waits until a call may start. It returns at once if that would be after
// the context's deadline.
func (l *Limit) acquire(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		l.mu.Lock()
		pause, changed := l.pausedUntil.Sub(l.now()), l.changed
		if pause <= 0 && l.running < int(l.bound) {
			l.running++
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		if pause > 0 {
			if err := l.Wait(ctx, pause); err != nil {
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

// Wait sleeps. It returns context.DeadlineExceeded at once if the deadline is earlier.
func (l *Limit) Wait(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && l.now().Add(d).After(deadline) {
		return context.DeadlineExceeded
	}
	return l.sleep(ctx, d)
}

// release reports the end of a call.
func (l *Limit) release(throttled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	if throttled {
		l.throttles++
		l.bound = max(1, l.bound/2)
		pause := min(longestWait, firstPause<<min(l.throttles-1, 10))
		pause = pause/2 + rand.N(pause/2+1) // jitter, so that two runs do not retry at once
		if until := l.now().Add(pause); until.After(l.pausedUntil) {
			l.pausedUntil = until
		}
	} else {
		l.throttles = 0
		l.bound = min(l.most, l.bound+1/l.bound)
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// Call makes one API call within a limit. It retries calls that were throttled or
// failed temporarily. A nil limit makes the call once, without a bound.
func Call[In, Out, Option any](
	ctx context.Context, l *Limit, do func(context.Context, In, ...Option) (Out, error), in In,
) (Out, error) {
	if l == nil {
		return do(ctx, in)
	}
	var none Out
	for attempt := 1; ; attempt++ {
		if err := l.acquire(ctx); err != nil {
			return none, err
		}
		out, err := do(ctx, in)
		throttled := awserr.IsThrottled(err)
		l.release(throttled)
		switch {
		case err == nil:
			return out, nil
		case ctx.Err() != nil:
			return none, ctx.Err()
		case attempt == attempts || !throttled && !awserr.IsTransient(err):
			return none, err
		case !throttled: // the rate limit itself delays throttled calls
			if err := l.Wait(ctx, min(longestWait, firstPause<<(attempt-1))); err != nil {
				return none, err
			}
		}
	}
}
