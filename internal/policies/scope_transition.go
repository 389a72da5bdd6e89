package policies

import (
	"encoding/json"
	"slices"

	"permstack/internal/iampolicy"
)

// Transition returns the ways of deploying another scope without a moment in which access is missing that both sets
// grant: CloudFormation replaces policies one by one, and a table may move from one policy to another. Each way is the
// sets that are deployed, in order, before the new one. The first has one, whose policies have the statements of both
// sets. The second, for policies that are too full for it, has copies of the old policies beside the old and then the
// new ones. A way that exceeds IAM's quotas is left out.
//
// It is not needed if no access moves, because a single policy is replaced at once.
func Transition(before, after Set) (ways [][]Set, needed bool) {
	if before.Scope.Equal(after.Scope) {
		return nil, false
	}
	both, oldHeld, newHeld := after, before, after
	both.Roles, oldHeld.Roles = slices.Clone(after.Roles), slices.Clone(before.Roles)
	newHeld.Roles = slices.Clone(after.Roles)
	for i, r := range after.Roles {
		j := slices.IndexFunc(before.Roles, func(old Role) bool { return old.Name == r.Name })
		if j < 0 {
			continue
		}
		old := before.Roles[j]
		moved := movedPolicies(old, r)
		needed = needed || len(moved) > 0
		both.Roles[i].Managed = bothPolicies(old.Managed, r.Managed)
		both.Roles[i].Inline = bothPolicies(old.Inline, r.Inline)
		held := heldPolicies(old, moved)
		oldHeld.Roles[j].Managed = slices.Concat(old.Managed, held)
		newHeld.Roles[i].Managed = slices.Concat(r.Managed, held)
		newHeld.Roles[i].Inline = withBothRegions(old.Inline, r.Inline)
	}
	if !needed {
		return nil, false
	}
	for _, way := range [][]Set{{both}, {oldHeld, newHeld}} {
		if !slices.ContainsFunc(way, func(s Set) bool { return checkLimits(s) != nil }) {
			ways = append(ways, way)
		}
	}
	return ways, true
}

// heldPolicies returns copies of policies of a role as managed policies with other names.
func heldPolicies(r Role, names map[string]bool) []Policy {
	var out []Policy
	for _, p := range slices.Concat(r.Managed, r.Inline) {
		if names[p.Name] {
			p.Name, p.Entity, p.Grants = p.Name+"-before", p.Entity+"Before", nil
			p.Path = r.Path
			out = append(out, p)
		}
	}
	return out
}

// withBothRegions returns inline policies in which the Regions of the old ones are not denied.
func withBothRegions(old, now []Policy) []Policy {
	isScope := func(p Policy) bool { return p.Entity == ScopePolicy }
	var out []Policy
	for _, p := range now {
		if isScope(p) {
			i := slices.IndexFunc(old, isScope)
			if i < 0 {
				continue // the old set may be used in every Region
			}
			p.Document = bothRegions(old[i].Document, p.Document)
		}
		out = append(out, p)
	}
	return out
}

// bothPolicies returns policies with the statements of both lists, by name.
func bothPolicies(old, now []Policy) []Policy {
	var out []Policy
	find := func(list []Policy, name string) (Policy, bool) {
		i := slices.IndexFunc(list, func(p Policy) bool { return p.Name == name })
		if i < 0 {
			return Policy{}, false
		}
		return list[i], true
	}
	for _, p := range withBothRegions(old, now) {
		previous, existed := find(old, p.Name)
		if existed && p.Entity != GuardPolicy && p.Entity != ScopePolicy {
			p.Document.Statement = bothStatements(previous.Document.Statement, p.Document.Statement)
			p.Grants = nil
		}
		out = append(out, p)
	}
	for _, p := range old {
		if _, exists := find(now, p.Name); !exists && p.Entity != ScopePolicy {
			out = append(out, p)
		}
	}
	return out
}

// bothStatements returns the statements of both lists. Those of the old list that differ have another Sid.
func bothStatements(old, now []iampolicy.Statement) []iampolicy.Statement {
	out := slices.Clone(now)
	seen := map[string]bool{}
	text := func(st iampolicy.Statement) string {
		data, err := json.Marshal(st)
		if err != nil { // strings and lists only
			panic(err)
		}
		return string(data)
	}
	for _, st := range now {
		seen[text(st)] = true
	}
	for _, st := range old {
		if !seen[text(st)] {
			st.Sid += "Before"
			out = append(out, st)
		}
	}
	return out
}

// bothRegions returns the document that denies requests to Regions that neither document allows. Each has one statement
// (regionScope).
func bothRegions(old, now iampolicy.Document) iampolicy.Document {
	out := now
	out.Statement = slices.Clone(now.Statement)
	for i, st := range out.Statement {
		const operator, key = "StringNotEquals", "aws:RequestedRegion"
		regions := slices.Concat(st.Condition[operator][key], old.Statement[i].Condition[operator][key])
		slices.Sort(regions)
		st.Condition = iampolicy.Conditions{operator: {key: slices.Compact(regions)}}
		st.NotAction = slices.Compact(slices.Sorted(slices.Values(slices.Concat(st.NotAction, old.Statement[i].NotAction))))
		out.Statement[i] = st
	}
	return out
}

// movedPolicies returns the names of the policies of a role from which access moves to other ones: an action, or a
// resource of it.
func movedPolicies(old, now Role) map[string]bool {
	before, after := grantsByAction(old), grantsByAction(now)
	out := map[string]bool{}
	for action, have := range after {
		for policy, resources := range before[action] {
			if have[policy] == nil {
				out[policy] = true
				continue
			}
			for _, list := range have {
				for r := range resources {
					if !have[policy][r] && list[r] {
						out[policy] = true
					}
				}
			}
		}
		for policy := range have { // it gains the action, perhaps from any of those that had it
			if before[action][policy] == nil {
				for from := range before[action] {
					out[from] = true
				}
			}
		}
	}
	return out
}

// grantsByAction returns the resources of each action, by the policy that grants it.
func grantsByAction(r Role) map[string]map[string]map[string]bool {
	out := map[string]map[string]map[string]bool{}
	for _, p := range slices.Concat(r.Managed, r.Inline) {
		for _, st := range p.Document.Statement {
			if st.Effect != "Allow" {
				continue
			}
			for _, a := range st.Action {
				if out[a] == nil {
					out[a] = map[string]map[string]bool{}
				}
				if out[a][p.Name] == nil {
					out[a][p.Name] = map[string]bool{}
				}
				for _, resource := range st.Resource {
					out[a][p.Name][resource] = true
				}
			}
		}
	}
	return out
}
