package faults

import (
	"fmt"
	"slices"
	"sync"
)

// tape counts the calls of a life and says which of them break.
type tape struct {
	mu     sync.Mutex
	armed  bool
	count  map[Side]int
	calls  []Point // in the order in which they were made
	fault  *Fault
	fired  bool
	action string // that was broken
	over   bool   // the fault's cause was mended
	err    error
}

func newTape(f *Fault) *tape { return &tape{fault: f, count: map[Side]int{}} }

// arm begins or ends the counting: what comes before and after the life itself
// is neither counted nor broken.
func (t *tape) arm(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = on
}

// next notes a call and says how it breaks; "" lets it pass.
func (t *tape) next(side Side, action string) Break {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.armed {
		return ""
	}
	t.count[side]++
	p := Point{side, t.count[side], action}
	if side == Check { // in no order: once each
		if p.N = 0; slices.Contains(t.calls, p) {
			t.count[side]--
		} else {
			t.calls = append(t.calls, p)
		}
	} else {
		t.calls = append(t.calls, p)
	}
	f := t.fault
	switch {
	case f == nil || t.over || side != f.Side:
		return ""
	case !t.fired && (p.N == f.N && f.N > 0 || f.N == 0 && action == f.Action):
		if action != f.Action {
			t.err = fmt.Errorf("the life does not repeat: %s was %s before", p, f.Action)
		}
		t.fired, t.action = true, action
		return f.Break
	case t.fired && f.Scope != Once && action == t.action:
		return f.Break
	}
	return ""
}

// handled ends a fault that lasts for one event.
func (t *tape) handled() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fired && t.fault.Scope != Lasting {
		t.over = true
	}
}

// mend ends every fault, as the person does who asks again.
func (t *tape) mend() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}

// struck tells whether the fault has been met.
func (t *tape) struck() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fired
}
