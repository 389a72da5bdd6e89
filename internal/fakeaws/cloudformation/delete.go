package cloudformation

import (
	"fmt"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// beginDelete starts a delete and cancels a create in progress; hold e.mu.
func (e *Engine) beginDelete(s *stack, retain []string, force bool) {
	s.deleting = true
	if s.busy {
		s.stop()
	}
	s.operation = protocol.NewUUID()
	e.setStatus(s, "DELETE_IN_PROGRESS", "User Initiated")
	e.start(s, func(op *operation) {
		if op.s.status != "DELETE_IN_PROGRESS" { // a rollback ended in the meantime
			op.status("DELETE_IN_PROGRESS", "User Initiated")
		}
		skip := map[string]bool{}
		for _, id := range retain {
			skip[id] = true
		}
		op.deleteAll(skip, force)
	})
}

// deleteAll deletes a stack.
func (op *operation) deleteAll(skip map[string]bool, force bool) {
	failed := op.removeAll(func(r *resource) bool { return r.retain }, skip)
	if failed != nil && force {
		for _, id := range failed {
			op.e.setResource(op.s, op.s.resources[id], "DELETE_SKIPPED", "")
		}
		failed = nil
	}
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	op.s.deleting = false
	if failed != nil {
		op.e.setStatus(
			op.s,
			"DELETE_FAILED",
			fmt.Sprintf("The following resource(s) failed to delete: [%s]. ", strings.Join(failed, ", ")),
		)
		return
	}
	op.s.deleted = op.e.now()
	op.s.outputs = nil
	delete(op.e.space(op.s.account, op.s.region).live, op.s.name)
	op.e.setStatus(op.s, "DELETE_COMPLETE", "")
}
