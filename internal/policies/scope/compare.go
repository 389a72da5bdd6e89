package scope

import (
	"slices"
	"strings"
)

// Compare reports whether a change of the scope lets the access reach resources that it did not reach before, and
// whether it no longer reaches some.
func Compare(before, after Scope) (wider, narrower bool) {
	for _, k := range Kinds {
		if k == Tag {
			w, n := compareTags(before, after)
			wider, narrower = wider || w, narrower || n
			continue
		}
		old, now := before.Get(k), after.Get(k)
		wider = wider || !covers(old, now)
		narrower = narrower || !covers(now, old)
	}
	return wider, narrower
}

// covers reports whether every resource of other is one of list. An empty list is all resources.
func covers(list, other []string) bool {
	if len(list) == 0 {
		return true
	}
	return len(other) > 0 && !slices.ContainsFunc(other, func(v string) bool {
		return !slices.ContainsFunc(list, func(p string) bool {
			prefix, isPattern := strings.CutSuffix(p, "*")
			return p == v || isPattern && strings.HasPrefix(v, prefix)
		})
	})
}

// compareTags is Compare for tags: each key narrows, and each value of a key widens.
func compareTags(before, after Scope) (wider, narrower bool) {
	old, now := before.TagValues(), after.TagValues()
	for key, values := range old {
		wider = wider || !covers(values, now[key])
	}
	for key, values := range now {
		narrower = narrower || !covers(values, old[key])
	}
	return wider, narrower
}
