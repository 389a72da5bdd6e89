package cloudformation

import (
	"context"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

type stackIDResult struct {
	StackID string `xml:"StackId"`
}

// newStack returns a stack that is not registered yet; hold e.mu.
func (e *Engine) newStack(call *protocol.Call, name string) *stack {
	return &stack{
		id:   stackARN(call.Account, call.Region, name, protocol.NewUUID()),
		name: name, account: call.Account, region: call.Region,
		created: e.now(), resources: map[string]*resource{}, drift: "NOT_CHECKED",
	}
}

// deletedStackRetention is how long a deleted stack can be described by its id
// (API reference, "ListStacks": "up to 90 days after the stack is deleted").
const deletedStackRetention = 90 * 24 * time.Hour

// register adds a stack under its name and drops the stacks whose retention
// after deletion has ended; hold e.mu.
func (e *Engine) register(s *stack) {
	sp := e.space(s.account, s.region)
	sp.all = slices.DeleteFunc(sp.all, func(old *stack) bool {
		return old.status == "DELETE_COMPLETE" && s.created.Sub(old.deleted) > deletedStackRetention
	})
	sp.live[s.name] = s
	sp.all = append(sp.all, s)
}

func checkName(name string) error {
	if !stackName.MatchString(name) {
		return invalid(
			"1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must "+
				"satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*; Member must have length less than "+
				"or equal to 128", name)
	}
	return nil
}

func (e *Engine) createStack(_ context.Context, call *protocol.Call) (any, error) {
	name := call.Str("StackName")
	if err := checkName(name); err != nil {
		return nil, err
	}
	set, err := e.readSettings(call, &stack{}, true)
	if err != nil {
		return nil, err
	}
	protected, err := call.Bool("EnableTerminationProtection", false)
	if err != nil {
		return nil, err
	}
	if set.config, err = e.roleConfig(call, set.roleARN); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if old := e.find(call.Account, call.Region, name, false); old != nil {
		if set.token != "" && set.token == old.token && old.body == set.body {
			return &stackIDResult{old.id}, nil // the same request again
		}
		return nil, protocol.Errorf("AlreadyExistsException", "Stack [%s] already exists", name)
	}
	s := e.newStack(call, name)
	if err := e.bind(s, set); err != nil {
		return nil, err
	}
	s.protected = protected
	e.register(s)
	e.beginCreate(s, set, "User Initiated")
	return &stackIDResult{s.id}, nil
}

func (e *Engine) updateStack(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err == nil {
		err = updatable(s)
	}
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	if token := call.Str("ClientRequestToken"); token != "" && token == s.token {
		defer e.mu.Unlock()
		return &stackIDResult{s.id}, nil
	}
	set, err := e.readSettings(call, s, false)
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if set.config, err = e.roleConfig(call, set.roleARN); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := updatable(s); err != nil {
		return nil, err
	}
	if err := e.bind(s, set); err != nil {
		return nil, err
	}
	p, err := e.plan(s, set)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if p.empty() {
		return nil, invalid("No updates are to be performed.")
	}
	e.beginUpdate(s, set)
	return &stackIDResult{s.id}, nil
}

// updatable returns an error if a stack cannot be updated in its status.
func updatable(s *stack) error {
	allowed := []string{
		"CREATE_COMPLETE",
		"UPDATE_COMPLETE",
		"UPDATE_ROLLBACK_COMPLETE",
		"IMPORT_COMPLETE",
		"CREATE_FAILED",
		"UPDATE_FAILED",
	}
	if s.status == "DELETE_COMPLETE" {
		return invalid("Stack [%s] does not exist", s.name)
	}
	if s.busy || !slices.Contains(allowed, s.status) {
		return invalid("Stack:%s is in %s state and can not be updated.", s.id, s.status)
	}
	return nil
}

func (e *Engine) deleteStack(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	s := e.find(call.Account, call.Region, call.Str("StackName"), false)
	role := call.Str("RoleARN")
	if s != nil && role == "" {
		role = s.roleARN
	}
	e.mu.Unlock()
	if s == nil {
		return nil, nil // as at AWS, for a stack that does not exist
	}
	config, err := e.roleConfig(call, role)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	retain := call.List("RetainResources")
	force := call.Str("DeletionMode") == "FORCE_DELETE_STACK"
	switch {
	case s.status == "DELETE_COMPLETE", s.deleting:
		return nil, nil
	case s.protected:
		return nil, invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", s.name)
	case s.busy && s.status != "CREATE_IN_PROGRESS" && s.status != "ROLLBACK_IN_PROGRESS":
		return nil, invalid("Stack [%s] cannot be deleted while in status %s", s.id, s.status)
	case (len(retain) > 0 || force) && s.status != "DELETE_FAILED":
		return nil, invalid(
			"Invalid operation on stack [%s]. RetainResources and FORCE_DELETE_STACK can be given for a stack "+
				"in DELETE_FAILED alone", s.id)
	}
	for _, id := range retain {
		if s.resources[id] == nil {
			return nil, invalid("Resource %s does not exist in stack %s", id, s.name)
		}
	}
	for _, o := range s.outputs {
		if o.ExportName == "" {
			continue
		}
		if users := e.importers(s, o.ExportName); users != nil {
			return nil, invalid("Cannot delete export %s as it is in use by %s",
				o.ExportName, strings.Join(users, ", "))
		}
	}
	s.config, s.token, s.roleARN = config, call.Str("ClientRequestToken"), role
	e.beginDelete(s, retain, force)
	return nil, nil
}

// importers names the stacks that use an export; hold e.mu.
func (e *Engine) importers(s *stack, name string) []string {
	var out []string
	for _, other := range e.space(s.account, s.region).all {
		if other != s && other.status != "DELETE_COMPLETE" && strings.Contains(other.body, "ImportValue") &&
			strings.Contains(other.body, name) {
			out = append(out, other.name)
		}
	}
	return out
}

func (e *Engine) cancelUpdateStack(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	if s.status != "UPDATE_IN_PROGRESS" {
		return nil, invalid("CancelUpdateStack cannot be called from current stack status")
	}
	s.cancelled = true
	s.stop()
	return nil, nil
}

func (e *Engine) continueUpdateRollback(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	s, err := e.mustFind(call, call.Str("StackName"))
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	role := call.Str("RoleARN")
	if role == "" {
		role = s.roleARN
	}
	config, err := e.roleConfig(call, role)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.busy || s.status != "UPDATE_ROLLBACK_FAILED" || s.previous == nil {
		return nil, invalid("Stack:%s is in %s state and can not be rolled back", s.id, s.status)
	}
	skip := call.List("ResourcesToSkip")
	for _, id := range skip {
		if r := s.resources[id]; r == nil || r.status != "UPDATE_FAILED" {
			return nil, invalid("The following resource(s) cannot be skipped: [%s]", id)
		}
	}
	s.config, s.token = config, call.Str("ClientRequestToken")
	e.beginContinueRollback(s, skip)
	return nil, nil
}

// rollbackStack rolls back a stack whose create or update failed with rollback
// disabled.
func (e *Engine) rollbackStack(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	if s.busy || s.status != "CREATE_FAILED" && s.status != "UPDATE_FAILED" {
		return nil, invalid("Stack:%s is in %s state and can not be rolled back", s.id, s.status)
	}
	s.token = call.Str("ClientRequestToken")
	if s.status == "CREATE_FAILED" {
		e.setStatus(s, "ROLLBACK_IN_PROGRESS", "User Initiated")
		e.start(s, func(op *operation) { op.rollbackCreate("User Initiated") })
	} else {
		e.setStatus(s, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
		e.start(s, func(op *operation) { op.rollbackUpdate("User Initiated", nil) })
	}
	return &stackIDResult{s.id}, nil
}

func (e *Engine) updateTerminationProtection(_ context.Context, call *protocol.Call) (any, error) {
	on, err := call.Bool("EnableTerminationProtection", false)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	s.protected = on
	return &stackIDResult{s.id}, nil
}
