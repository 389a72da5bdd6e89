package cloudformation

import (
	"context"
	"fmt"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// maxStackPolicy is the largest stack policy in bytes (API reference,
// SetStackPolicy).
const maxStackPolicy = 16_384

// readStackPolicy reads a stack policy from a parameter; "" if it was not sent.
func readStackPolicy(call *protocol.Call, parameter string) (string, error) {
	text := call.Str(parameter)
	if text == "" {
		return "", nil
	}
	if len(text) > maxStackPolicy {
		return "", invalid("1 validation error detected: Value at 'stackPolicyBody' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxStackPolicy)
	}
	if _, err := iampolicy.Parse([]byte(text)); err != nil {
		return "", invalid("Error validating stack policy: Invalid stack policy: %v", err)
	}
	return text, nil
}

func (e *Engine) setStackPolicy(_ context.Context, call *protocol.Call) (any, error) {
	if call.Has("StackPolicyURL") {
		return nil, protocol.NotImplemented("StackPolicyURL of SetStackPolicy")
	}
	text, err := readStackPolicy(call, "StackPolicyBody")
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	s.stackPolicy = text
	return nil, nil
}

func (e *Engine) getStackPolicy(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	return struct {
		StackPolicyBody string `xml:",omitempty"`
	}{s.stackPolicy}, nil
}

// The actions of stack policies ("Prevent updates to stack resources",
// CloudFormation User Guide).
const (
	updateModify  = "Update:Modify"
	updateReplace = "Update:Replace"
	updateDelete  = "Update:Delete"
)

// checkStackPolicy returns an error unless the stack's policy, or the one that
// replaces it during this update, allows an action on a resource. A stack without
// a policy allows every update; with one, every resource is protected by default.
func (s *stack) checkStackPolicy(action, logicalID, typ string) error {
	text := s.stackPolicy
	if s.updatePolicy != "" {
		text = s.updatePolicy
	}
	if text == "" {
		return nil
	}
	document, err := iampolicy.Parse([]byte(text))
	if err != nil {
		return err // checked when it was set
	}
	decision := eval.Documents([]iampolicy.Document{document}, eval.Request{
		Action: action, Resource: "LogicalResourceId/" + logicalID, Context: map[string][]string{"ResourceType": {typ}},
	})
	if decision == eval.Allow {
		return nil
	}
	return fmt.Errorf("Action denied by stack policy: Statement [#1] does not allow [Update:*] for resource [%s]; ",
		logicalID)
}

// checkRemovals returns an error unless the stack's policy allows the removal of
// every resource that an update removes.
func (op *operation) checkRemovals() error {
	for _, id := range op.s.order {
		r := op.s.resources[id]
		if r == nil || op.s.bound.IsActive(id) {
			continue
		}
		if err := op.s.checkStackPolicy(updateDelete, id, r.typ); err != nil {
			op.e.setResource(op.s, r, "UPDATE_FAILED", err.Error())
			return err
		}
	}
	return nil
}
