package wording

import (
	"strings"

	"permstack/internal/notify/finding"
)

// document returns what a policy document allows and denies, in short.
func document(d finding.Document) string {
	if d.Invalid {
		return "a document that cannot be parsed"
	}
	var parts []string
	for _, s := range d.Statements {
		part := s.Effect + list(" ", s.Actions, s.NotActions) + list(" on ", s.Resources, s.NotResources) +
			list(" for ", s.Principals, s.NotPrincipals)
		if s.Conditional {
			part += " under conditions"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func list(before string, items, except []string) string {
	join := func(list []string) string {
		if before == " for " && len(list) == 1 && list[0] == "*" {
			return "everyone"
		}
		return strings.Join(list, ", ")
	}
	switch {
	case len(items) > 0:
		return before + join(items)
	case len(except) > 0 && before == " for ":
		return before + "everyone but " + join(except)
	case len(except) > 0:
		return before + "everything but " + join(except)
	}
	return ""
}
