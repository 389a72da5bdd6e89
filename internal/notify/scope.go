package notify

import (
	"fmt"
	"slices"
	"strings"
)

// scopeSubject returns what a message about another scope is about.
func scopeSubject(wider, narrower bool) string {
	switch {
	case wider && narrower:
		return "access to other resources"
	case wider:
		return "access to more resources"
	}
	return "access to fewer resources"
}

// listedEntries is how many entries of a scope a message lists.
const listedEntries = 20

// writeScope writes what the access is narrowed to, and what of that is new.
func (a *Access) writeScope(b *strings.Builder, m Message) {
	switch {
	case m.Status != Removed && a.Late && a.Scope != nil && len(a.Scope) == 0:
		b.WriteString("\nNot narrowed: the access reaches every resource that the statements of its policies name.\n")
		return
	case m.Status == Removed || len(a.Scope)+len(a.ScopeBefore) == 0:
		return
	}
	if len(a.Scope) == 0 {
		b.WriteString("\nThe access is no longer narrowed to resources of your choice.\n")
	} else {
		fmt.Fprintf(b, "\nNarrowed to %s.\n", a.NarrowedTo)
	}
	if m.Status != Altered {
		return
	}
	list := func(sign string, entries, other []string) {
		n := 0
		for _, e := range entries {
			if slices.Contains(other, e) {
				continue
			}
			if n++; n <= listedEntries {
				fmt.Fprintf(b, "   %s %s\n", sign, strings.Replace(e, ":", " ", 1))
			}
		}
		if n > listedEntries {
			fmt.Fprintf(b, "   %s and %d more\n", sign, n-listedEntries)
		}
	}
	if a.Late { // what it was before is not known
		list(" ", a.Scope, nil)
		return
	}
	list("+", a.Scope, a.ScopeBefore)
	list("-", a.ScopeBefore, a.Scope)
}
