package detect

import (
	"slices"
	"strings"

	"permstack/internal/drift/changeevent"
)

// limit limits the check to the resources that events name, and those that depend on
// them: the roles that have a policy, the policies that are declared beside a role, a
// topic and its policy, and everything in a stack that was changed. It returns
// finding.Report.Scope.
func (m *model) limit(events []changeevent.Event, all []*stack) []string {
	selected := map[*resource]bool{}
	var scope []string
	for _, s := range all {
		if slices.ContainsFunc(events, func(e changeevent.Event) bool { return namesStack(e, s) }) {
			scope = append(scope, s.name+"/")
			for _, r := range s.resources {
				selected[r] = true
			}
		}
	}
	for _, r := range m.resources {
		if slices.ContainsFunc(events, func(e changeevent.Event) bool { return e.NamesResource(r.physicalID) }) {
			selected[r] = true
		}
	}
	for _, r := range m.resources {
		if !selected[r] {
			continue
		}
		for _, holder := range m.holders(r.physicalID) {
			selected[holder] = true
		}
	}
	m.addDependent(selected)
	for _, r := range m.resources {
		if r.outOfScope = !selected[r]; selected[r] {
			scope = append(scope, r.stack.name+"/"+r.logicalID)
		}
	}
	slices.Sort(scope)
	return scope
}

// addDependent adds what is declared beside a selected resource, or what it is
// declared beside.
func (m *model) addDependent(selected map[*resource]bool) {
	for _, r := range m.resources {
		if r.typ.owner != nil {
			typ, ids := r.typ.owner(r)
			for _, id := range ids {
				owner := m.find(typ, id)
				if owner != nil && (selected[r] || selected[owner]) {
					selected[r], selected[owner] = true, true
				}
			}
		}
		if r.typ.addToRole == nil || r.typeName == typeManagedPolicy {
			continue
		}
		for role := range m.roles {
			probe := expectedRole{inline: map[string]expectedInline{}, managed: map[string]bool{}}
			r.typ.addToRole(r, role.physicalID, &probe)
			if len(probe.inline) > 0 && (selected[r] || selected[role]) {
				selected[r], selected[role] = true, true
			}
		}
	}
}

// namesAny reports whether one of the events is about a stack.
func namesAny(events []changeevent.Event, s *stack) bool {
	return slices.ContainsFunc(events, func(e changeevent.Event) bool { return namesStack(e, s) })
}

// namesStack reports whether an event is about a stack.
func namesStack(e changeevent.Event, s *stack) bool {
	if s.id == "" {
		return false
	}
	return e.Stack == s.id || strings.HasPrefix(e.Call.Action, "cloudformation:") &&
		(slices.Contains(e.Names, s.name) || slices.Contains(e.Names, s.id))
}

// concernsAccount reports whether an event is about a stack or a role that may be
// new, so that the account has to be searched.
func concernsAccount(events []changeevent.Event, all []*stack) bool {
	return slices.ContainsFunc(events, func(e changeevent.Event) bool {
		return e.Call.Action == "iam:CreateRole" || e.Call.Action == "cloudformation:CreateStack" ||
			e.Stack != "" && !slices.ContainsFunc(all, func(s *stack) bool { return s.id == e.Stack })
	})
}
