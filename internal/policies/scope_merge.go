package policies

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// mergeNamed returns a profile, narrowed to a scope, with fewer repetitions of long lists: statements of a role with
// the same conditions about the same buckets, tables, databases or keys become one. Its actions on the bucket and those
// on its objects share one list, which grants no more: AWS has no action of S3 or DynamoDB that acts on both.
func mergeNamed(profile schema.Profile) schema.Profile {
	profile.Roles = slices.Clone(profile.Roles)
	for i := range profile.Roles {
		r := &profile.Roles[i]
		r.Policies = slices.Clone(r.Policies)
		m := merger{policies: r.Policies, hosts: map[string][2]int{}}
		for j := range r.Policies {
			r.Policies[j].Statements = slices.Clone(r.Policies[j].Statements)
		}
		m.chooseHosts()
		for j := range r.Policies {
			m.merge(j)
		}
		for j := range r.Policies {
			p := &r.Policies[j]
			p.Statements = slices.DeleteFunc(p.Statements, func(st schema.Statement) bool { return len(st.Actions) == 0 })
		}
	}
	return profile
}

// merger merges the statements of one role.
type merger struct {
	policies []schema.Policy
	hosts    map[string][2]int // by key: the policy and the statement that the others are merged into
}

// key identifies statements that can be merged; "" for others.
func (m merger) key(st schema.Statement) string {
	if st.Deny || len(st.Resources) < 2 {
		return ""
	}
	frame := ""
	for i, r := range st.Resources {
		f, ok := nameFrame(r)
		if !ok || i > 0 && f != frame {
			return ""
		}
		frame = f
	}
	when, err := json.Marshal(st.When)
	if err != nil { // strings only
		panic(err)
	}
	return fmt.Sprint(frame, " ", string(when), " ", len(st.Shared) > 0, " ", len(st.For) == 0, " ", st.Presets)
}

// nameFrame returns what precedes the name in the ARN of a resource that a scope lists.
func nameFrame(resource string) (string, bool) {
	_, name, with, ok := scope.Name(resource)
	if !ok || name == "*" {
		return "", false
	}
	frame, _, _ := strings.Cut(with("\x00"), "\x00")
	return frame, true
}

// chooseHosts chooses the statement of each key that the others are merged into: the first in a managed policy, else
// the first.
func (m merger) chooseHosts() {
	for _, managed := range []bool{true, false} {
		for j, p := range m.policies {
			for k, st := range p.Statements {
				key := m.key(st)
				if _, found := m.hosts[key]; key != "" && !found && (p.Kind == schema.Managed) == managed {
					m.hosts[key] = [2]int{j, k}
				}
			}
		}
	}
}

// merge merges the statements of a policy into their hosts.
func (m merger) merge(policy int) {
	list := m.policies[policy].Statements
	for k := range list {
		st := &list[k]
		at, found := m.hosts[m.key(*st)]
		if !found || at == [2]int{policy, k} {
			continue
		}
		host := &m.policies[at[0]].Statements[at[1]]
		*host = union(*host, *st)
		st.Actions = nil
	}
}

// union returns a statement with the actions and resources of both, and the reasons of both.
func union(a, b schema.Statement) schema.Statement {
	a.Actions = appendNew(a.Actions, b.Actions)
	a.Resources = appendNew(belowAll(a.Resources, b.Resources), belowAll(b.Resources, a.Resources))
	a.Shared = appendNew(a.Shared, b.Shared)
	a.For = appendNew(a.For, b.For)
	a.Remains = appendNew(a.Remains, b.Remains)
	if !strings.Contains(a.Why, b.Why) {
		a.Why += "; " + b.Why
	}
	if b.Note != "" && !strings.Contains(a.Note, b.Note) {
		a.Note = strings.TrimPrefix(a.Note+"; "+b.Note, "; ")
	}
	return a
}

// belowAll returns resources in which what is below a named resource is written alike, NAME/* in place of
// NAME/stream/*, unless both lists are the same. AWS's actions on streams, exports and backups of a table name no other
// resources below it.
func belowAll(list, other []string) []string {
	if slices.Equal(list, other) {
		return list
	}
	out := make([]string, 0, len(list))
	for _, r := range list {
		if frame, ok := nameFrame(r); ok {
			if name, below, _ := strings.Cut(strings.TrimPrefix(r, frame), "/"); strings.Contains(below, "/") {
				r = frame + name + "/*"
			}
		}
		out = append(out, r)
	}
	return out
}

func appendNew[T comparable](list, more []T) []T {
	out := slices.Clone(list)
	seen := toSet(list)
	for _, v := range more {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

// splitNamed returns a profile with each statement of a managed policy that is larger than a policy as several, each
// with a part of the resources.
func splitNamed(profile schema.Profile, c choice, env Environment) schema.Profile {
	s := synthesis{profile: profile, choice: c, names: names{longestEnvironment(env)}}
	s.terms = longestTerms(profile, c, env)
	profile.Roles = slices.Clone(profile.Roles)
	for i := range profile.Roles {
		r := &profile.Roles[i]
		r.Policies = slices.Clone(r.Policies)
		for j := range r.Policies {
			p := &r.Policies[j]
			if p.Kind != schema.Managed {
				continue
			}
			var out []schema.Statement
			for _, st := range p.Statements {
				out = append(out, s.split(st)...)
			}
			p.Statements = out
		}
	}
	return profile
}

// split returns a statement as several that each fit into a policy, with as many of the resources as do.
func (s synthesis) split(st schema.Statement) []schema.Statement {
	capacity := MaxManagedPolicy - emptyDocument + 1 // as in pack
	if s.statementsSize([]schema.Statement{st}) <= capacity {
		return []schema.Statement{st}
	}
	var out []schema.Statement
	part := func(resources []string) schema.Statement {
		p := st
		p.Resources = resources
		p.Shared = filter(st.Shared, func(r string) bool { return slices.Contains(resources, r) })
		if len(out) > 0 {
			p.Sid = fmt.Sprint(st.Sid, "Part", len(out)+1)
		}
		return p
	}
	for rest := st.Resources; len(rest) > 0; {
		fitting := sort.Search(len(rest), func(n int) bool {
			return s.statementsSize([]schema.Statement{part(rest[:n+1])}) > capacity
		})
		n := max(1, fitting)
		out = append(out, part(rest[:n]))
		rest = rest[n:]
	}
	return out
}
