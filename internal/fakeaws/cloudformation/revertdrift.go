package cloudformation

import (
	"context"
	"errors"
	"maps"
	"slices"

	"permstack/internal/fakeaws/protocol"
)

// revertDrift is the DeploymentMode of a drift-aware change set. Its source is
// "Using drift-aware change sets" (CloudFormation User Guide): the change set
// compares what is there with the new template and, executed, brings what is
// there in line. It does not
//
//   - touch properties and tag keys that the template does not set,
//   - change properties that would need a replacement,
//   - compare types without drift detection, nor those of notReverted: for them
//     the last deployment stands in for what is there.
//
// What was deleted is made again. Where the deployment fails, resources go back
// to what they were, drift included.
const revertDrift = "REVERT_DRIFT"

// notReverted are types with drift detection that drift-aware change sets do not
// compare (the guide's "Supported resource types"), of those that are here.
var notReverted = []string{"AWS::SNS::TopicInlinePolicy"}

// actual is what a drift-aware change set found of a resource.
type actual struct {
	status string         // IN_SYNC, MODIFIED, DELETED, UNKNOWN, UNSUPPORTED
	props  map[string]any // the template's properties as they are, where MODIFIED
}

func checkDeploymentMode(call *protocol.Call) error {
	if mode := call.Str("DeploymentMode"); mode != "" && mode != revertDrift {
		return invalid("1 validation error detected: Value '%s' at 'deploymentMode' failed to satisfy constraint: Member must satisfy enum value set: [%s]", mode, revertDrift)
	}
	return nil
}

// readActual looks at every resource that stands and stays.
func (e *Engine) readActual(ctx context.Context, s *stack, set *settings) map[string]*actual {
	e.mu.Lock()
	var all []*resource
	for _, id := range s.order {
		if r := s.resources[id]; r != nil && r.id != "" && set.bound.IsActive(id) {
			all = append(all, r.clone())
		}
	}
	e.mu.Unlock()
	out := map[string]*actual{}
	for _, r := range all {
		if slices.Contains(notReverted, r.typ) {
			out[r.logicalID] = &actual{status: "UNSUPPORTED"}
			continue
		}
		d, err := e.detect(ctx, set.config, s, r)
		switch {
		case errors.Is(err, errNoDrift):
			out[r.logicalID] = &actual{status: "UNSUPPORTED"}
		case err != nil:
			out[r.logicalID] = &actual{status: "UNKNOWN"}
		default:
			out[r.logicalID] = &actual{status: d.status, props: e.actualProps(ctx, set, s, r, d)}
		}
	}
	return out
}

// actualProps gives the drifted properties that can be put back in place.
func (e *Engine) actualProps(ctx context.Context, set *settings, s *stack, r *resource, d *drift) map[string]any {
	if d.status != "MODIFIED" {
		return nil
	}
	live, err := e.readLive(ctx, set.config, s, r)
	if err != nil {
		return nil
	}
	out := map[string]any{}
	for _, diff := range d.differences {
		name := topProperty(diff.Path)
		if slices.Contains(findProvider(r.typ).schema().Replace, name) || name == "Tags" && diff.Kind == "ADD" {
			continue
		}
		out[name] = live[name]
	}
	return out
}

// topProperty is the first step of a property path.
func topProperty(path string) string {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			return path[1:i]
		}
	}
	return path[min(1, len(path)):]
}

// addReverts puts into a plan what it takes to bring resources back.
func (p *plan) addReverts(found map[string]*actual, s *stack) {
	for i, c := range p.changes {
		if a := found[c.logicalID]; a != nil {
			p.changes[i].drift = a.status
		}
	}
	for _, id := range s.order {
		a := found[id]
		i := slices.IndexFunc(p.changes, func(c change) bool { return c.logicalID == id })
		switch {
		case a == nil || a.status != "DELETED" && len(a.props) == 0:
		case a.status == "DELETED" && i < 0:
			p.changes = append(p.changes, change{action: "Add", logicalID: id, typ: s.resources[id].typ, drift: a.status})
		case a.status == "MODIFIED" && i < 0:
			p.changes = append(p.changes, change{
				action: "Modify", logicalID: id, physicalID: s.resources[id].id, typ: s.resources[id].typ, replacement: "False",
				properties: sortedKeys(a.props), scope: []string{"Properties"}, drift: a.status,
			})
		case a.status == "MODIFIED":
			for _, name := range sortedKeys(a.props) {
				if !slices.Contains(p.changes[i].properties, name) {
					p.changes[i].properties = append(p.changes[i].properties, name)
				}
			}
		}
	}
}

// stackDrift sums up what a drift-aware change set found.
func (set *settings) stackDrift() string {
	if set.actual == nil {
		return ""
	}
	out := "IN_SYNC"
	for _, a := range set.actual {
		if a.status == "MODIFIED" || a.status == "DELETED" {
			return "DRIFTED"
		}
		if a.status == "UNKNOWN" {
			out = "UNKNOWN"
		}
	}
	return out
}

// deploymentMode is what DescribeChangeSet says of it.
func (set *settings) deploymentMode() string {
	if set.actual == nil {
		return ""
	}
	return revertDrift
}

// applyActual makes a resource's record say what is there, before a drift-aware
// deployment brings it in line; the change then starts from that.
func (op *operation) applyActual(r *resource) {
	a := op.s.actual[r.logicalID]
	if a == nil || len(a.props) == 0 {
		return
	}
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	r.props = withActual(r.props, a)
}

// keepActual makes an undo's copy say what is there, so that a failed deployment
// goes back to that. What was declared stays beside it.
func (r *resource) keepActual(a *actual) {
	if a == nil || len(a.props) == 0 {
		return
	}
	r.declared, r.props = r.props, withActual(r.props, a)
}

// withActual puts what is there into what was deployed.
func withActual(props map[string]any, a *actual) map[string]any {
	now := maps.Clone(props)
	for name, v := range a.props {
		if v == nil {
			delete(now, name)
		} else {
			now[name] = v
		}
	}
	return now
}
