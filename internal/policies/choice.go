package policies

import (
	"slices"

	"permstack/internal/policies/catalog"
)

// choice answers whether a use of the catalogue was chosen.
type choice struct {
	assets     map[catalog.Asset]bool
	operations map[catalog.Operation]bool
	options    map[catalog.Option]bool
}

func newChoice(sel Selection) choice {
	return choice{assets: setOf(sel.Assets), operations: setOf(sel.Operations), options: setOf(sel.Options)}
}

func setOf[T comparable](list []T) map[T]bool {
	set := make(map[T]bool, len(list))
	for _, v := range list {
		set[v] = true
	}
	return set
}

func (c choice) has(u catalog.Use) bool {
	return (u.Asset == "" || c.assets[u.Asset]) &&
		(u.Operation == "" || c.operations[u.Operation]) &&
		(u.Option == "" || c.options[u.Option])
}

// hasAny reports whether one of the uses was chosen; no uses mean always.
func (c choice) hasAny(uses []catalog.Use) bool {
	return len(uses) == 0 || slices.ContainsFunc(uses, c.has)
}

// statements lists those of a policy that were chosen, each with its uses.
func (c choice) statements(p catalog.Policy) []catalog.Statement {
	out := make([]catalog.Statement, 0, len(p.Statements))
	for _, st := range p.Statements {
		if len(st.For) == 0 {
			st.For = p.For
		}
		if c.hasAny(st.For) {
			out = append(out, st)
		}
	}
	return out
}
