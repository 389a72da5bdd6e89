package explain

import (
	"slices"
	"strings"

	"permstack/internal/policies"
	"permstack/internal/policies/scope"
	"permstack/internal/terminal"
)

// Unnarrowed is access of some grants that a kind of the scope does not limit.
type Unnarrowed struct {
	Kind    scope.Kind `json:"kind"`
	Why     string     `json:"why"`
	Actions []string   `json:"actions"`
}

// NotNarrowed returns the actions of grants that the scope of their set does not limit, with the reason.
func NotNarrowed(set policies.Set, grants []Grant) []Unnarrowed {
	granted := map[string]bool{}
	for _, g := range grants {
		for _, a := range g.Actions {
			granted[a] = true
		}
	}
	var out []Unnarrowed
	for _, n := range set.NotNarrowed {
		rest := slices.DeleteFunc(slices.Clone(n.Actions), func(a string) bool { return !granted[a] })
		if len(rest) > 0 {
			out = append(out, Unnarrowed{n.Kind, n.Why, rest})
		}
	}
	return out
}

// WriteScope writes what a choice is narrowed to, and the access that cannot be narrowed.
func WriteScope(s terminal.Screen, entries []string, rest []Unnarrowed) {
	if len(entries) == 0 {
		return
	}
	s.Line()
	s.Text(terminal.Bold, "Narrowed to "+strings.Join(entries, ", "))
	for _, n := range rest {
		s.Text(terminal.Yellow, "Not narrowed by "+n.Kind.Plural()+", because "+n.Why+": "+strings.Join(n.Actions, ", "))
	}
}
