package webui

import (
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/accessdiff"
	"permstack/internal/review/explain"
)

// Comparison is what the choice grants beside another one.
type Comparison struct {
	Base    string   `json:"base"` // the other choice
	Problem string   `json:"problem,omitempty"`
	Summary string   `json:"summary"`
	Grows   bool     `json:"grows"`
	Changes []Change `json:"changes"`
}

// Change is a difference from the other choice.
type Change struct {
	Kind  accessdiff.Kind `json:"kind"`
	Grows bool            `json:"grows"`
	Title string          `json:"title"`
	Lines []string        `json:"lines"`
	Why   string          `json:"why"`
}

// compare compares a choice with the one of Request.Compare. Both are for the same account and values.
func (r Request) compare(sel policies.Selection) *Comparison {
	out := &Comparison{Base: r.Compare, Changes: []Change{}}
	base, err := parseLink(r.Compare)
	if err != nil {
		out.Problem = err.Error()
		return out
	}
	env := choice.Example(sel, choice.Example(base, r.environment()))
	var sets []*accessdiff.AccessSet
	for _, s := range []policies.Selection{base, sel} {
		bare := env
		bare.ControlPlaneRoleARN, bare.SupportControlPlaneRoleARN, bare.DataPlaneAccountID, bare.ExternalID = "", "", "", ""
		set, err := policies.Synthesize(s, choice.With(s, bare, env)) // without values that the choice does not use
		if err != nil {
			out.Problem = err.Error()
			return out
		}
		sets = append(sets, accessdiff.FromSet(choice.String(s), set))
	}
	d := accessdiff.Compare(sets[0], sets[1], explain.NewDescriber(sel, env))
	out.Summary, out.Grows = d.Summary(), d.Grows
	for _, c := range d.Changes {
		out.Changes = append(out.Changes, Change{c.Kind, c.Kind.IsGrowth(), c.Title(), c.Lines(), c.Why})
	}
	return out
}
