package explain

import (
	"slices"
	"strings"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/terminal"
)

// Prerequisite is something that IAM policies cannot grant and that the customer
// must set up before a choice works: a key policy, a service-linked role, a share.
type Prerequisite struct {
	For  []schema.Use `json:"for,omitempty"` // the uses that need it, of the selection and the query
	Text string       `json:"text"`
}

// Prerequisites returns the prerequisites of a selection for an asset, an operation
// or an option. For an asset they include those of operations and options of every
// asset. A query that is none of these has no prerequisites.
func Prerequisites(profile schema.Profile, sel policies.Selection, text string) []Prerequisite {
	q := parseQuery(text)
	isAsset := slices.ContainsFunc(profile.Assets, func(i schema.AssetInfo) bool {
		return q.matchesName(string(i.Asset))
	})
	match := func(u schema.Use) bool {
		return q.matchesName(string(u.Asset), string(u.Operation), string(u.Option)) || isAsset && u.Asset == ""
	}
	return prerequisites(profile, sel, match)
}

// AllPrerequisites returns every prerequisite of a selection.
func AllPrerequisites(profile schema.Profile, sel policies.Selection) []Prerequisite {
	return prerequisites(profile, sel, func(schema.Use) bool { return true })
}

// prerequisites returns the prerequisites that have a use which the selection
// includes and for which match returns true.
func prerequisites(profile schema.Profile, sel policies.Selection, match func(schema.Use) bool) []Prerequisite {
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

// writePrerequisites writes what to set up outside IAM.
func (a Result) writePrerequisites(s terminal.Screen) {
	if len(a.Prerequisites) == 0 {
		return
	}
	if len(a.OtherChoices) > 0 || len(a.Granted)+len(a.Denied)+len(a.Rules) == 0 {
		s.Line() // what precedes does not end with an empty line
	}
	s.Text(terminal.Bold, "Set up before the first backup or restore: what IAM policies cannot grant")
	for _, p := range a.Prerequisites {
		s.Field(2, labelWidth, "set up", terminal.Plain, p.Text)
		s.Field(2, labelWidth, "for", terminal.Dim, strings.Join(Uses(p.For), ", "))
	}
}
