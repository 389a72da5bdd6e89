package permissionstack

import (
	"strings"

	"permstack/internal/policies"
)

// Reasons returns a function that returns why a policy of a set has its statements, by their Sids in the document's
// order. It returns nil for another document. JSON has no comments: they are for templates in YAML.
func Reasons(set policies.Set) func(sids []string) []string {
	known := map[string][]string{}
	add := func(grants []policies.Grant) {
		var sids, reasons []string
		for _, g := range grants {
			sids, reasons = append(sids, g.Sid), append(reasons, g.Why)
		}
		known[strings.Join(sids, ",")] = reasons
	}
	for _, r := range set.Roles {
		for _, p := range r.Managed {
			add(p.Grants)
		}
		for _, p := range r.Inline {
			add(p.Grants)
		}
	}
	for _, t := range set.Topics {
		add(t.Grants)
	}
	return func(sids []string) []string { return known[strings.Join(sids, ",")] }
}
