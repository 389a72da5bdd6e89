package cloudformation

import (
	"context"
	"errors"
	"maps"
	"slices"

	"permstack/internal/fakeaws/protocol"
)

// revertDrift is the DeploymentMode of a drift-aware change set. Source: "Using
// drift-aware change sets" (CloudFormation User Guide). The change set compares
// the live resources with the new template and, when executed, changes them to
// match it. It does not
//
//   - change properties and tag keys that the template does not set,
//   - change properties that would require a replacement,
//   - compare types without drift detection, nor those of notReverted: for them
//     the last deployment is used for the live values.
//
// Deleted resources are created again. If the deployment fails, resources are
// restored to their state before, drift included.
const revertDrift = "REVERT_DRIFT"

// notReverted are types with drift detection that drift-aware change sets do not
// compare (the guide's "Supported resource types"), of those that are here.
var notReverted = []string{"AWS::SNS::TopicInlinePolicy"}

// actual is the live state of a resource as a drift-aware change set found it.
type actual struct {
	status string         // IN_SYNC, MODIFIED, DELETED, UNKNOWN, UNSUPPORTED
	props  map[string]any // live values of the template's properties, if MODIFIED
}

func checkDeploymentMode(call *protocol.Call) error {
	if mode := call.Str("DeploymentMode"); mode != "" && mode != revertDrift {
		return invalid(
			"1 validation error detected: Value '%s' at 'deploymentMode' failed to satisfy constraint: Member "+
				"must satisfy enum value set: [%s]", mode, revertDrift)
	}
	return nil
}

// readActual reads the live state of each resource that exists and stays in the
// template.
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

// actualProps returns the live values of the drifted properties that can be
// reverted in place.
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
		if slices.Contains(findProvider(r.typ).schema().replacing(r.typ), name) || name == "Tags" && diff.Kind == "ADD" {
			continue
		}
		out[name] = live[name]
	}
	return out
}

// topProperty returns the first element of a property path.
func topProperty(path string) string {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			return path[1:i]
		}
	}
	return path[min(1, len(path)):]
}

// addReverts adds the changes to a plan that revert the drift.
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
			p.changes = append(p.changes,
				change{action: "Add", logicalID: id, typ: s.resources[id].typ, drift: a.status})
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

// stackDrift returns the StackDriftStatus of a drift-aware change set.
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

// deploymentMode returns the DeploymentMode that DescribeChangeSet reports.
func (set *settings) deploymentMode() string {
	if set.actual == nil {
		return ""
	}
	return revertDrift
}

// applyActual sets a resource's recorded properties to the live ones before a
// drift-aware deployment, so that the change starts from them.
func (op *operation) applyActual(r *resource) {
	a := op.s.actual[r.logicalID]
	if a == nil || len(a.props) == 0 {
		return
	}
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	r.props = withActual(r.props, a)
}

// keepActual sets the properties in a previousState to the live ones, so that a
// failed deployment restores them. The declared ones are kept too.
func (r *resource) keepActual(a *actual) {
	if a == nil || len(a.props) == 0 {
		return
	}
	r.declared, r.props = r.props, withActual(r.props, a)
}

// withActual returns deployed properties with the live values of drifted ones.
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
