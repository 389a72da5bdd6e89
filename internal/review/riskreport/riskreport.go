// Package riskreport writes what explain finds as a report for other programs and people: JSON, CSV, SARIF 2.1.0, and
// HTML in one file. It is pure.
package riskreport

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
	"permstack/internal/review/question"
	"permstack/internal/review/riskreport/reportpage"
)

// Report is the answers to questions about a choice, or about the policies in a file, and its findings. Every format is
// written from it; JSON is the report itself.
type Report struct {
	CatalogVersion string `json:"catalogVersion"`
	Profile        string `json:"profile"`
	Choice         string `json:"choice"`         // in the syntax of choice.Parse
	File           string `json:"file,omitempty"` // if the report is about the policies in a file
	// Scope is what the choice is narrowed to, as KIND:VALUE; NotNarrowed is the access
	// of the statements that it does not limit.
	Scope       []string             `json:"scope,omitempty"`
	NotNarrowed []explain.Unnarrowed `json:"notNarrowed,omitempty"`
	Questions   []question.Result    `json:"questions"`
	Findings    []explain.Finding    `json:"findings"`   // of the statements
	Statements  []explain.Grant      `json:"statements"` // those of the answers, or all; the riskiest first
}

// Formats are the formats that Write writes.
var Formats = []string{"json", "csv", "sarif", "html"}

// Write writes the report in a format of Formats.
func (r Report) Write(w io.Writer, format string) error {
	var err error
	switch format {
	case "json":
		err = writeJSON(w, r)
	case "csv":
		err = r.writeCSV(w)
	case "sarif":
		err = writeJSON(w, r.sarif())
	case "html":
		_, err = io.WriteString(w, r.page().HTML())
	default:
		return fmt.Errorf("write report: unknown format %q", format)
	}
	if err != nil {
		return fmt.Errorf("write the report as %s: %w", format, err)
	}
	return nil
}

// page returns the report as an HTML page.
func (r Report) page() reportpage.Page {
	title := r.Choice
	if r.File != "" {
		title = r.File
	}
	return reportpage.Page{
		Title: title, Profile: r.Profile, CatalogVersion: r.CatalogVersion, Findings: r.Findings, Statements: r.Statements,
	}
}

func writeJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// columns are the columns of the CSV: a row for each statement of each finding, and one for each statement without a
// finding.
var columns = []string{"class", "level", "finding", "title", "role", "policy", "sid", "actions", "resources", "only if",
	"limits", "no limits", "remains", "closed by", "why"}

func (r Report) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{columns}
	reported := map[string]bool{}
	for _, f := range r.Findings {
		for _, step := range f.Steps {
			for _, st := range step.Statements {
				reported[f.Role+"/"+st.Policy+"/"+st.Sid] = true
				rows = append(rows, []string{string(f.Class), string(f.Level), f.ID, f.Title, f.Role, st.Policy, st.Sid,
					list(st.Actions), list(st.On), list(st.OnlyIf), list(f.Bounds), list(f.NoBounds), list(remains(f.Remains)),
					list(f.Closes), r.why(f.Role, st)})
			}
		}
	}
	for _, g := range r.Statements {
		if !reported[g.Entity+"/"+g.Policy+"/"+g.Sid] {
			rows = append(rows, []string{"", string(g.Risk.Level), "", "", g.Entity, g.Policy, g.Sid, list(g.Actions),
				list(g.On), list(g.OnlyIf), "", "", list(remains(g.Remains)), "", g.Why})
		}
	}
	for _, row := range rows {
		for i := range row {
			row[i] = harmless(row[i])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// why returns the reason of a statement.
func (r Report) why(role string, st explain.Statement) string {
	for _, g := range r.Statements {
		if g.Entity == role && g.Policy == st.Policy && g.Sid == st.Sid {
			return g.Why
		}
	}
	return ""
}

func list(values []string) string { return strings.Join(values, "; ") }

func remains(values []schema.Remain) []string {
	var out []string
	for _, v := range values {
		out = append(out, v.Text)
	}
	return out
}

// harmless returns a cell that no spreadsheet takes for a formula: the names in a policy file come from others.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
