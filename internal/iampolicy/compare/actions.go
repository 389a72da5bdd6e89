package compare

import (
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// ActionChange lists the actions that were added to a policy and removed from it, whatever their resources and
// conditions.
type ActionChange struct {
	Policy  string   `json:"policy"`
	Added   []string `json:"added,omitempty"`   // allowed now
	Removed []string `json:"removed,omitempty"` // allowed no longer
	Denied  []string `json:"denied,omitempty"`  // denied now
	Freed   []string `json:"freed,omitempty"`   // denied no longer
}

// Actions returns, by policy name, the actions that were added and removed between want and have. Policies that name
// the same actions are left out, and so are actions that a wildcard of the same effect covers on the other side.
// NotAction is written "everything but …".
func Actions(want, have map[string]iampolicy.Document) []ActionChange {
	names := slices.Sorted(maps.Keys(have))
	for name := range want {
		if _, ok := have[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []ActionChange
	for _, name := range names {
		r := newReader()
		a, b := r.readSide([]iampolicy.Document{want[name]}), r.readSide([]iampolicy.Document{have[name]})
		change := ActionChange{
			Policy: name,
			Added:  actionsBeyond(b.allow, a.allow), Removed: actionsBeyond(a.allow, b.allow),
			Denied: actionsBeyond(b.deny, a.deny), Freed: actionsBeyond(a.deny, b.deny),
		}
		if change.Added != nil || change.Removed != nil || change.Denied != nil || change.Freed != nil {
			out = append(out, change)
		}
	}
	return out
}

// actionsBeyond returns the actions of blocks that others do not cover, sorted. An action that another returned action
// covers is left out.
func actionsBeyond(blocks, others []*block) []string {
	beyond, wild := actionsByKey(blocks)
	all, allWild := actionsByKey(others)
	var out []string
	for _, e := range beyond {
		_, named := all[e.key]
		if named || coversAction(allWild, combination{action: e}) {
			continue
		}
		if slices.ContainsFunc(wild, func(w element[pattern]) bool {
			return w.key != e.key && coversAction([]element[pattern]{w}, combination{action: e})
		}) {
			continue
		}
		var g Grant
		g.addAction(e)
		out = append(out, append(g.Actions, exceptText(g.NotActions)...)...)
	}
	slices.Sort(out)
	return out
}

// actionsByKey returns the actions of blocks by key, and those that may cover others.
func actionsByKey(blocks []*block) (all map[string]*element[pattern], wild []element[pattern]) {
	all = map[string]*element[pattern]{}
	for _, b := range blocks {
		for i := range b.actions {
			e := &b.actions[i]
			if all[e.key] == nil && (e.isExcept() || e.item.wild) {
				wild = append(wild, *e)
			}
			all[e.key] = e
		}
	}
	return all, wild
}

func exceptText(actions []string) []string {
	if len(actions) == 0 {
		return nil
	}
	return []string{"everything but " + strings.Join(actions, ", ")}
}
