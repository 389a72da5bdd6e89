package policies

import (
	"slices"

	"permstack/internal/policies/schema"
)

// choice is a selection, indexed to find whether it includes a use of the catalogue.
type choice struct {
	assets     map[schema.Asset]bool
	operations map[schema.Operation]bool
	options    map[schema.Option]bool
	marked     string // the preset, if it consists of marked statements only
}

func newChoice(profile schema.Profile, sel Selection) choice {
	c := choice{assets: toSet(sel.Assets), operations: toSet(sel.Operations), options: toSet(sel.Options)}
	for _, s := range profile.Settings {
		if !s.Cumulative {
			continue
		}
		included := false // a cumulative value includes all values before it
		for _, v := range slices.Backward(s.Values) {
			included = included || c.options[v.Option]
			c.options[v.Option] = included
		}
	}
	for _, p := range profile.Presets {
		if p.Marked && p.Name == sel.Preset {
			c.marked = p.Name
		}
	}
	return c
}

func toSet[T comparable](list []T) map[T]bool {
	set := make(map[T]bool, len(list))
	for _, v := range list {
		set[v] = true
	}
	return set
}

func (c choice) has(u schema.Use) bool {
	return (u.Asset == "" || c.assets[u.Asset]) &&
		(u.Operation == "" || c.operations[u.Operation]) &&
		(u.Option == "" || c.options[u.Option])
}

// hasAny reports whether the selection includes one of the uses, or there are no uses.
func (c choice) hasAny(uses []schema.Use) bool {
	return len(uses) == 0 || slices.ContainsFunc(uses, c.has)
}

// statements returns the statements of a policy that the selection includes, each with its uses and the included
// actions.
func (c choice) statements(p schema.Policy) []schema.Statement {
	out := make([]schema.Statement, 0, len(p.Statements))
	for _, st := range p.Statements {
		if len(st.For) == 0 {
			st.For = p.For
		}
		if !c.hasAny(st.For) || c.marked != "" && !slices.Contains(st.Presets, c.marked) {
			continue
		}
		st.Actions = filter(st.Actions, func(a string) bool {
			since, until := st.Since[a], st.Until[a]
			return (since == "" || c.options[since]) && (until == "" || !c.options[until])
		})
		if len(st.Actions) > 0 {
			out = append(out, st)
		}
	}
	return out
}

// Includes reports whether a selection of a profile, completed with its preset
// and the defaults of its settings, includes one of the uses. No uses are always
// included. An invalid selection includes nothing.
func Includes(profile schema.Profile, sel Selection, uses []schema.Use) bool {
	return Included(profile, sel)(uses)
}

// Included returns a function that is Includes for one selection.
func Included(profile schema.Profile, sel Selection) func(uses []schema.Use) bool {
	var c checker
	profile = atRelease(profile, sel.CatalogVersion)
	sel = c.selection(profile, c.preset(profile, sel))
	if c.err() != nil {
		return func([]schema.Use) bool { return false }
	}
	return newChoice(profile, sel).hasAny
}

// InRelease reports whether a span contains a release; "" is the newest.
func InRelease(span schema.Span, release string) bool { return releaseFilter(release)(span) }
