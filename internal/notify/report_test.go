package notify_test

import (
	"fmt"
	"time"

	"permstack/internal/notify/finding"
)

const parent = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f"

var monday = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

// newFinding returns a finding that differs from others by its number.
func newFinding(n int, d finding.Direction) finding.Finding {
	return finding.Finding{
		ID: fmt.Sprintf("finding-%d", n), Stack: "backup-permstack-access", LogicalID: fmt.Sprintf("Role%d", n),
		PhysicalID: fmt.Sprintf("ClumioIAMRole%d-eu-central-1-main", n), Type: "AWS::IAM::Role",
		Kind: finding.AttachmentAdded, Subject: "AdministratorAccess", Direction: d,
		Expected: finding.None, Actual: finding.Text("arn:aws:iam::aws:policy/AdministratorAccess"),
		Changes: []string{"grants more: added: Allow *"}, SeenBy: []finding.Source{finding.Live},
		Hash: fmt.Sprintf("hash-%d", n),
	}
}

func report(findings ...finding.Finding) finding.Report {
	return finding.Report{
		ParentStackID: parent,
		Stacks:        []string{parent, "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup-permstack-access/x"},
		Profile:       "clumio",
		Account:       "123456789012",
		Region:        "eu-central-1",
		Started:       monday,
		Checked:       42,
		Findings:      findings,
	}
}
