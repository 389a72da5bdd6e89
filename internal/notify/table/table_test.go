package table_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
	"permstack/internal/notify/table"
)

func report() finding.Report {
	return finding.Report{
		ParentStackID: "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f",
		Account:       "123456789012", Region: "eu-central-1", Checked: 1,
	}
}

func ExampleWrite() {
	r := report()
	r.Findings = []finding.Finding{{
		ID: "1", Stack: "backup-permstack-access", LogicalID: "Role", PhysicalID: "backup-role", Type: "AWS::IAM::Role",
		Kind: finding.TagsChanged, Subject: "team", Direction: finding.Changed,
		Expected: finding.Text("x"), Actual: finding.None,
	}}
	if err := table.Write(os.Stdout, notify.ReportMessage(r, time.Now())); err != nil {
		fmt.Println(err)
	}
	// Output:
	// DRIFTED  backup (123456789012, eu-central-1)
	// 1 resource checked, 1 difference, 0 unreadable, 0 not reached
	//
	// CHANGED     Role
	//             tags changed team
	//   expected  "x"
	//   found     no such tag
	//   to do     Restore the tag; cost reports, and policies with conditions on tags,
	//             may depend on it.
	//   command   aws iam tag-role --role-name backup-role --tags '[{"Key":"team","Value":"x"}]' --region eu-central-1
	//   console   https://eu-central-1.console.aws.amazon.com/iam/home?region=eu-central-1#/roles/details/backup-role
	//   id        1
}

// TestNotReached checks that a long list is truncated, and that the number of the others is given.
func TestNotReached(t *testing.T) {
	r := report()
	for i := range 23 {
		r.NotReached = append(r.NotReached, fmt.Sprintf("backup/Resource%d", i))
	}
	var b strings.Builder
	if err := table.Write(&b, notify.ReportMessage(r, time.Now())); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, "NOT REACHED backup/Resource0\n") || !strings.Contains(got,
		"Resource19\n") ||
		strings.Contains(got, "Resource20") ||
		!strings.HasSuffix(got, "            and 3 more\n") {
		t.Errorf("table:\n%s", got)
	}
}

// TestDetails checks that as many details are shown as fit, and the number of the others.
func TestDetails(t *testing.T) {
	for count, want := range map[int]string{20: "- detail 19\n", 21: "- and 1 more\n", 23: "- and 3 more\n"} {
		m := notify.Message{Findings: []notify.Reported{{}}}
		for i := range count {
			m.Findings[0].Details = append(m.Findings[0].Details, fmt.Sprint("detail ", i))
		}
		var b strings.Builder
		if err := table.Write(&b, m); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); !strings.HasSuffix(got, want) || strings.Contains(got, "detail 20") {
			t.Errorf("%d details: got\n%s\nwant the last line %q", count, got, want)
		}
	}
}

// TestWidth checks that a line is as wide as allowed, and no wider.
func TestWidth(t *testing.T) {
	for second, want := range map[string]string{
		strings.Repeat("b", 37): "  expected  " + strings.Repeat("a", 30) + " " + strings.Repeat("b", 37) + "\n",
		strings.Repeat("b", 38): "  expected  " + strings.Repeat("a", 30) + "\n            " + strings.Repeat("b", 38) + "\n",
	} {
		var b strings.Builder
		expected := strings.Repeat("a", 30) + " " + second
		if err := table.Write(&b, notify.Message{Findings: []notify.Reported{{Expected: expected}}}); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); !strings.HasSuffix(got, want) {
			t.Errorf("a word of %d characters: got\n%s\nwant\n%s", len(second), got, want)
		}
	}
}
