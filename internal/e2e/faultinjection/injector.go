package faultinjection

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// injector counts the calls of a life and says which of them break.
type injector struct {
	mu       sync.Mutex
	armed    bool
	count    map[Caller]int
	calls    []Point // in the order in which they were made
	faults   []*injection
	injected []Failure // that struck since they were asked for
	err      error
}

// injection is a fault and what became of it.
type injection struct {
	Fault
	injected bool
	action   string // that was broken
	repaired bool   // the cause was mended
}

func newInjector(faults ...Fault) *injector {
	t := &injector{count: map[Caller]int{}}
	for _, f := range faults {
		t.faults = append(t.faults, &injection{Fault: f})
	}
	return t
}

// arm begins or ends the counting: what comes before and after the life itself
// is neither counted nor broken.
func (t *injector) arm(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = on
}

// record notes a call and says how it breaks; "" lets it pass.
func (t *injector) record(side Caller, action string) Failure {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.armed {
		return ""
	}
	t.count[side]++
	p := Point{side, t.count[side], action}
	if side == DriftCheck { // in no order: once each
		if p.N = 0; slices.Contains(t.calls, p) {
			t.count[side]--
		} else {
			t.calls = append(t.calls, p)
		}
	} else {
		t.calls = append(t.calls, p)
	}
	for _, s := range t.faults {
		if b := t.match(s, p); b != "" {
			return b
		}
	}
	return ""
}

// match says how a fault breaks a call; "" where it does not.
func (t *injector) match(s *injection, p Point) Failure {
	switch {
	case s.repaired || p.Caller != s.Caller:
		return ""
	case s.injected:
		if s.Scope != Once && p.Action == s.action {
			return s.Failure
		}
		return ""
	case s.N > 0 && p.N != s.N, s.N == 0 && p.Action != s.Action:
		return ""
	case s.Action == "" && !s.applies(p): // any call, but not one that cannot fail so
		return ""
	case s.Action != "" && s.Action != p.Action:
		t.err = fmt.Errorf("the life does not repeat: %s was %s before", p, s.Action)
	}
	s.injected, s.action = true, p.Action
	t.injected = append(t.injected, s.Failure)
	return s.Failure
}

// takeInjected lists how calls broke for the first time since it was last asked.
func (t *injector) takeInjected() []Failure {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.injected
	t.injected = nil
	return out
}

// isInjecting tells whether a side's calls are still being broken.
func (t *injector) isInjecting(side Caller) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(
		t.faults,
		func(s *injection) bool { return s.Caller == side && s.injected && !s.repaired },
	)
}

// endEvent ends the faults that last for one event.
func (t *injector) endEvent() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.faults {
		if s.injected && s.Scope != UntilRepaired {
			s.repaired = true
		}
	}
}

// repair ends every fault, as the person does who asks again.
func (t *injector) repair() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.faults {
		s.repaired = true
	}
}

// problemf tells whether a call of an action was broken.
func (t *injector) hasInjected(action string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(
		t.faults,
		func(s *injection) bool { return s.injected && strings.HasPrefix(s.action, action) },
	)
}

// injectedFaults counts the faults that have been met.
func (t *injector) injectedFaults() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, s := range t.faults {
		if s.injected {
			n++
		}
	}
	return n
}
