package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// beginCreate starts a create; hold e.mu.
func (e *Engine) beginCreate(s *stack, set *settings, reason string) {
	s.settings = *set
	s.operation = protocol.NewUUID()
	e.setStatus(s, "CREATE_IN_PROGRESS", reason)
	e.start(s, (*operation).create)
}

func (op *operation) create() {
	s := op.s
	order, err := s.bound.Order() // checked by bind
	if err != nil {
		op.status("CREATE_FAILED", err.Error())
		return
	}
	if !op.validate(order) {
		op.createFailed(nil, validationFailed)
		return
	}
	op.waitStack(createHandler, begin)
	var failed []string
	if !op.each(logicalIDs(order), op.dependencies, startsEarly(order), func(id string) bool {
		if err := op.make(declared(order, id)); err != nil {
			failed = append(failed, id)
		}
		return failed == nil
	}) {
		op.createFailed(failed, "")
		return
	}
	op.waitStack(createHandler, end)
	outputs, err := s.bound.Outputs(resolver{s.resources})
	if err != nil {
		op.createFailed(nil, err.Error())
		return
	}
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	s.outputs = outputs
	op.e.setStatus(s, "CREATE_COMPLETE", "")
}

func (op *operation) createFailed(failed []string, reason string) {
	if failed != nil {
		reason = fmt.Sprintf("The following resource(s) failed to create: [%s]. ", strings.Join(failed, ", "))
	}
	if op.aborted() {
		return // the delete that follows reports the rest
	}
	if errors.Is(op.ctx.Err(), context.DeadlineExceeded) {
		reason = "Stack creation time exceeded the specified timeout. "
	}
	switch op.s.onFailure {
	case "DO_NOTHING":
		op.status("CREATE_FAILED", reason)
	case "DELETE":
		op.status("CREATE_FAILED", reason+"Delete requested by user.")
		op.ctx = op.e.ctx
		op.status("DELETE_IN_PROGRESS", "")
		op.deleteAll(nil, false)
	default:
		op.rollbackCreate(reason + "Rollback requested by user.")
	}
}

// rollbackCreate deletes the resources that a create has created.
func (op *operation) rollbackCreate(reason string) {
	op.ctx = op.e.ctx                          // the create may be cancelled, its rollback is not
	if op.s.status != "ROLLBACK_IN_PROGRESS" { // not requested by RollbackStack, which has set it
		op.status("ROLLBACK_IN_PROGRESS", reason)
	}
	failed := op.removeAll(func(r *resource) bool { return r.retainNew }, nil)
	if failed != nil {
		op.status(
			"ROLLBACK_FAILED",
			fmt.Sprintf("The following resource(s) failed to delete: [%s]. ", strings.Join(failed, ", ")),
		)
		return
	}
	op.status("ROLLBACK_COMPLETE", "")
}

// removeAll deletes a stack's resources in the reverse order of creation. The
// dependencies of a resource that could not be deleted stay.
func (op *operation) removeAll(retain func(*resource) bool, force map[string]bool) (failed []string) {
	op.waitStack(deleteHandler, begin)
	defer op.waitStack(deleteHandler, end)
	needed := map[string]bool{}
	order := slices.Clone(op.s.order)
	slices.Reverse(order)
	keep := func(id string) {
		deps, _ := op.s.bound.Dependencies(id)
		for _, d := range deps {
			needed[d] = true
		}
	}
	op.each(order, dependents(op.s.bound, order), atEnd, func(id string) bool {
		r := op.s.resources[id]
		switch {
		case r == nil || r.status == "DELETE_COMPLETE" || r.status == "DELETE_SKIPPED":
		case needed[id]:
			keep(id)
		case r.id != "" && retain(r) || force[id]:
			op.e.setResource(op.s, r, "DELETE_SKIPPED", "")
		case !op.remove(r):
			failed = append(failed, id)
			keep(id)
		}
		return true
	})
	return failed
}
