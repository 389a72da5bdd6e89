package notify_test

import (
	"fmt"
	"time"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// Example reports a finding once, and again when it is resolved.
func Example() {
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	report := finding.Report{
		ParentStackID: "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f",
		Account:       "123456789012", Region: "eu-central-1", Checked: 1,
		Findings: []finding.Finding{{
			ID: "1", Stack: "backup-permstack-access", LogicalID: "Role", Kind: finding.AttachmentAdded,
			Subject: "arn:aws:iam::aws:policy/AdministratorAccess", Direction: finding.GrantsMore, Hash: "1",
		}},
	}
	var state notify.State
	for day := range 3 {
		if day == 2 {
			report.Findings = nil
		}
		now := now.AddDate(0, 0, day)
		diff, next := notify.Compare(report, state, now, 7)
		if diff.Any() {
			fmt.Println(notify.DriftMessage(report, diff, nil, now).Subject)
		} else {
			fmt.Println("nothing to report")
		}
		state = next
	}
	// Output:
	// permstack: GRANTS MORE: 1 new - backup (123456789012 eu-central-1)
	// nothing to report
	// permstack: RESOLVED: 1, all in sync - backup (123456789012 eu-central-1)
}
