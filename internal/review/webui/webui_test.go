package webui_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
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
