package notify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// protocols returns what each protocol gets of a message.
func protocols(t testing.TB, m notify.Message) map[string]string {
	t.Helper()
	in := m.Input("arn:aws:sns:eu-central-1:123456789012:alerts")
	size := len(*in.Message)
	for name, a := range in.MessageAttributes {
		size += len(name) + len(*a.DataType) + len(*a.StringValue)
		if *a.StringValue == "" {
			t.Errorf("attribute %s is empty: SNS refuses that", name)
		}
	}
	if size > 256<<10 || len(*in.Subject) > 100 || *in.MessageStructure != "json" {
		t.Errorf("the message has %d bytes, the subject %d", size, len(*in.Subject))
	}
	var out map[string]string
	if err := json.Unmarshal([]byte(*in.Message), &out); err != nil {
		t.Fatal(err)
	}
	validate(t, []byte(out["default"]))
	return out
}

func TestMessage(t *testing.T) {
	more, less := newFinding(1, finding.GrantsMore), newFinding(2, finding.GrantsLess)
	less.Kind, less.Subject = finding.AttachmentRemoved, "ClumioEC2BackupPolicy"
	unreadable := finding.Finding{
		ID:         "u",
		Stack:      "backup-permstack-access",
		LogicalID:  "Role3",
		Type:       "AWS::IAM::Role",
		Kind:       finding.NotReadable,
		Direction:  finding.Unreadable,
		Permission: "iam:GetRole",
		Reason:     finding.AccessDenied,
		SeenBy:     []finding.Source{finding.Live},
		Hash:       "u",
	}
	_, state := notify.Compare(report(newFinding(4, finding.Changed), less), notify.State{},
		monday.Add(-48*time.Hour), 7)
	less.Hash = "another"
	r := report(less, unreadable, more)
	diff, _ := notify.Compare(r, state, monday, 7)
	m := notify.DriftMessage(r, diff,
		&notify.Reverted{Done: []string{"detached AdministratorAccess"}, Failed: []string{"Role2: busy"}}, monday)
	want := "permstack: GRANTS MORE: 2 new, 1 changed, 1 resolved - backup (123456789012 eu-central-1)"
	if m.Subject != want {
		t.Errorf("subject %q, want %q", m.Subject, want)
	}
	if m.Status != notify.Drifted || m.Direction != finding.GrantsMore {
		t.Errorf("%s, %s", m.Status, m.Direction)
	}
	out := protocols(t, m)
	if out["sms"] != m.Subject {
		t.Errorf("SMS %q", out["sms"])
	}
	at := 0
	for _, part := range []string{
		"is not as it was deployed", "123456789012, eu-central-1", "Checked  42 resources: 2 differences, 1 unreadable",
		"GRANTS MORE than was deployed", "1. attachment added: AdministratorAccess",
		"ClumioIAMRole1-eu-central-1-main (AWS::IAM::Role Role1 of stack backup-permstack-access)",
		"expected  not attached", "found     attached", "- grants more: added: Allow *",
		"since     23 Nov 2026 06:00 UTC, new", "to do     If this was not intended, detach it",
		"GRANTS LESS than was deployed", "2. attachment removed: ClumioEC2BackupPolicy",
		"since     21 Nov 2026 06:00 UTC, changed since the last notification",
		"COULD NOT BE READ", "missing   iam:GetRole",
		"RESOLVED", "Role4: attachment added: AdministratorAccess (changed), since 21 Nov 2026 06:00 UTC",
		"REVERTED by permstack", "detached AdministratorAccess", "COULD NOT BE REVERTED", "Role2: busy",
		"permstack drift --stack backup --region eu-central-1",
	} {
		i := strings.Index(out["email"][at:], part)
		if i < 0 {
			t.Fatalf("the e-mail does not say %q, or not in its place:\n%s", part, out["email"])
		}
		at += i + len(part)
	}
	for name, want := range map[string]string{"kind": "drift", "status": "drifted", "direction": "grants-more",
		"profile": "clumio", "account": "123456789012", "region": "eu-central-1", "stack": "backup"} {
		t.Run(name, func(t *testing.T) {
			if got := m.Attributes()[name]; got != want {
				t.Errorf("attribute %s is %q", name, got)
			}
		})
	}
}

func TestSubjects(t *testing.T) {
	more := newFinding(1, finding.GrantsMore)
	unreadable := newFinding(2, finding.Unreadable)
	_, known := notify.Compare(report(more, newFinding(3, finding.Changed)), notify.State{}, monday, 7)
	for name, tc := range map[string]struct {
		report finding.Report
		state  notify.State
		days   int
		want   string
		status notify.Status
	}{
		"new": {report(more), notify.State{}, 0, "GRANTS MORE: 1 new", notify.Drifted},
		"less": {report(newFinding(1, finding.GrantsLess)), notify.State{}, 0, "GRANTS LESS: 1 new",
			notify.Drifted},
		"unreadable":           {report(unreadable), notify.State{}, 0, "UNREADABLE: 1 new", notify.Unknown},
		"one resolved":         {report(more), known, 0, "RESOLVED: 1, 1 open", notify.Drifted},
		"all resolved":         {report(), known, 0, "RESOLVED: 2, all in sync", notify.InSync},
		"resolved, unreadable": {report(unreadable), known, 0, "UNREADABLE: 1 new, 2 resolved", notify.Unknown},
		"reminder": {report(more, newFinding(3, finding.Changed)), known, 8, "GRANTS MORE: 2 still open",
			notify.Drifted},
	} {
		t.Run(name, func(t *testing.T) {
			diff, _ := notify.Compare(tc.report, tc.state, monday.AddDate(0, 0, tc.days), 7)
			m := notify.DriftMessage(tc.report, diff, nil, monday)
			if want := "permstack: " + tc.want + " - backup (123456789012 eu-central-1)"; m.Subject != want ||
				m.Status != tc.status {
				t.Errorf("%q, %s; want %q, %s", m.Subject, m.Status, want, tc.status)
			}
			protocols(t, m)
		})
	}
}

func TestLongStackName(t *testing.T) {
	r := report(newFinding(1, finding.GrantsMore))
	r.ParentStackID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/" + strings.Repeat("StackSet-", 14) + "/x"
	diff, _ := notify.Compare(r, notify.State{}, monday, 7)
	m := notify.DriftMessage(r, diff, nil, monday)
	if len(m.Subject) != 100 || !strings.HasPrefix(m.Subject, "permstack: GRANTS MORE: 1 new - StackSet-") ||
		!strings.HasSuffix(m.Subject, ".. (123456789012 eu-central-1)") {
		t.Errorf("subject %q", m.Subject)
	}
}

// TestHugeMessages checks that SNS accepts the message, and that what is omitted is counted.
func TestHugeMessages(t *testing.T) {
	var many []finding.Finding
	for n := range 3000 {
		f := newFinding(n, directions[n%4])
		f.Changes = []string{strings.Repeat("\"é\n", 100)}
		many = append(many, f)
	}
	r := report(many...)
	diff, state := notify.Compare(r, notify.State{}, monday, 7)
	m := notify.DriftMessage(r, diff, nil, monday)
	out := protocols(t, m)
	var got notify.Message
	if err := json.Unmarshal([]byte(out["default"]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Omitted == 0 || len(got.Findings)+got.Omitted != 3000 || got.Counts.Appeared != 3000 {
		t.Errorf("%d findings, %d left out", len(got.Findings), got.Omitted)
	}
	for _, f := range got.Findings {
		if f.Direction != finding.GrantsMore {
			t.Errorf("%s was kept where something graver was left out", f.Direction)
			break
		}
	}
	if !strings.Contains(out["email"], fmt.Sprintf("to fit its maximum size: %d", got.Omitted)) ||
		!strings.Contains(out["email"], "more, which are in the JSON form") {
		t.Errorf("the e-mail does not say that it is cut:\n%.2000s", out["email"])
	}

	one := newFinding(1, finding.GrantsMore)
	one.Subject, one.Changes = strings.Repeat("x", 300<<10), make([]string, 10_000)
	one.Changes[5] = strings.Repeat("y", 300<<10)
	r = report(one)
	diff, _ = notify.Compare(r, notify.State{}, monday, 7)
	if err := json.Unmarshal([]byte(protocols(t, notify.DriftMessage(r, diff, nil, monday))["default"]),
		&got); err != nil || len(got.Findings) != 1 ||
		!strings.Contains(got.Findings[0].Subject, "bytes more") {
		t.Errorf("one huge finding: %v, %d findings", err, len(got.Findings))
	}

	diff, _ = notify.Compare(report(), state, monday, 7)
	protocols(t, notify.DriftMessage(report(), diff, nil, monday))
}

func TestLook(t *testing.T) {
	m := notify.ReportMessage(report(newFinding(2, finding.GrantsLess), newFinding(1, finding.GrantsMore)), monday)
	if m.Subject != "permstack: GRANTS MORE: 2 findings - backup (123456789012 eu-central-1)" ||
		m.Status != notify.Drifted ||
		m.Findings[0].ID != "finding-1" {
		t.Errorf("%s, %s", m.Subject, m.Status)
	}
	validate(t, m.JSON())
	m = notify.ReportMessage(report(), monday)
	if m.Subject != "permstack: in sync - backup (123456789012 eu-central-1)" || m.Status != notify.InSync {
		t.Errorf("%s, %s", m.Subject, m.Status)
	}
	validate(t, m.JSON())
}
