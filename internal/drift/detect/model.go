package detect

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// model is everything that the templates of all stacks expect together: a policy
// may be declared beside its role, and two roles may share one.
type model struct {
	account   string
	resources []*resource // by rank
	byID      map[string]map[string]*resource

	roles    map[*resource]expectedRole
	policies map[string]document // of the managed policies, by ARN

	release      Release
	guardrails   guardrails
	installation *stack // the parent, if it has the custom resource
	deployed     *model // of the templates that the permission stacks have
}

// newModel evaluates what is expected. Workers only read the model.
func newModel(p installation.Parent, stacks []*stack) *model {
	m := &model{
		account: p.Account, byID: map[string]map[string]*resource{},
		roles: map[*resource]expectedRole{}, policies: map[string]document{},
	}
	for _, s := range stacks {
		m.resources = append(m.resources, s.resources...)
	}
	slices.SortStableFunc(m.resources, func(a, b *resource) int {
		return cmp.Or(a.typ.rank, 100) - cmp.Or(b.typ.rank, 100)
	})
	for _, r := range m.resources {
		if m.byID[r.typeName] == nil {
			m.byID[r.typeName] = map[string]*resource{}
		}
		m.byID[r.typeName][r.physicalID] = r
	}
	for _, r := range m.resources {
		if r.typ.index != nil && r.props != nil {
			r.typ.index(m, r)
		}
	}
	return m
}

// find returns the resource of a type and physical id; nil if no stack has it.
func (m *model) find(typ, physicalID string) *resource { return m.byID[typ][physicalID] }

func (m *model) isDeleted(typ, physicalID string) bool { return m.find(typ, physicalID).isDeleted() }

// compare compares what is expected with what was read, and merges the findings
// of both sources. It makes no calls.
func (m *model) compare() []draft {
	byResource := map[*resource][]draft{}
	for _, r := range m.resources {
		if r.live == nil {
			continue
		}
		for _, d := range r.live.compare(m, r) { // of the policies beside a role too
			byResource[d.resource] = append(byResource[d.resource], d)
		}
	}
	m.setDirectionByRole(byResource)
	var out []draft
	denied := map[*stack]bool{}
	for _, r := range m.resources {
		if r.deletedWithOwner(m) {
			continue
		}
		for _, d := range r.merge(byResource[r]) {
			m.markMonitoring(&d)
			// If the call itself is denied, it is for every resource of the stack: one
			// finding about the stack is sufficient.
			ofStack := d.Kind == finding.NotReadable && d.Permission == "cloudformation:DetectStackResourceDrift"
			if ofStack {
				d.LogicalID, d.PhysicalID, d.Type = "", r.stack.id, stackType
			}
			if !ofStack || !denied[r.stack] {
				out = append(out, d)
			}
			denied[r.stack] = denied[r.stack] || ofStack
		}
	}
	return out
}

// secrets lists the values that must not be reported.
func (m *model) secrets() []string {
	var out []string
	if m.deployed != nil {
		out = m.deployed.secrets()
	}
	for _, r := range m.resources {
		if r.typ.secrets != nil {
			out = append(out, r.typ.secrets(r)...)
		}
		if live, ok := r.live.(secretState); ok {
			out = append(out, live.secrets()...)
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return len(s) < 2 || strings.Contains(s, unknown) })
}

// expectedTags returns the stack's tags, overridden by the resource's own.
func (r *resource) expectedTags() map[string]string {
	if r.typ.untagged {
		return nil
	}
	out := maps.Clone(r.stack.tags)
	for _, t := range objects(r.props["Tags"]) {
		out[text(t["Key"])] = text(t["Value"])
	}
	return out
}

// markMonitoring sets the direction of what the parent stack lost or has in another
// form: its resources check the access and notify, and grant none to the backup
// service.
func (m *model) markMonitoring(d *draft) {
	if m.installation == nil || d.Stack != m.installation.name || d.Kind == finding.TagsChanged ||
		d.Reason == finding.EffectiveAccessSame {
		return
	}
	if d.Direction == finding.GrantsLess || d.Direction == finding.Changed {
		d.Direction = finding.Monitoring
	}
}
