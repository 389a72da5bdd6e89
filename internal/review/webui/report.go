package webui

import (
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
	"permstack/internal/review/riskreport/reportpage"
)

// report is the risk report of a choice as an HTML file. HTML is empty if there are Problems.
type report struct {
	Problems []string `json:"problems"`
	HTML     string   `json:"html"`
}

// report returns the risk report of a choice, as the command `explain --risk --output html` writes it.
func (r Request) report() report {
	a := r.Evaluate()
	out := report{Problems: a.Problems}
	if len(a.Problems) > 0 {
		return out
	}
	sel, err := parseLink(r.Choice + r.Narrowing)
	if err != nil { // Evaluate has parsed it
		return report{Problems: []string{err.Error()}}
	}
	out.HTML = reportpage.Page{
		Title: choice.String(sel), Profile: sel.Profile, CatalogVersion: a.Version, Findings: a.Findings,
		Statements: explain.Rank(a.Grants),
	}.HTML()
	return out
}
