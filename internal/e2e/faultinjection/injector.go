package faultinjection

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// tape counts the calls of a life and says which of them break.
type tape struct {
	mu      sync.Mutex
	armed   bool
	count   map[Side]int
	calls   []Point // in the order in which they were made
	strikes []*strike
	fresh   []Break // that struck since they were asked for
	err     error
}

// strike is a fault and what became of it.
type strike struct {
	Fault
	fired  bool
	action string // that was broken
	over   bool   // the cause was mended
}

func newTape(faults ...Fault) *tape {
	t := &tape{count: map[Side]int{}}
	for _, f := range faults {
		t.strikes = append(t.strikes, &strike{Fault: f})
	}
	return t
}

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
	for _, s := range t.strikes {
		if b := t.meets(s, p); b != "" {
			return b
		}
	}
	return ""
}

// meets says how a fault breaks a call; "" where it does not.
func (t *tape) meets(s *strike, p Point) Break {
	switch {
	case s.over || p.Side != s.Side:
		return ""
	case s.fired:
		if s.Scope != Once && p.Action == s.action {
			return s.Break
		}
		return ""
	case s.N > 0 && p.N != s.N, s.N == 0 && p.Action != s.Action:
		return ""
	case s.Action == "" && !s.applies(p): // any call, but not one that cannot fail so
		return ""
	case s.Action != "" && s.Action != p.Action:
		t.err = fmt.Errorf("the life does not repeat: %s was %s before", p, s.Action)
	}
	s.fired, s.action = true, p.Action
	t.fresh = append(t.fresh, s.Break)
	return s.Break
}

// news lists how calls broke for the first time since it was last asked.
func (t *tape) news() []Break {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.fresh
	t.fresh = nil
	return out
}

// breaks tells whether a side's calls are still being broken.
func (t *tape) breaks(side Side) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.strikes, func(s *strike) bool { return s.Side == side && s.fired && !s.over })
}

// handled ends the faults that last for one event.
func (t *tape) handled() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.strikes {
		if s.fired && s.Scope != Lasting {
			s.over = true
		}
	}
}

// mend ends every fault, as the person does who asks again.
func (t *tape) mend() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.strikes {
		s.over = true
	}
}

// broke tells whether a call of an action was broken.
func (t *tape) broke(action string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.strikes, func(s *strike) bool { return s.fired && strings.HasPrefix(s.action, action) })
}

// struck counts the faults that have been met.
func (t *tape) struck() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, s := range t.strikes {
		if s.fired {
			n++
		}
	}
	return n
}
