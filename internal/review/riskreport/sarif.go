package riskreport

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"permstack/internal/review/explain"
	"permstack/internal/review/sarif"
)

// sarifLevels are SARIF's levels of the levels of risk.
var sarifLevels = map[explain.Level]string{
	explain.High: sarif.Error, explain.Medium: sarif.Warning, explain.Low: sarif.Note, explain.Minimal: sarif.None,
}

// sarif returns the findings as SARIF. A statement is a logical location: role/policy/Sid.
func (r Report) sarif() sarif.Log {
	rules, results := []sarif.Rule{}, []sarif.Result{}
	index := map[string]int{}
	for _, f := range r.Findings {
		i, known := index[f.ID]
		if !known {
			i = len(rules)
			index[f.ID] = i
			rule := sarif.Rule{
				ID: f.ID, ShortDescription: sarif.Text{Text: f.Title},
				Properties: sarif.Tags{Tags: []string{"security", strings.ReplaceAll(string(f.Class), " ", "-")}},
			}
			if len(f.Closes) > 0 {
				rule.Help = &sarif.Text{Text: list(f.Closes)}
			}
			rules = append(rules, rule)
		}
		result := sarif.Result{
			RuleID: f.ID, RuleIndex: i, Level: sarifLevels[f.Level], Message: sarif.Text{Text: message(f)},
			Locations: []sarif.Location{},
		}
		key := sha256.New()
		key.Write([]byte(f.ID + "\x00" + f.Role))
		for _, step := range f.Steps {
			for _, st := range step.Statements {
				name := f.Role + "/" + st.Policy + "/" + st.Sid
				key.Write([]byte("\x00" + name))
				location := sarif.Location{Logical: []sarif.Logical{{Name: st.Sid, FullyQualifiedName: name, Kind: "member"}}}
				if r.File != "" && r.File != "-" {
					location.Physical = &sarif.Physical{Artifact: sarif.Artifact{URI: r.File}}
				}
				result.Locations = append(result.Locations, location)
			}
		}
		result.Fingerprints = map[string]string{"permstack/v1": hex.EncodeToString(key.Sum(nil))[:32]}
		results = append(results, result)
	}
	return sarif.NewLog(r.CatalogVersion, rules, results)
}

// message returns the text of a finding: what is possible, its limits and what would close it.
func message(f explain.Finding) string {
	text := f.Role + ": " + f.Title + "."
	for _, part := range []struct {
		name   string
		values []string
	}{
		{"Limits", f.Bounds}, {"No limits", f.NoBounds}, {"Remains", remains(f.Remains)}, {"To close it", f.Closes},
	} {
		if len(part.values) > 0 {
			text += " " + part.name + ": " + list(part.values) + "."
		}
	}
	return text
}
