package policies

import (
	"slices"

	"permstack/internal/policies/schema"
)

// atRelease returns a profile as it is in a release of the catalogue; in the newest one for an unknown or empty
// release.
func atRelease(p schema.Profile, release string) schema.Profile {
	in := releaseFilter(release)
	p.Assets = filter(p.Assets, func(a schema.AssetInfo) bool { return in(a.In) })
	p.Options = filter(p.Options, func(o schema.OptionInfo) bool { return in(o.In) })
	p.Prerequisites = filter(p.Prerequisites, func(r schema.Prerequisite) bool { return in(r.In) })
	p.Rules = filter(p.Rules, func(r schema.Rule) bool { return in(r.In) })
	p.Roles = slices.Clone(filter(p.Roles, func(r schema.Role) bool { return in(r.In) }))
	for i := range p.Roles {
		r := &p.Roles[i]
		r.Trust = filter(r.Trust, func(t schema.Trust) bool { return in(t.In) })
		r.Policies = slices.Clone(filter(r.Policies, func(p schema.Policy) bool { return in(p.In) }))
		for j := range r.Policies {
			r.Policies[j].Statements = statementsIn(r.Policies[j].Statements, in)
		}
	}
	p.Topics = slices.Clone(filter(p.Topics, func(t schema.Topic) bool { return in(t.In) }))
	for i := range p.Topics {
		p.Topics[i].Statements = filter(p.Topics[i].Statements, func(s schema.TopicStatement) bool { return in(s.In) })
	}
	return p
}

// statementsIn returns the statements of a release, each with the actions that it has in that release.
func statementsIn(list []schema.Statement, in func(schema.Span) bool) []schema.Statement {
	list = filter(list, func(s schema.Statement) bool { return in(s.In) })
	if !slices.ContainsFunc(list, func(s schema.Statement) bool { return len(s.ActionsIn) > 0 }) {
		return list
	}
	out := slices.Clone(list)
	for i := range out {
		spans := out[i].ActionsIn
		out[i].Actions = filter(out[i].Actions, func(a string) bool { return in(spans[a]) })
	}
	return slices.DeleteFunc(out, func(s schema.Statement) bool { return len(s.Actions) == 0 })
}

// releaseFilter returns a function that reports whether a span includes a release.
func releaseFilter(release string) func(schema.Span) bool {
	now := slices.Index(Releases, release)
	if now < 0 {
		now = len(Releases) // as the newest one: no span begins or ends later
	}
	return func(s schema.Span) bool {
		return (s.From == "" || slices.Index(Releases, s.From) <= now && slices.Contains(Releases, s.From)) &&
			(s.Until == "" || now < slices.Index(Releases, s.Until))
	}
}

// filter returns the values of a list for which keep returns true; the list itself if it does for all.
func filter[T any](list []T, keep func(T) bool) []T {
	if !slices.ContainsFunc(list, func(v T) bool { return !keep(v) }) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return !keep(v) })
}
