package faultinjection

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// injector records the calls of a scenario and decides which of them fail.
type injector struct {
	mu       sync.Mutex
	armed    bool
	count    map[Caller]int
	calls    []Point // in the order in which they were made
	faults   []*injection
	injected []Failure // since the last takeInjected
	err      error
}

// injection is a fault and its progress.
type injection struct {
	Fault
	injected bool
	action   string // of the call that failed
	repaired bool   // the cause was removed
}

func newInjector(faults ...Fault) *injector {
	j := &injector{count: map[Caller]int{}}
	for _, f := range faults {
		j.faults = append(j.faults, &injection{Fault: f})
	}
	return j
}

// arm starts or stops recording and injecting: calls before and after the scenario
// itself are ignored.
func (j *injector) arm(on bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.armed = on
}

// record records a call and returns how it fails; "" if it does not.
func (j *injector) record(caller Caller, action string) Failure {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.armed {
		return ""
	}
	j.count[caller]++
	p := Point{caller, j.count[caller], action}
	if caller == DriftCheck { // concurrent: recorded once each
		if p.N = 0; slices.Contains(j.calls, p) {
			j.count[caller]--
		} else {
			j.calls = append(j.calls, p)
		}
	} else {
		j.calls = append(j.calls, p)
	}
	for _, s := range j.faults {
		if b := j.match(s, p); b != "" {
			return b
		}
	}
	return ""
}

// match returns how a fault makes a call fail; "" if it does not.
func (j *injector) match(s *injection, p Point) Failure {
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
	case s.Action == "" && !s.applies(p): // any action, except those that cannot fail in this way
		return ""
	case s.Action != "" && s.Action != p.Action:
		j.err = fmt.Errorf("the scenario is not reproducible: %s was %s before", p, s.Action)
	}
	s.injected, s.action = true, p.Action
	j.injected = append(j.injected, s.Failure)
	return s.Failure
}

// takeInjected returns the failures that were injected for the first time since the
// last call.
func (j *injector) takeInjected() []Failure {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.injected
	j.injected = nil
	return out
}

// isInjecting reports whether a fault of a caller is active.
func (j *injector) isInjecting(caller Caller) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.ContainsFunc(j.faults,
		func(s *injection) bool { return s.Caller == caller && s.injected && !s.repaired })
}

// endEvent ends the faults whose scope is one event.
func (j *injector) endEvent() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.faults {
		if s.injected && s.Scope != UntilRepaired {
			s.repaired = true
		}
	}
}

// repair ends every fault, as the person does who repeats an event.
func (j *injector) repair() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.faults {
		s.repaired = true
	}
}

// hasInjected reports whether a call failed whose action begins with a prefix.
func (j *injector) hasInjected(action string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.ContainsFunc(j.faults,
		func(s *injection) bool { return s.injected && strings.HasPrefix(s.action, action) })
}

// injectedFaults returns how many faults have been injected.
func (j *injector) injectedFaults() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, s := range j.faults {
		if s.injected {
			n++
		}
	}
	return n
}
