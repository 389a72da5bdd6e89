package explain

import (
	"slices"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Prerequisite is something that IAM policies cannot grant and that the customer
// must set up before a choice works: a key policy, a service-linked role, a share.
type Prerequisite struct {
	For  []schema.Use `json:"for,omitempty"` // the uses that need it, of the selection and the query
	Text string       `json:"text"`
}

// AllPrerequisites returns every prerequisite of a selection.
func AllPrerequisites(profile schema.Profile, sel policies.Selection) []Prerequisite {
	return Prerequisites(profile, sel, func(schema.Use) bool { return true })
}

// Prerequisites returns the prerequisites that have a use which the selection
// includes and for which match returns true.
func Prerequisites(profile schema.Profile, sel policies.Selection, match func(schema.Use) bool) []Prerequisite {
	profile = policies.AtRelease(profile, sel.CatalogVersion)
	var out []Prerequisite
	for _, p := range profile.Prerequisites {
		uses := p.For
		if len(uses) == 0 {
			uses = []schema.Use{{}} // every choice
		}
		uses = slices.DeleteFunc(slices.Clone(uses), func(u schema.Use) bool {
			return !match(u) || !policies.Includes(profile, sel, []schema.Use{u})
		})
		if len(uses) > 0 {
			out = append(out, Prerequisite{For: uses, Text: p.Text})
		}
	}
	return out
}
