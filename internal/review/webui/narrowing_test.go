package webui_test

import (
	"strings"
	"testing"

	"permstack"
	"permstack/internal/policies"
	"permstack/internal/release/launch"
	"permstack/internal/review/webui"
)

// TestNarrowing checks what the page shows for narrowed choices and restore windows.
func TestNarrowing(t *testing.T) {
	const url = "https://releases-eu-central-1.s3.eu-central-1.amazonaws.com/permstack/v1/clumio.yaml"
	clumio, _ := policies.Profile("clumio")
	form, err := launch.LinkForm(permstack.Template, clumio)
	if err == nil {
		err = webui.AddForm(clumio.Name, form)
	}
	if err != nil {
		t.Fatal(err)
	}
	got := webui.Request{
		Choice: "clumio:dynamodb:backup", Narrowing: "&only=table:orders,region:eu-central-1&until=2099-01-01T00:00:00Z",
		Region: "eu-central-1", TemplateURL: url,
	}.Evaluate()
	if len(got.Problems) > 0 {
		t.Fatal(got.Problems)
	}
	if strings.Join(got.Narrowed, ",") != "table:orders,region:eu-central-1" ||
		got.Flags != " --table 'orders' --only-region 'eu-central-1' --restore-until 2099-01-01T00:00:00Z" {
		t.Errorf("got %v and flags %q", got.Narrowed, got.Flags)
	}
	if len(got.NotNarrowed) == 0 || !strings.Contains(got.Review, "table/orders") ||
		!strings.Contains(got.Review, "2099-01-01T00:00:00Z") {
		t.Errorf("got %v; the policies have no table or no time", got.NotNarrowed)
	}
	for _, want := range []string{"param_OnlyTables=orders", "param_OnlyRegions=eu-central-1", "param_RestoreUntil=2099"} {
		if !strings.Contains(got.Launch, want) {
			t.Errorf("the link %q lacks %s (%s)", got.Launch, want, got.LaunchProblem)
		}
	}
	compared := webui.Request{
		Choice: "clumio:s3:backup", Narrowing: "&only=bucket:reports", Compare: "clumio:s3:backup",
	}.Evaluate()
	if c := compared.Comparison; c == nil || c.Grows || c.Problem != "" || len(c.Changes) == 0 {
		t.Errorf("compared with the choice that is not narrowed: got %+v", c)
	}
	for narrowing, want := range map[string]string{
		"&only=bucket:Reports":  `bucket "Reports" is not valid`,
		"&only=buckets:reports": "want KIND:VALUE",
		"&until=tomorrow":       "want a time in UTC",
		"&x=y":                  "want only= or until=",
		"&only=vpc:vpc-0a1b":    "nothing of this selection",
	} {
		got := webui.Request{Choice: "clumio:s3:backup", Narrowing: narrowing}.Evaluate()
		if !strings.Contains(strings.Join(got.Problems, "; "), want) {
			t.Errorf("%s: got %v, want %q", narrowing, got.Problems, want)
		}
	}
}
