package stacksets

import (
	"slices"
	"sync"
)

// The reasons of results that were not attempted.
const (
	reasonTolerance = "Cancelled since failure tolerance has exceeded"
	reasonStopped   = "Cancelled since the operation was stopped"
	reasonSuspended = "Skipped since the account is suspended"
)

// runQueue runs the operations of a stack set one after the other until none is
// left.
func (s *Service) runQueue(set *stackSet) {
	for {
		s.mu.Lock()
		i := slices.IndexFunc(set.operations, func(op *operation) bool { return op.ended.IsZero() })
		if i < 0 || s.ctx.Err() != nil {
			set.running = false
			s.mu.Unlock()
			return
		}
		op := set.operations[i]
		if op.status == "QUEUED" {
			op.status = "RUNNING"
		}
		w := &work{set: set, op: op, definition: set.definition, url: s.templateURL(set.body)}
		s.mu.Unlock()
		s.run(w)
	}
}

// work is an operation with the stack set's definition at its beginning.
type work struct {
	set        *stackSet
	op         *operation
	definition definition
	url        string // of the template
}

// run runs an operation Region by Region or all Regions at once. If more accounts
// fail in a Region than may, the operation stops there, and does not begin in the
// Regions that follow (API reference, FailureToleranceCount).
func (s *Service) run(w *work) {
	var regions []string
	byRegion := map[string][]*result{}
	for _, r := range w.op.results {
		if byRegion[r.region] == nil {
			regions = append(regions, r.region)
		}
		byRegion[r.region] = append(byRegion[r.region], r)
	}
	exceeded := false
	if w.op.preferences.RegionConcurrencyType == "PARALLEL" {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for _, region := range regions {
			wg.Go(func() {
				failed := s.runRegion(w, byRegion[region])
				mu.Lock()
				defer mu.Unlock()
				exceeded = exceeded || failed
			})
		}
		wg.Wait()
	} else {
		for _, region := range w.op.preferences.order(regions) {
			if exceeded {
				s.cancelResults(w, byRegion[region], reasonTolerance)
				continue
			}
			exceeded = s.runRegion(w, byRegion[region])
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.op.ended = s.d.Clock()
	switch {
	case w.op.stopping:
		w.op.status = "STOPPED"
	case exceeded:
		w.op.status = "FAILED"
		w.op.reason = "The operation exceeded the specified failure tolerance"
	default:
		w.op.status = "SUCCEEDED"
	}
	s.d.Logger.Info("stack set operation ended", "stackSet", w.set.name, "action", w.op.action, "status", w.op.status)
}

// runRegion works on the accounts of one Region and reports whether more failed
// than may.
func (s *Service) runRegion(w *work, results []*result) (exceeded bool) {
	p := w.op.preferences
	if w.op.automatic { // preferences do not apply to automatic deployment (StackSetOperationPreferences)
		most := len(results)
		p = preferences{FailureToleranceCount: &most, MaxConcurrentCount: &most}
	}
	tolerance := p.tolerance(len(results))
	var mu sync.Mutex
	changed := sync.NewCond(&mu)
	running, failed := 0, 0
	var wg sync.WaitGroup
	for i, r := range results {
		mu.Lock()
		for failed <= tolerance && running >= p.concurrency(len(results), failed) {
			changed.Wait()
		}
		exceeded = failed > tolerance
		if exceeded || s.isStopping(w.op) {
			mu.Unlock()
			reason := reasonStopped
			if exceeded {
				reason = reasonTolerance
			}
			s.cancelResults(w, results[i:], reason)
			break
		}
		running++
		mu.Unlock()
		wg.Go(func() {
			ok := s.runOne(w, r)
			mu.Lock()
			defer mu.Unlock()
			running--
			if !ok {
				failed++
			}
			changed.Signal()
		})
	}
	wg.Wait()
	return failed > tolerance
}

func (s *Service) isStopping(op *operation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return op.stopping || s.ctx.Err() != nil
}

func (s *Service) cancelResults(w *work, results []*result, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range results {
		r.status, r.reason = "CANCELLED", reason
		if r.in.operation == w.op.id {
			r.in.detail, r.in.reason = "CANCELLED", reason
		}
	}
}

// runOne works on one account in one Region and reports whether that did not
// fail. An account that is suspended is skipped, which is no failure.
func (s *Service) runOne(w *work, r *result) bool {
	s.mu.Lock()
	r.status, r.in.detail = "RUNNING", "RUNNING"
	s.mu.Unlock()
	suspended := s.d.Organizations != nil && s.d.Organizations.IsSuspended(r.account)
	if suspended && !w.op.retain {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.status, r.reason = "CANCELLED", reasonSuspended
		r.in.detail, r.in.reason = "SKIPPED_SUSPENDED_ACCOUNT", reasonSuspended
		return true
	}
	var err error
	switch {
	case w.op.action != "DELETE":
		err = s.deploy(w, r)
	case !w.op.retain:
		err = s.remove(w, r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		r.status, r.reason = "FAILED", err.Error()
		r.in.status, r.in.detail, r.in.reason = "OUTDATED", "FAILED", r.reason
		if w.op.action == "DELETE" {
			r.in.status, r.in.detail = "INOPERABLE", "INOPERABLE"
		}
		return false
	}
	r.status = "SUCCEEDED"
	r.in.status, r.in.detail, r.in.reason = "CURRENT", "SUCCEEDED", ""
	if r.in.operation != w.op.id { // another operation is queued
		r.in.status, r.in.detail = "OUTDATED", "PENDING"
	}
	if w.op.action == "DELETE" {
		w.set.instances = slices.DeleteFunc(w.set.instances, func(in *instance) bool { return in == r.in })
	}
	return true
}
