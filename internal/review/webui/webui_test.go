package webui_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
	"permstack/internal/review/riskreport"
	"permstack/internal/review/webui"
)

// TestFindings checks that the page shows the findings and risks of explain --risk, and every class of them.
func TestFindings(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			sel, err := choice.Parse(name)
			if err != nil {
				t.Fatal(err)
			}
			env := choice.Example(sel, policies.Environment{})
			set, err := policies.Synthesize(sel, env)
			if err != nil {
				t.Fatal(err)
			}
			grants := explain.Grants(set, sel, explain.NewDescriber(sel, env))
			got := webui.Request{Choice: name}.Evaluate()
			if diff := cmp.Diff(explain.Findings(grants), got.Findings); diff != "" || len(got.Findings) == 0 {
				t.Errorf("findings differ (-explain +page):\n%s", diff)
			}
			if diff := cmp.Diff(grants, got.Grants, cmpopts.IgnoreUnexported(explain.Grant{})); diff != "" {
				t.Errorf("grants differ (-explain +page):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff(explain.Classes, webui.NewCatalog().Classes); diff != "" {
		t.Error(diff)
	}
}

// TestReport checks that the report of the page is the file that explain --risk --output html writes.
func TestReport(t *testing.T) {
	for _, link := range []string{"clumio:ec2", "cpm:::minimal", "veeam", "clumio:s3:backup&only=bucket:invoices"} {
		t.Run(link, func(t *testing.T) {
			chosen, narrowing, found := strings.Cut(link, "&")
			if found {
				narrowing = "&" + narrowing
			}
			request, err := json.Marshal(map[string]string{"type": "report", "choice": chosen, "narrowing": narrowing})
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Problems []string
				HTML     string
			}
			if err := json.Unmarshal([]byte(webui.Handle(string(request))), &got); err != nil {
				t.Fatal(err)
			}
			sel, err := choice.Parse(chosen)
			if err != nil {
				t.Fatal(err)
			}
			page := webui.Request{Choice: chosen, Narrowing: narrowing}.Evaluate()
			want := riskreport.Report{
				CatalogVersion: page.Version, Profile: sel.Profile, Choice: choice.String(sel),
				Findings: page.Findings, Statements: explain.Rank(page.Grants),
			}
			var file bytes.Buffer
			if err := want.Write(&file, "html"); err != nil {
				t.Fatal(err)
			}
			if got.HTML != file.String() || len(got.Problems) > 0 || !strings.Contains(got.HTML, "</html>") {
				t.Errorf("the reports differ (-explain +page; %v):\n%s", got.Problems, cmp.Diff(file.String(), got.HTML))
			}
		})
	}
	if got := webui.Handle(`{"type":"report","choice":"clumio:foo"}`); !strings.Contains(got, `"html":""`) ||
		!strings.Contains(got, "foo") {
		t.Errorf("an invalid choice: got %s", got)
	}
}
