package webui_test

import (
	"strings"
	"testing"

	"permstack/internal/review/webui"
)

// TestCompare checks the comparison of two choices, in both directions, and one that is not valid.
func TestCompare(t *testing.T) {
	for _, c := range []struct {
		choice, base string
		grows        bool
		want         string // in a title, the summary or the problem
	}{
		{"clumio:s3", "clumio:s3:backup", true, "s3:DeleteObject"},
		{"clumio:s3:backup", "clumio:s3", false, "s3:DeleteObject"},
		{"clumio:s3", "clumio:s3", false, "No change"},
		{"clumio:s3", "clumio:tape", false, "unknown asset"},
		{"clumio:ec2", "cpm:ec2", true, "ClumioIAMRole"},
	} {
		t.Run(c.choice+" with "+c.base, func(t *testing.T) {
			got := webui.Request{Choice: c.choice, Compare: c.base}.Evaluate().Comparison
			if got == nil {
				t.Fatal("no comparison")
			}
			text := got.Summary + got.Problem
			for _, change := range got.Changes {
				text += change.Title
			}
			if got.Grows != c.grows || !strings.Contains(text, c.want) {
				t.Errorf("grows %t, want %t with %q: %.500s", got.Grows, c.grows, c.want, text)
			}
		})
	}
	if got := (webui.Request{Choice: "clumio:s3"}).Evaluate().Comparison; got != nil {
		t.Errorf("without another choice: got %+v", got)
	}
}
