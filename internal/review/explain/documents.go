package explain

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// Document is a policy document of a role that no set describes, such as one in a file.
type Document struct {
	Role, Policy string // their names
	Document     iampolicy.Document
}

// FromDocuments returns the grants of documents. Their reasons are those of the statements of known with the same Sid
// that grant one of the same actions.
func FromDocuments(documents []Document, known []Grant, describer Describer) []Grant {
	e := explainer{describer: describer}
	var out []Grant
	for _, d := range documents {
		at := Grant{Kind: Policy, Entity: d.Role, Name: d.Role, Policy: d.Policy, PolicyName: d.Policy}
		for _, s := range d.Document.Statement {
			g := e.grant(at, s, policies.Grant{})
			i := slices.IndexFunc(known, func(k Grant) bool {
				return k.Sid != "" && k.Sid == g.Sid && slices.ContainsFunc(k.Actions, func(a string) bool {
					return slices.ContainsFunc(g.Actions, func(b string) bool { return strings.EqualFold(a, b) })
				})
			})
			if i >= 0 {
				g.Why, g.WhyWildcard, g.For = known[i].Why, known[i].WhyWildcard, slices.Clone(known[i].For)
				g.Remains = slices.Clone(known[i].Remains)
			}
			if len(s.Resource) == 0 {
				g.On = notResources(s)
			}
			out = append(out, g)
		}
	}
	assess(out, describer)
	return out
}

// notResources describes the resources of a statement with NotResource or without any.
func notResources(s iampolicy.Statement) []string {
	if len(s.NotResource) == 0 {
		return []string{"all resources"}
	}
	return []string{"every resource except " + join(s.NotResource, "and")}
}
