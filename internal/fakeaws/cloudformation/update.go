package cloudformation

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws/protocol"
)

// previousState is the state of a stack before an update, for its rollback.
type previousState struct {
	settings  settings
	resources map[string]*resource // copies
	order     []string
	outputs   []cfntemplate.OutputValue
	made      []*resource // physical resources to delete after the rollback
	restored  map[string]bool
}

// beginUpdate starts an update; hold e.mu.
func (e *Engine) beginUpdate(s *stack, set *settings) {
	u := &previousState{
		settings:  s.settings,
		resources: map[string]*resource{},
		order:     slices.Clone(s.order),
		outputs:   s.outputs,
		restored:  map[string]bool{},
	}
	for id, r := range s.resources {
		u.resources[id] = r.clone()
		u.resources[id].keepActual(set.actual[id])
	}
	s.previous, s.settings, s.updated = u, *set, e.now()
	s.operation = protocol.NewUUID()
	e.setStatus(s, "UPDATE_IN_PROGRESS", "User Initiated")
	e.start(s, (*operation).update)
}

func (op *operation) update() {
	s := op.s
	order, err := s.bound.Order()
	if err != nil {
		op.rollbackUpdate(err.Error(), nil)
		return
	}
	if !op.validate(order) {
		op.rollbackUpdate(validationFailed, nil)
		return
	}
	if err := op.checkRemovals(); err != nil {
		op.rollbackUpdate(err.Error(), nil)
		return
	}
	op.waitStack(updateHandler, begin)
	reason := ""
	if !op.each(logicalIDs(order), op.dependencies, startsEarly(order), func(id string) bool {
		op.e.mu.Lock()
		cancelled := s.cancelled
		op.e.mu.Unlock()
		if cancelled {
			reason = "User Initiated"
			return false
		}
		verb, err := op.reconcile(declared(order, id))
		if err != nil && reason == "" {
			reason = fmt.Sprintf("The following resource(s) failed to %s: [%s]. ", verb, id)
		}
		return err == nil
	}) {
		if s.onFailure == "DO_NOTHING" && reason != "User Initiated" {
			op.status("UPDATE_FAILED", reason)
			return
		}
		op.rollbackUpdate(reason, nil)
		return
	}
	outputs, err := s.bound.Outputs(resolver{s.resources})
	if err != nil {
		op.rollbackUpdate(err.Error(), nil)
		return
	}
	op.e.mu.Lock()
	s.outputs = outputs
	old := s.previous
	op.e.setStatus(s, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")
	op.e.mu.Unlock()
	op.cleanup(old)
	op.waitStack(updateHandler, end)
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	s.previous = nil
	s.order = nil
	for _, t := range order {
		s.order = append(s.order, t.LogicalID)
	}
	op.e.setStatus(s, "UPDATE_COMPLETE", "")
}

// reconcile creates, changes or replaces one resource to match the new template.
func (op *operation) reconcile(t *cfntemplate.Resource) (verb string, err error) {
	r := op.s.resources[t.LogicalID]
	if a := op.s.actual[t.LogicalID]; r != nil && a != nil && a.status == "DELETED" { // by a third party
		r = nil
	}
	if r != nil && r.status == "CREATE_FAILED" { // left by a failed create without rollback
		if !op.remove(r) {
			return "update", errors.New("the resource of a failed create cannot be deleted")
		}
		r = nil
	}
	if r == nil {
		return "create", op.make(t)
	}
	values, err := op.resolve(t)
	if err != nil {
		op.e.setResource(op.s, r, "UPDATE_FAILED", err.Error())
		return "update", err
	}
	p := findProvider(t.Type)
	op.e.mu.Lock()
	r.declare(t)
	op.e.mu.Unlock()
	if r.typ == t.Type {
		op.applyActual(r)
	}
	same := r.typ == t.Type && r.status != "UPDATE_FAILED" && reflect.DeepEqual(normal(r.props), normal(values))
	if same && (!p.schema().Tags || slices.Equal(r.tags, op.s.tags)) {
		return "", nil
	}
	action := updateModify
	if r.typ != t.Type || len(p.schema().replaces(r.typ, r.props, values)) > 0 {
		action = updateReplace
	}
	if err := op.s.checkStackPolicy(action, t.LogicalID, t.Type); err != nil {
		op.e.setResource(op.s, r, "UPDATE_FAILED", err.Error())
		return "update", err
	}
	if r.typ == t.Type && len(p.schema().replaces(r.typ, r.props, values)) == 0 {
		before := r.clone()
		err := op.change(r, values, op.s.tags)
		if err == nil && r.id != before.id {
			op.recordReplacement(before)
		}
		return "update", err
	}
	name := p.schema().Name
	if r.typ == t.Type && name != "" && values[name] != nil &&
		reflect.DeepEqual(normal(values[name]), normal(r.props[name])) {
		err := fmt.Errorf(
			"CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename %s "+
				"and update the stack again.",
			r.id,
		)
		op.e.setResource(op.s, r, "UPDATE_FAILED", err.Error())
		return "update", err
	}
	op.e.setResource(op.s, r, "UPDATE_IN_PROGRESS",
		"Requested update requires the creation of a new physical resource; hence creating one.")
	fresh := &resource{logicalID: t.LogicalID, typ: t.Type, tags: op.s.tags}
	fresh.declare(t)
	return "update", op.makeAs(fresh, t, "UPDATE", "Resource creation Initiated")
}

// recordReplacement adds the event of an update in place that returned a new
// physical id, as custom resources may.
func (op *operation) recordReplacement(before *resource) {
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	op.e.appendEvent(op.s, event{
		logicalID: before.logicalID, physicalID: before.id, typ: before.typ, status: "UPDATE_IN_PROGRESS",
		reason: "Requested update required the creation of a new physical resource; hence creating one.",
	})
}

// cleanupTries is how often CloudFormation tries to delete a resource in a
// cleanup before it continues without. Source: AWS re:Post, "Why is my
// CloudFormation stack stuck in … CLEANUP_IN_PROGRESS state?".
const cleanupTries = 3

// discard deletes a resource that no longer belongs to the stack.
func (op *operation) discard(r *resource) {
	for range cleanupTries {
		if op.remove(r) {
			return
		}
	}
}

// cleanup deletes what the update has replaced or removed. A resource that
// cannot be deleted is left behind with an event; the update completes all the
// same.
func (op *operation) cleanup(old *previousState) {
	order := slices.Clone(old.order)
	slices.Reverse(order)
	op.each(order, dependents(old.settings.bound, order), atEnd, func(id string) bool {
		was, is := old.resources[id], op.s.resources[id]
		declared := op.s.bound.IsActive(id)
		switch {
		case was == nil || was.id == "":
		case declared && is != nil && is.id == was.id && is.typ == was.typ:
			return true
		case declared && was.retainReplaced || !declared && was.retain:
			op.e.setResource(op.s, was, "DELETE_SKIPPED", "")
		default:
			op.discard(was)
		}
		if !declared {
			op.e.removeResource(op.s, id)
		}
		return true
	})
}

// rollbackUpdate restores a stack to its state before the update.
func (op *operation) rollbackUpdate(reason string, skip []string) {
	op.ctx = op.e.ctx // the update may be cancelled, its rollback is not
	s := op.s
	op.e.mu.Lock()
	old := s.previous
	if s.cancelled {
		reason = "User Initiated"
	}
	s.settings = old.settings
	if s.status != "UPDATE_ROLLBACK_IN_PROGRESS" { // not continued
		op.e.setStatus(s, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
	}
	op.e.mu.Unlock()
	var failed []string
	op.each(old.order, op.dependencies, atEnd, func(id string) bool {
		switch {
		case old.restored[id]:
			return true
		case slices.Contains(skip, id):
			op.e.setResource(s, s.resources[id], "UPDATE_COMPLETE", "")
		case !op.restore(old, id):
			failed = append(failed, id)
			return false
		}
		old.restored[id] = true
		return true
	})
	if failed != nil {
		op.status("UPDATE_ROLLBACK_FAILED",
			fmt.Sprintf("The following resource(s) failed to update: [%s]. ", strings.Join(failed, ", ")))
		return
	}
	op.e.mu.Lock()
	s.outputs = old.outputs
	op.e.setStatus(s, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "")
	made := slices.Clone(old.made)
	op.e.mu.Unlock()
	order := slices.Clone(s.order)
	slices.Reverse(order)
	for _, id := range order {
		if old.resources[id] == nil { // new in this update
			op.discard(s.resources[id])
			op.e.removeResource(s, id)
		}
	}
	slices.Reverse(made)
	for _, r := range made {
		op.discard(r)
	}
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	s.order, s.previous = slices.Clone(old.order), nil
	op.e.setStatus(s, "UPDATE_ROLLBACK_COMPLETE", "")
}

// restore restores one resource and reports whether that succeeded.
func (op *operation) restore(old *previousState, id string) bool {
	was, is := old.resources[id], op.s.resources[id]
	if is == nil {
		op.e.putResource(op.s, was.clone())
		return true
	}
	_, isCustom := findProvider(is.typ).(custom)
	if is.typ != was.typ || is.id != was.id && !isCustom {
		if is.id != "" {
			old.made = append(old.made, is)
		}
		back := was.clone()
		op.e.putResource(op.s, back)
		op.e.setResource(op.s, back, "UPDATE_IN_PROGRESS", "")
		op.e.setResource(op.s, back, "UPDATE_COMPLETE", "")
		return true
	}
	if is.status == was.status && is.time.Equal(was.time) {
		op.e.mu.Lock()
		defer op.e.mu.Unlock()
		is.retain, is.retainNew, is.retainReplaced, is.metadata = was.retain, was.retainNew, was.retainReplaced, was.metadata
		return true
	}
	before := is.clone()
	if op.change(is, maps.Clone(was.props), was.tags) != nil {
		return false
	}
	if was.declared != nil { // the drift is restored; the declaration stays the deployed one
		op.e.mu.Lock()
		is.props = was.declared
		op.e.mu.Unlock()
	}
	for _, stale := range []*resource{before, was} { // only custom resources have any
		if stale.id != is.id && !slices.ContainsFunc(old.made, func(m *resource) bool { return m.id == stale.id }) {
			old.made = append(old.made, stale.clone())
		}
	}
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	is.retain, is.retainNew, is.retainReplaced, is.metadata = was.retain, was.retainNew, was.retainReplaced, was.metadata
	return true
}

// beginContinueRollback tries a failed rollback again; hold e.mu.
func (e *Engine) beginContinueRollback(s *stack, skip []string) {
	// Set at once: the next describe call must not return the failure.
	e.setStatus(s, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
	e.start(s, func(op *operation) { op.rollbackUpdate("User Initiated", skip) })
}
