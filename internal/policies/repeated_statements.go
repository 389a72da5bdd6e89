package policies

import (
	"reflect"
	"slices"
	"strings"

	"permstack/internal/policies/schema"
)

// withoutRepeated returns the policies of a role without the statements that its
// other statements grant too: vendors repeat a grant in each policy that uses it,
// so that each is complete by itself. It is used if the policies do not fit
// otherwise. Of statements that grant the same the first is kept. Denies, and
// policies that a statement names, are kept as they are.
func (s synthesis) withoutRepeated(
	role schema.Role, whole map[string][][]schema.Statement, named map[string]bool,
) map[string][]schema.Statement {
	type place struct {
		policy    string
		statement *schema.Statement
		removed   bool
	}
	var all []place
	byAction := map[string][]int{}
	out := map[string][]schema.Statement{}
	for _, p := range role.Policies {
		list := s.choice.statements(p)
		if p.Kind == schema.Managed {
			if named[p.Entity] || len(whole[p.Entity]) == 0 {
				continue
			}
			list = whole[p.Entity][0]
		}
		out[p.Entity] = nil
		for i := range list {
			st := &list[i]
			for _, a := range st.Actions {
				byAction[a] = append(byAction[a], len(all))
			}
			all = append(all, place{policy: p.Entity, statement: st})
		}
	}
	for i := len(all) - 1; i >= 0; i-- {
		all[i].removed = !all[i].statement.Deny &&
			!slices.ContainsFunc(all[i].statement.Actions, func(action string) bool {
				return !slices.ContainsFunc(byAction[action], func(j int) bool {
					return j != i && !all[j].removed && includes(all[j].statement, all[i].statement)
				})
			})
	}
	for _, p := range all {
		if !p.removed {
			out[p.policy] = append(out[p.policy], *p.statement)
		}
	}
	return out
}

// includes reports whether a statement applies to every request that another one
// applies to, their actions aside. It may report false although it does.
func includes(a, b *schema.Statement) bool {
	return !a.Deny && (len(a.When) == 0 || len(a.When) == len(b.When)) &&
		includesAll(a.Resources, b.Resources) && includesAll(a.Shared, b.Shared) &&
		(len(a.When) == 0 || reflect.DeepEqual(a.When, b.When))
}

func includesAll(patterns, resources []string) bool {
	contains := func(r string) bool { return slices.Contains(patterns, r) }
	if len(patterns) > 16 { // the names of a scope, of which there may be hundreds
		set := toSet(patterns)
		contains = func(r string) bool { return set[r] }
		patterns = filter(patterns, func(p string) bool { return strings.Contains(p, "*") })
	}
	return !slices.ContainsFunc(resources, func(r string) bool {
		return !contains(r) && !slices.ContainsFunc(patterns, func(p string) bool { return includesResource(p, r) })
	})
}

// includesResource reports whether a resource of the profile includes another: the
// same, "*", a reference to all entities of a kind, or a pattern that matches the
// other as text. The stars of the other are then matched by stars.
func includesResource(pattern, resource string) bool {
	if pattern == resource {
		return true
	}
	if strings.IndexByte(pattern, '*') < 0 {
		return false
	}
	if kind, entity, ok := reference(resource); ok {
		return entity != "" && pattern == "${"+kind+":*}"
	}
	for {
		star := strings.IndexByte(pattern, '*')
		if star < 0 {
			return pattern == resource
		}
		if strings.HasSuffix(pattern[:star], "${") { // the letter, in ${*}
			end := star + len("*}")
			if !strings.HasPrefix(resource, pattern[:end]) {
				return false
			}
			pattern, resource = pattern[end:], resource[end:]
			continue
		}
		if !strings.HasPrefix(resource, pattern[:star]) {
			return false
		}
		rest := pattern[star+1:]
		if rest == "" {
			return true
		}
		resource = resource[star:]
		for i := range len(resource) + 1 {
			if includesResource(rest, resource[i:]) {
				return true
			}
		}
		return false
	}
}
