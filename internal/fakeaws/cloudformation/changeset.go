package cloudformation

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// changeSet is a planned create or update that can be executed.
type changeSet struct {
	id, name, description, typ string
	status, reason, execution  string
	created                    time.Time
	set                        *settings
	changes                    []change
	onStackFailure             string
}

var changeSetName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

// createChangeSet plans synchronously: when it returns, the change set is
// complete, or failed because it has no changes.
func (e *Engine) createChangeSet(ctx context.Context, call *protocol.Call) (any, error) {
	name, stackName, typ := call.Str("ChangeSetName"), call.Str("StackName"), call.Str("ChangeSetType")
	if !changeSetName.MatchString(name) {
		return nil, invalid(
			"1 validation error detected: Value '%s' at 'changeSetName' failed to satisfy constraint: Member "+
				"must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	if typ == "" {
		typ = "UPDATE"
	}
	if err := checkDeploymentMode(call); err != nil {
		return nil, err
	}
	e.mu.Lock()
	s := e.find(call.Account, call.Region, stackName, false)
	switch {
	case typ == "IMPORT":
		e.mu.Unlock()
		return nil, protocol.NotImplemented("change sets of type IMPORT")
	case typ != "CREATE" && typ != "UPDATE":
		e.mu.Unlock()
		return nil, invalid(
			"1 validation error detected: Value '%s' at 'changeSetType' failed to satisfy constraint: Member "+
				"must satisfy enum value set: [CREATE, UPDATE, IMPORT]", typ)
	case typ == "UPDATE" && s == nil:
		e.mu.Unlock()
		return nil, invalid("Stack [%s] does not exist", stackName)
	case typ == "UPDATE":
		if err := updatable(s); err != nil {
			e.mu.Unlock()
			return nil, err
		}
	case s != nil && s.status != "REVIEW_IN_PROGRESS":
		e.mu.Unlock()
		return nil, invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].",
			stackName, name)
	case s == nil:
		if err := checkName(stackName); err != nil {
			e.mu.Unlock()
			return nil, err
		}
		s = e.newStack(call, stackName)
	}
	set, err := e.readSettings(call, s, typ == "CREATE")
	e.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if set.config, err = e.roleConfig(call, set.roleARN); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.IndexFunc(s.changeSets, func(c *changeSet) bool { return c.name == name }); i >= 0 {
		if token := call.Str("ClientToken"); token != "" && token == s.changeSets[i].set.token {
			return &changeSetResult{s.changeSets[i].id, s.id}, nil
		}
		if s.changeSets[i].status != "FAILED" {
			return nil, protocol.Errorf("AlreadyExistsException", "ChangeSet %s already exists", name)
		}
		// AWS would refuse here too. But clients name change sets by the second,
		// and here an empty one and the next can fall into the same.
		s.changeSets = slices.Delete(s.changeSets, i, i+1)
	}
	set.token = call.Str("ClientToken")
	if err := e.bind(s, set); err != nil {
		return nil, err
	}
	cs := &changeSet{
		id:   strings.Replace(stackARN(s.account, s.region, name, protocol.NewUUID()), ":stack/", ":changeSet/", 1),
		name: name, description: call.Str("Description"), typ: typ, created: e.now(), set: set,
		status: "CREATE_COMPLETE", execution: "AVAILABLE", onStackFailure: call.Str("OnStackFailure"),
	}
	p, err := e.plan(s, set)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if call.Str("DeploymentMode") == revertDrift {
		e.mu.Unlock() // reading calls the other services
		set.actual = e.readActual(ctx, s, set)
		e.mu.Lock()
		p.addReverts(set.actual, s)
	}
	cs.changes = p.changes
	if p.empty() {
		cs.status, cs.execution = "FAILED", "UNAVAILABLE"
		cs.reason = "The submitted information didn't contain changes. Submit different information to create " +
			"a change set."
	}
	s.changeSets = append(s.changeSets, cs)
	if typ == "CREATE" && s.status == "" {
		e.register(s)
		e.setStatus(s, "REVIEW_IN_PROGRESS", "User Initiated")
	}
	return &changeSetResult{cs.id, s.id}, nil
}

type changeSetResult struct {
	ID      string `xml:"Id"`
	StackID string `xml:"StackId"`
}

// findChangeSet finds by ARN, or by name and stack; hold e.mu.
func (e *Engine) findChangeSet(call *protocol.Call) (*stack, *changeSet, error) {
	name := call.Str("ChangeSetName")
	if strings.HasPrefix(name, "arn:") {
		for _, s := range e.space(call.Account, call.Region).all {
			for _, cs := range s.changeSets {
				if cs.id == name {
					return s, cs, nil
				}
			}
		}
		return nil, nil, protocol.Errorf("ChangeSetNotFound", "ChangeSet [%s] does not exist", name).WithStatus(404)
	}
	if call.Str("StackName") == "" {
		return nil, nil, invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
	}
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, nil, invalid("Stack [%s] does not exist", call.Str("StackName"))
	}
	for _, cs := range s.changeSets {
		if cs.name == name {
			return s, cs, nil
		}
	}
	return nil, nil, protocol.Errorf("ChangeSetNotFound", "ChangeSet [%s] does not exist", name).WithStatus(404)
}

type xmlChange struct {
	Type   string `xml:"Type"`
	Change struct {
		Action      string      `xml:"Action"`
		LogicalID   string      `xml:"LogicalResourceId"`
		PhysicalID  string      `xml:"PhysicalResourceId,omitempty"`
		Type        string      `xml:"ResourceType"`
		Replacement string      `xml:"Replacement,omitempty"`
		Drift       string      `xml:"ResourceDriftStatus,omitempty"`
		Scope       []string    `xml:"Scope>member"`
		Details     []xmlDetail `xml:"Details>member"`
	} `xml:"ResourceChange"`
}

type xmlDetail struct {
	Target struct {
		Attribute string `xml:"Attribute"`
		Name      string `xml:"Name,omitempty"`
		Recreate  string `xml:"RequiresRecreation"`
	} `xml:"Target"`
	Evaluation string `xml:"Evaluation"`
	Source     string `xml:"ChangeSource"`
}

func (c change) xml() xmlChange {
	out := xmlChange{Type: "Resource"}
	out.Change.Action, out.Change.LogicalID, out.Change.PhysicalID, out.Change.Type = c.action, c.logicalID, c.physicalID,
		c.typ
	out.Change.Replacement, out.Change.Scope, out.Change.Drift = c.replacement, c.scope, c.drift
	for _, name := range c.properties {
		d := xmlDetail{Evaluation: "Static", Source: "DirectModification"}
		d.Target.Attribute, d.Target.Name, d.Target.Recreate = "Properties", name, "Never"
		if slices.Contains(c.recreate, name) {
			d.Target.Recreate = "Always"
		}
		if c.replacement == "Conditional" {
			d.Evaluation = "Dynamic"
		}
		out.Change.Details = append(out.Change.Details, d)
	}
	return out
}

func (e *Engine) describeChangeSet(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, cs, err := e.findChangeSet(call)
	if err != nil {
		return nil, err
	}
	all := make([]xmlChange, len(cs.changes))
	for i, c := range cs.changes {
		all[i] = c.xml()
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Name           string         `xml:"ChangeSetName"`
		ID             string         `xml:"ChangeSetId"`
		StackID        string         `xml:"StackId"`
		StackName      string         `xml:"StackName"`
		Description    string         `xml:"Description,omitempty"`
		Parameters     []xmlParameter `xml:"Parameters>member"`
		Created        protocol.Time  `xml:"CreationTime"`
		Execution      string         `xml:"ExecutionStatus"`
		Status         string         `xml:"Status"`
		Reason         string         `xml:"StatusReason,omitempty"`
		Notifications  []string       `xml:"NotificationARNs>member"`
		Capabilities   []string       `xml:"Capabilities>member"`
		Tags           []protocol.Tag `xml:"Tags>member"`
		Changes        []xmlChange    `xml:"Changes>member"`
		Next           string         `xml:"NextToken,omitempty"`
		OnStackFailure string         `xml:"OnStackFailure,omitempty"`
		Nested         bool           `xml:"IncludeNestedStacks"`
		Mode           string         `xml:"DeploymentMode,omitempty"`
		StackDrift     string         `xml:"StackDriftStatus,omitempty"`
	}{
		cs.name, cs.id, s.id, s.name, cs.description, cs.set.parameters(), protocol.Time(cs.created), cs.execution, cs.status,
		cs.reason,
		cs.set.notifications, cs.set.capabilities, cs.set.tags, page, next, cs.onStackFailure, false, cs.set.deploymentMode(),
		cs.set.stackDrift(),
	}, err
}

func (e *Engine) executeChangeSet(_ context.Context, call *protocol.Call) (any, error) {
	disable, err := call.Bool("DisableRollback", false)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, cs, err := e.findChangeSet(call)
	if err != nil {
		return nil, err
	}
	if cs.execution != "AVAILABLE" {
		return nil, protocol.Errorf("InvalidChangeSetStatus",
			"ChangeSet [%s] cannot be executed in its current status of [%s]", cs.id, cs.status)
	}
	if disable {
		cs.set.onFailure = "DO_NOTHING"
	}
	cs.set.token = call.Str("ClientRequestToken")
	if s.status == "REVIEW_IN_PROGRESS" {
		if cs.typ != "CREATE" {
			return nil, invalid("Stack:%s is in %s state and can not be updated.", s.id, s.status)
		}
		s.changeSets = []*changeSet{cs}
		cs.execution = "EXECUTE_COMPLETE"
		e.beginCreate(s, cs.set, "User Initiated")
		return nil, nil
	}
	if err := updatable(s); err != nil {
		return nil, err
	}
	s.changeSets = []*changeSet{cs} // executing one deletes the others
	cs.execution = "EXECUTE_COMPLETE"
	e.beginUpdate(s, cs.set)
	return nil, nil
}

func (e *Engine) deleteChangeSet(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, cs, err := e.findChangeSet(call)
	if err != nil {
		if protocol.HasCode(err, "ChangeSetNotFound") {
			return nil, nil
		}
		return nil, err
	}
	s.changeSets = slices.DeleteFunc(s.changeSets, func(c *changeSet) bool { return c == cs })
	return nil, nil
}

func (e *Engine) listChangeSets(_ context.Context, call *protocol.Call) (any, error) {
	type summary struct {
		StackID     string        `xml:"StackId"`
		StackName   string        `xml:"StackName"`
		ID          string        `xml:"ChangeSetId"`
		Name        string        `xml:"ChangeSetName"`
		Execution   string        `xml:"ExecutionStatus"`
		Status      string        `xml:"Status"`
		Reason      string        `xml:"StatusReason,omitempty"`
		Created     protocol.Time `xml:"CreationTime"`
		Description string        `xml:"Description,omitempty"`
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	var all []summary
	for _, cs := range s.changeSets {
		if cs.execution == "EXECUTE_COMPLETE" {
			continue
		}
		all = append(all, summary{
			s.id,
			s.name,
			cs.id,
			cs.name,
			cs.execution,
			cs.status,
			cs.reason,
			protocol.Time(cs.created),
			cs.description,
		})
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		All  []summary `xml:"Summaries>member"`
		Next string    `xml:"NextToken,omitempty"`
	}{page, next}, err
}
