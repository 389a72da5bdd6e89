package cloudformation

import (
	"context"
	"slices"
	"time"

	"permstack/internal/fakeaws/protocol"
)

type xmlParameter struct {
	Key   string `xml:"ParameterKey"`
	Value string `xml:"ParameterValue"`
}

type xmlOutput struct {
	Key         string `xml:"OutputKey"`
	Value       string `xml:"OutputValue"`
	Description string `xml:"Description,omitempty"`
	Export      string `xml:"ExportName,omitempty"`
}

type stackDrift struct {
	Status string         `xml:"StackDriftStatus"`
	Time   *protocol.Time `xml:"LastCheckTimestamp,omitempty"`
}

type xmlStack struct {
	ID              string         `xml:"StackId"`
	Name            string         `xml:"StackName"`
	ChangeSetID     string         `xml:"ChangeSetId,omitempty"`
	Description     string         `xml:"Description,omitempty"`
	Parameters      []xmlParameter `xml:"Parameters>member"`
	Created         protocol.Time  `xml:"CreationTime"`
	Updated         *protocol.Time `xml:"LastUpdatedTime,omitempty"`
	Deleted         *protocol.Time `xml:"DeletionTime,omitempty"`
	Status          string         `xml:"StackStatus"`
	Reason          string         `xml:"StackStatusReason,omitempty"`
	DisableRollback bool           `xml:"DisableRollback"`
	Notifications   []string       `xml:"NotificationARNs>member"`
	Timeout         int            `xml:"TimeoutInMinutes,omitempty"`
	Rollback        struct {
		Triggers []rollbackTrigger `xml:"RollbackTriggers>member"`
	} `xml:"RollbackConfiguration"`
	Capabilities []string       `xml:"Capabilities>member"`
	Outputs      []xmlOutput    `xml:"Outputs>member"`
	RoleARN      string         `xml:"RoleARN,omitempty"`
	Tags         []protocol.Tag `xml:"Tags>member"`
	Protected    bool           `xml:"EnableTerminationProtection"`
	Drift        stackDrift     `xml:"DriftInformation"`
}

func optionalTime(t time.Time) *protocol.Time {
	if t.IsZero() {
		return nil
	}
	w := protocol.Time(t)
	return &w
}

// parameters returns the parameter values for display: NoEcho ones as asterisks.
func (set *settings) parameters() []xmlParameter {
	var out []xmlParameter
	if set.template == nil || set.bound == nil {
		return nil
	}
	for _, p := range set.template.Parameters {
		v := set.bound.Parameters[p.Name]
		if p.NoEcho {
			v = "****"
		}
		out = append(out, xmlParameter{p.Name, v})
	}
	return out
}

func (s *stack) xml() xmlStack {
	out := xmlStack{
		ID: s.id, Name: s.name, Parameters: s.parameters(), Created: protocol.Time(s.created),
		Updated: optionalTime(s.updated), Deleted: optionalTime(s.deleted),
		Status: s.status, Reason: s.reason, DisableRollback: s.onFailure == "DO_NOTHING", Notifications: s.notifications,
		Timeout:      s.timeout,
		Capabilities: s.capabilities, RoleARN: s.roleARN, Tags: s.tags, Protected: s.protected,
		Drift: stackDrift{s.drift, optionalTime(s.driftTime)},
	}
	out.Rollback.Triggers = s.rollback
	if s.template != nil {
		out.Description = s.template.Description
	}
	for _, o := range s.outputs {
		out.Outputs = append(out.Outputs, xmlOutput{o.Name, o.Value, o.Description, o.ExportName})
	}
	for _, cs := range s.changeSets {
		if cs.execution == "EXECUTE_COMPLETE" || cs.execution == "EXECUTE_IN_PROGRESS" {
			out.ChangeSetID = cs.id
		}
	}
	return out
}

// paginate returns one page of at most size items and the token of the next.
func paginate[T any](call *protocol.Call, all []T, size int) ([]T, string, error) {
	if most, err := call.Int("MaxResults", size); err == nil && most > 0 && most < size {
		size = most
	}
	page, next, ok := protocol.Page(all, call.Str("NextToken"), size)
	if !ok {
		return nil, "", invalid("Invalid NextToken")
	}
	return page, next, nil
}

func (e *Engine) describeStacks(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []xmlStack
	if name := call.Str("StackName"); name != "" {
		s, err := e.mustFind(call, name)
		if err != nil {
			return nil, err
		}
		all = append(all, s.xml())
	} else {
		for _, s := range slices.Backward(e.space(call.Account, call.Region).all) {
			if s.status != "DELETE_COMPLETE" {
				all = append(all, s.xml())
			}
		}
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Stacks []xmlStack `xml:"Stacks>member"`
		Next   string     `xml:"NextToken,omitempty"`
	}{page, next}, err
}

func (e *Engine) listStacks(_ context.Context, call *protocol.Call) (any, error) {
	type summary struct {
		ID          string         `xml:"StackId"`
		Name        string         `xml:"StackName"`
		Description string         `xml:"TemplateDescription,omitempty"`
		Created     protocol.Time  `xml:"CreationTime"`
		Updated     *protocol.Time `xml:"LastUpdatedTime,omitempty"`
		Deleted     *protocol.Time `xml:"DeletionTime,omitempty"`
		Status      string         `xml:"StackStatus"`
		Reason      string         `xml:"StackStatusReason,omitempty"`
		Drift       stackDrift     `xml:"DriftInformation"`
	}
	filter := call.List("StackStatusFilter")
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []summary
	for _, s := range slices.Backward(e.space(call.Account, call.Region).all) {
		if filter != nil && !slices.Contains(filter, s.status) {
			continue
		}
		description := ""
		if s.template != nil {
			description = s.template.Description
		}
		all = append(
			all,
			summary{
				s.id,
				s.name,
				description,
				protocol.Time(s.created),
				optionalTime(s.updated),
				optionalTime(s.deleted),
				s.status,
				s.reason,
				stackDrift{s.drift, optionalTime(s.driftTime)},
			},
		)
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Stacks []summary `xml:"StackSummaries>member"`
		Next   string    `xml:"NextToken,omitempty"`
	}{page, next}, err
}

func (e *Engine) describeStackEvents(_ context.Context, call *protocol.Call) (any, error) {
	type xmlEvent struct {
		StackID    string     `xml:"StackId"`
		ID         string     `xml:"EventId"`
		StackName  string     `xml:"StackName"`
		LogicalID  string     `xml:"LogicalResourceId"`
		PhysicalID string     `xml:"PhysicalResourceId"`
		Type       string     `xml:"ResourceType"`
		Time       timeMillis `xml:"Timestamp"`
		Status     string     `xml:"ResourceStatus"`
		Reason     string     `xml:"ResourceStatusReason,omitempty"`
		Properties string     `xml:"ResourceProperties,omitempty"`
		Token      string     `xml:"ClientRequestToken,omitempty"`
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	var all []xmlEvent
	for _, ev := range slices.Backward(s.events) {
		if ev.validation != "" {
			continue // DescribeEvents alone has these
		}
		all = append(
			all,
			xmlEvent{
				s.id,
				ev.id,
				s.name,
				ev.logicalID,
				ev.physicalID,
				ev.typ,
				timeMillis(ev.time),
				ev.status,
				ev.reason,
				ev.properties,
				ev.token,
			},
		)
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Events []xmlEvent `xml:"StackEvents>member"`
		Next   string     `xml:"NextToken,omitempty"`
	}{page, next}, err
}

// timeMillis is a time with milliseconds, as in events.
type timeMillis time.Time

func (t timeMillis) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

type xmlResource struct {
	StackID     string      `xml:"StackId,omitempty"`
	StackName   string      `xml:"StackName,omitempty"`
	LogicalID   string      `xml:"LogicalResourceId"`
	PhysicalID  string      `xml:"PhysicalResourceId,omitempty"`
	Type        string      `xml:"ResourceType"`
	Time        *timeMillis `xml:"Timestamp,omitempty"`
	Updated     *timeMillis `xml:"LastUpdatedTimestamp,omitempty"`
	Status      string      `xml:"ResourceStatus"`
	Reason      string      `xml:"ResourceStatusReason,omitempty"`
	Metadata    string      `xml:"Metadata,omitempty"`
	Drift       *driftInfo  `xml:"DriftInformation"`
	Description string      `xml:"Description,omitempty"`
}

func (r *resource) xml(s *stack) xmlResource {
	t := timeMillis(r.time)
	return xmlResource{
		StackID: s.id, StackName: s.name, LogicalID: r.logicalID, PhysicalID: r.id, Type: r.typ, Time: &t,
		Status: r.status, Reason: r.reason, Drift: r.driftInfo(),
	}
}

func (e *Engine) describeStackResource(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	r := s.resources[call.Str("LogicalResourceId")]
	if r == nil {
		return nil, invalid("Resource %s does not exist for stack %s", call.Str("LogicalResourceId"), s.name)
	}
	out := r.xml(s)
	out.Updated, out.Time = out.Time, nil
	if r.metadata != nil {
		out.Metadata = marshal(r.metadata)
	}
	return &struct {
		Detail xmlResource `xml:"StackResourceDetail"`
	}{out}, nil
}

// describeStackResources returns at most 100 resources, as AWS does.
func (e *Engine) describeStackResources(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var s *stack
	logical, physical := call.Str("LogicalResourceId"), call.Str("PhysicalResourceId")
	if physical != "" && call.Str("StackName") == "" {
		for _, other := range e.space(call.Account, call.Region).live {
			for _, r := range other.resources {
				if r.id == physical {
					s = other
				}
			}
		}
		if s == nil {
			return nil, invalid("Stack for %s does not exist", physical)
		}
		physical = ""
	} else {
		var err error
		if s, err = e.mustFind(call, call.Str("StackName")); err != nil {
			return nil, err
		}
	}
	var all []xmlResource
	for _, id := range s.order {
		if r := s.resources[id]; r != nil && (logical == "" || logical == id) &&
			(physical == "" || physical == r.id) &&
			len(all) < 100 {
			all = append(all, r.xml(s))
		}
	}
	return &struct {
		Resources []xmlResource `xml:"StackResources>member"`
	}{all}, nil
}

func (e *Engine) listStackResources(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.mustFind(call, call.Str("StackName"))
	if err != nil {
		return nil, err
	}
	var all []xmlResource
	for _, id := range s.order {
		if r := s.resources[id]; r != nil {
			x := r.xml(s)
			x.StackID, x.StackName, x.Updated, x.Time = "", "", x.Time, nil
			all = append(all, x)
		}
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Resources []xmlResource `xml:"StackResourceSummaries>member"`
		Next      string        `xml:"NextToken,omitempty"`
	}{page, next}, err
}

func (e *Engine) listExports(_ context.Context, call *protocol.Call) (any, error) {
	type export struct {
		StackID string `xml:"ExportingStackId"`
		Name    string `xml:"Name"`
		Value   string `xml:"Value"`
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []export
	for _, s := range e.space(call.Account, call.Region).all {
		for _, o := range s.outputs {
			if o.ExportName != "" {
				all = append(all, export{s.id, o.ExportName, o.Value})
			}
		}
	}
	page, next, err := paginate(call, all, 100)
	return &struct {
		Exports []export `xml:"Exports>member"`
		Next    string   `xml:"NextToken,omitempty"`
	}{page, next}, err
}
