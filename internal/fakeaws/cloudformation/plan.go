package cloudformation

import (
	"reflect"
	"slices"

	"permstack/internal/cfn/cfntemplate"
)

// afterApply is the placeholder for values that are only known after the change.
const afterApply = "{{changeSet:KNOWN_AFTER_APPLY}}"

// plan lists the changes of an update.
type plan struct {
	changes []change
	other   bool // outputs or stack tags change
}

type change struct {
	action, logicalID, physicalID, typ string
	replacement                        string   // True, False, Conditional; "" for Add and Remove
	properties                         []string // that change
	recreate                           []string // the changed properties that require a replacement
	scope                              []string
	drift                              string // ResourceDriftStatus, in drift-aware change sets
}

func (p *plan) empty() bool { return len(p.changes) == 0 && !p.other }

// planner resolves references to deployed resources, and to afterApply for
// resources that the update creates.
type planner struct {
	have  map[string]*resource
	fresh map[string]bool // new or replaced
	open  map[string]bool // attributes may change
}

func (p planner) Ref(id string) (any, error) {
	if r := p.have[id]; r != nil && r.id != "" && !p.fresh[id] {
		return r.id, nil
	}
	return afterApply, nil
}

func (p planner) GetAtt(id, attr string) (any, error) {
	if r := p.have[id]; r != nil && !p.fresh[id] && !p.open[id] {
		if v, ok := r.attrs[attr]; ok {
			return v, nil
		}
	}
	return afterApply, nil
}

// plan compares the deployed stack with the requested one; hold e.mu.
func (e *Engine) plan(s *stack, set *settings) (*plan, error) {
	order, err := set.bound.Order()
	if err != nil {
		return nil, err
	}
	out := &plan{other: !slices.Equal(s.tags, set.tags)}
	planned := planner{have: s.resources, fresh: map[string]bool{}, open: map[string]bool{}}
	for _, t := range order {
		r := s.resources[t.LogicalID]
		if r == nil || r.status == "CREATE_FAILED" || r.status == "DELETE_COMPLETE" {
			planned.fresh[t.LogicalID] = true
			out.changes = append(out.changes, change{action: "Add", logicalID: t.LogicalID, typ: t.Type})
			continue
		}
		if c := compare(r, t, set, planned); c != nil {
			out.changes = append(out.changes, *c)
			planned.fresh[t.LogicalID] = c.replacement == "True"
			_, planned.open[t.LogicalID] = findProvider(t.Type).(custom)
		}
	}
	for _, id := range s.order {
		if r := s.resources[id]; !set.bound.IsActive(id) && r != nil {
			out.changes = append(out.changes, change{action: "Remove", logicalID: id, physicalID: r.id, typ: r.typ})
		}
	}
	outputs, err := set.bound.Outputs(planned)
	if err != nil || !reflect.DeepEqual(outputs, s.outputs) {
		out.other = true
	}
	return out, nil
}

// compare returns the change of one resource, or nil.
func compare(r *resource, t *cfntemplate.Resource, set *settings, planned planner) *change {
	c := &change{action: "Modify", logicalID: t.LogicalID, physicalID: r.id, typ: t.Type, replacement: "False"}
	if r.typ != t.Type {
		c.replacement, c.scope = "True", []string{"Properties"}
		return c
	}
	p := findProvider(t.Type)
	values, err := set.bound.Properties(t.LogicalID, planned)
	if err != nil {
		c.replacement, c.scope = "Conditional", []string{"Properties"}
		return c
	}
	names := sortedKeys(values)
	for _, n := range sortedKeys(r.props) {
		if _, both := values[n]; !both {
			names = append(names, n)
		}
	}
	for _, n := range names {
		if !reflect.DeepEqual(normal(r.props[n]), normal(values[n])) {
			c.properties = append(c.properties, n)
		}
	}
	c.recreate = p.schema().replaces(r.typ, r.props, values)
	if len(c.recreate) > 0 {
		c.replacement = "True"
		if slices.ContainsFunc(c.recreate, func(n string) bool { return values[n] == afterApply }) {
			c.replacement = "Conditional"
		}
	}
	if len(c.properties) > 0 || r.status == "UPDATE_FAILED" {
		c.scope = append(c.scope, "Properties")
	}
	if p.schema().Tags && !slices.Equal(r.tags, set.tags) {
		c.scope = append(c.scope, "Tags")
	}
	if !reflect.DeepEqual(r.metadata, t.Metadata) {
		c.scope = append(c.scope, "Metadata")
	}
	declared := &resource{}
	declared.declare(t)
	if declared.retain != r.retain || declared.retainNew != r.retainNew {
		c.scope = append(c.scope, "DeletionPolicy")
	}
	if declared.retainReplaced != r.retainReplaced {
		c.scope = append(c.scope, "UpdateReplacePolicy")
	}
	if c.scope == nil {
		return nil
	}
	return c
}
