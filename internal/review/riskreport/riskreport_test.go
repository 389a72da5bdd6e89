package riskreport_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
	"permstack/internal/review/riskreport"
)

// report returns the report of a choice.
func report(t *testing.T, chosen string) riskreport.Report {
	t.Helper()
	sel, err := choice.Parse(chosen)
	if err != nil {
		t.Fatal(err)
	}
	env := choice.Example(sel, policies.Environment{})
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		t.Fatal(err)
	}
	grants := explain.Grants(set, sel, explain.NewDescriber(sel, env))
	return riskreport.Report{
		CatalogVersion: set.CatalogVersion, Profile: set.Profile, Choice: chosen,
		Findings: explain.Findings(grants), Statements: explain.Rank(grants),
	}
}

func write(t *testing.T, r riskreport.Report, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFormatsAgree checks that every format has every finding, with its statements.
func TestFormatsAgree(t *testing.T) {
	for _, chosen := range []string{"clumio", "cpm", "clumio:s3:backup"} {
		t.Run(chosen, func(t *testing.T) {
			r := report(t, chosen)
			for _, format := range riskreport.Formats {
				text := string(write(t, r, format))
				for _, f := range r.Findings {
					for _, want := range []string{f.Role, f.Steps[0].Statements[0].Sid} {
						if !strings.Contains(text, want) {
							t.Errorf("%s: the report lacks %s of %s", format, want, f.ID)
						}
					}
					if !strings.Contains(text, f.ID) && format != "html" {
						t.Errorf("%s: the report lacks %s", format, f.ID)
					}
				}
			}
			if len(r.Findings) == 0 {
				t.Error("no findings")
			}
		})
	}
}

// TestSARIF checks the rules of SARIF 2.1.0 that viewers need: ruleIndex points to the rule, every result has a
// message, a location, one of the four levels, and a fingerprint of its own.
func TestSARIF(t *testing.T) {
	r := report(t, "cpm")
	r.File = "policy.json"
	var log struct {
		Version string
		Schema  string `json:"$schema"`
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Results []struct {
				RuleID, Level string
				RuleIndex     int
				Message       struct{ Text string }
				Locations     []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
					LogicalLocations []struct{ FullyQualifiedName string }
				}
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal(write(t, r, "sarif"), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-schema-2.1.0") || len(log.Runs) != 1 {
		t.Fatalf("version %s, schema %s, %d runs", log.Version, log.Schema, len(log.Runs))
	}
	run := log.Runs[0]
	if len(run.Results) != len(r.Findings) || run.Tool.Driver.Name != "permstack" {
		t.Errorf("%d results of %s, want %d", len(run.Results), run.Tool.Driver.Name, len(r.Findings))
	}
	seen := map[string]bool{}
	for _, result := range run.Results {
		if run.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID {
			t.Errorf("%s: ruleIndex %d is another rule", result.RuleID, result.RuleIndex)
		}
		known := slices.Contains([]string{"error", "warning", "note", "none"}, result.Level)
		if !known || result.Message.Text == "" || len(result.Locations) == 0 {
			t.Errorf("incomplete result %+v", result)
		}
		if uri := result.Locations[0].PhysicalLocation.ArtifactLocation.URI; uri != "policy.json" {
			t.Errorf("artifact %q", uri)
		}
		print := result.PartialFingerprints["permstack/v1"]
		if print == "" || seen[print] {
			t.Errorf("%s: fingerprint %q is empty or not unique", result.RuleID, print)
		}
		seen[print] = true
	}
}

// TestCSV checks that every row has all columns and that no cell is a formula.
func TestCSV(t *testing.T) {
	r := report(t, "clumio:ec2")
	r.Statements[0].Policy, r.Statements[0].Kind = "=cmd", explain.Policy
	rows, err := csv.NewReader(bytes.NewReader(write(t, r, "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	formula := false
	for _, row := range rows {
		for _, cell := range row {
			formula = formula || cell == "'=cmd"
			if strings.HasPrefix(cell, "=") {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
	if len(rows) < len(r.Statements) || !formula {
		t.Errorf("%d rows, escaped: %v", len(rows), formula)
	}
}

// TestHTMLEscapes checks that the page runs no script, loads nothing, and escapes names that it did not choose.
func TestHTMLEscapes(t *testing.T) {
	r := report(t, "clumio:ec2")
	r.File = "<script>alert(1)</script>"
	text := string(write(t, r, "html"))
	for _, bad := range []string{"<script", "src=", "href="} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
}
