package cloudformation

import (
	"slices"
	"sync"
	"time"

	"permstack/internal/cfn/cfntemplate"
)

// Wait is how long a handler takes beyond its calls.
type Wait struct {
	// Configure passes before the resource is configured. In a create, resources that
	// depend on it then start (user guide, "Understand CloudFormation stack creation
	// events").
	Configure time.Duration
	// Check is the eventual consistency check that follows.
	Check time.Duration
}

// schedule lets the resources of one operation be worked on at the same time. Only
// one goroutine of the operation runs at any moment; the others wait for time to
// pass or for a function.
type schedule struct {
	mu         sync.Mutex // held by the goroutine that runs
	changed    *sync.Cond
	configured map[string]bool // by logical id
	ended      map[string]bool
}

func newSchedule() *schedule {
	s := &schedule{configured: map[string]bool{}, ended: map[string]bool{}}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// each calls do for every resource, in order, and reports whether all succeeded.
// After a failure it starts no more. Without Deps.Waits it works on one resource
// after another, so that runs are reproducible. With them it starts a resource as
// soon as those that it needs have ended, or if early allows it, are configured.
func (op *operation) each(
	ids []string, needs func(string) []string, early func(string) bool, do func(string) bool,
) bool {
	if op.e.d.Waits == nil {
		for _, id := range ids {
			if !do(id) {
				return false
			}
		}
		return true
	}
	w := op.work
	w.configured, w.ended = map[string]bool{}, map[string]bool{}
	mine, started := map[string]bool{}, map[string]bool{}
	for _, id := range ids {
		mine[id] = true
	}
	ready := func(id string) bool {
		for _, n := range needs(id) {
			if mine[n] && !w.ended[n] && (!early(id) || !w.configured[n]) {
				return false
			}
		}
		return true
	}
	running, failed := 0, false
	for {
		for _, id := range ids {
			if failed || started[id] || !ready(id) {
				continue
			}
			started[id] = true
			running++
			op.e.work.Go(func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				if do(id) {
					w.ended[id] = true
				} else {
					failed = true
				}
				running--
				w.changed.Broadcast()
			})
		}
		if running == 0 {
			return !failed
		}
		w.changed.Wait()
	}
}

// wait lets the time of a handler pass. It returns an error if the operation was
// cancelled meanwhile.
func (op *operation) wait(r *resource, handler string) error {
	if op.e.d.Waits == nil {
		return nil
	}
	w := op.e.d.Waits(r.typ, handler)
	op.pass(w.Configure)
	if handler == createHandler && w.Check > 0 {
		op.e.setResource(op.s, r, "CREATE_IN_PROGRESS", "Eventual consistency check initiated")
	}
	op.work.configured[r.logicalID] = true
	op.work.changed.Broadcast()
	op.pass(w.Check)
	return op.ctx.Err()
}

// waitStack lets the time pass that CloudFormation takes for the stack itself,
// before its first resource and after its last one.
func (op *operation) waitStack(handler string, part func(Wait) time.Duration) {
	if op.e.d.Waits != nil {
		op.pass(part(op.e.d.Waits(stackType, handler)))
	}
}

func begin(w Wait) time.Duration { return w.Configure }
func end(w Wait) time.Duration   { return w.Check }

// pass lets time pass and other goroutines of the operation run.
func (op *operation) pass(d time.Duration) {
	if d <= 0 {
		return
	}
	op.unlocked(func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-op.ctx.Done():
		}
	})
}

// unlocked lets other goroutines of the operation run during a call that blocks.
func (op *operation) unlocked(block func()) {
	op.work.mu.Unlock()
	defer op.work.mu.Lock()
	block()
}

// dependencies returns the resources that a resource of the template needs.
func (op *operation) dependencies(id string) []string {
	deps, _ := op.s.bound.Dependencies(id)
	return deps
}

// dependents returns a function that returns the resources of a template that need a
// resource.
func dependents(bound *cfntemplate.Resolved, ids []string) func(string) []string {
	out := map[string][]string{}
	for _, id := range ids {
		deps, _ := bound.Dependencies(id)
		for _, d := range deps {
			out[d] = append(out[d], id)
		}
	}
	return func(id string) []string { return out[id] }
}

// startsEarly reports whether a new resource starts when those that it needs are
// configured. Custom resources start when they have ended.
func startsEarly(order []*cfntemplate.Resource) func(string) bool {
	return func(id string) bool {
		_, isCustom := findProvider(declared(order, id).Type).(custom)
		return !isCustom
	}
}

// atEnd lets every resource wait for the end of those that it needs.
func atEnd(string) bool { return false }

func logicalIDs(order []*cfntemplate.Resource) []string {
	var out []string
	for _, t := range order {
		out = append(out, t.LogicalID)
	}
	return out
}

// declared returns the resource with a logical id, which is among those of order.
func declared(order []*cfntemplate.Resource, id string) *cfntemplate.Resource {
	i := slices.IndexFunc(order, func(t *cfntemplate.Resource) bool { return t.LogicalID == id })
	return order[i]
}
