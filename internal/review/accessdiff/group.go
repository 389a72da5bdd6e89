package accessdiff

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/review/explain"
)

// unionKeys returns the keys of two maps, sorted.
func unionKeys[V any](a, b map[string]V) []string {
	names := slices.Collect(maps.Keys(a))
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func documents(m map[string]iampolicy.Document, name string) []iampolicy.Document {
	if d, ok := m[name]; ok {
		return []iampolicy.Document{d}
	}
	return nil
}

// group merges changes that differ only in their actions, and sorts by kind, then by risk.
func group(changes []Change) []Change {
	var out []Change
	at := map[string]int{}
	for _, c := range changes {
		key, _ := json.Marshal([]any{c.Kind, c.What, c.Entity, c.Was, c.Now, c.Why})
		if i, ok := at[string(key)]; ok && c.What == "actions" {
			out[i].Actions = append(out[i].Actions, c.Actions...)
			if !slices.Contains(out[i].Does, c.Does[0]) {
				out[i].Does = append(out[i].Does, c.Does[0])
			}
			continue
		}
		at[string(key)] = len(out)
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			cmp.Compare(a.severity(), b.severity()), strings.Compare(a.Entity, b.Entity))
	})
	if out == nil {
		out = []Change{}
	}
	return out
}

// severity returns the rank of the most severe thing that a change is about; 0 is the most severe. Who may assume a
// role has precedence over everything.
func (c Change) severity() int {
	if c.What == "trust" {
		return -1
	}
	rank := explain.Severity("")
	for _, does := range c.Does {
		rank = min(rank, explain.Severity(does))
	}
	return rank
}
