package faultinjection

import "sync"

// gate blocks CloudFormation's work until the function waits for it, so that a
// status does not depend on timing.
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

// unblock opens the gate; the returned function blocks it again.
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

// turns lets operations run one after another in the order of their numbers.
type turns struct {
	mu   sync.Mutex
	next *sync.Cond
	n    int // of the operation that may run
}

func newTurns() *turns {
	t := &turns{}
	t.next = sync.NewCond(&t.mu)
	return t
}

// wait returns when every operation before the nth has ended.
func (t *turns) wait(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.n < n {
		t.next.Wait()
	}
}

// end ends the current operation.
func (t *turns) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	t.next.Broadcast()
}
