package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/notify/finding"
)

// TestWholeText checks complete e-mails: what a message does not have is not mentioned.
func TestWholeText(t *testing.T) {
	const head = "\n\nStack    s\nAccount  1, eu\nProfile  p\nTime     27 Nov 2026 12:00 UTC\n"
	const checked = "Checked  2 resources: 0 differences"
	const check = "\nTo check now: permstack drift --stack s --region eu\n"
	base := Message{Kind: KindDrift, Status: InSync, Stack: "s", Account: "1", Region: "eu", Profile: "p", Time: noon,
		Counts: &Counts{Checked: 2}}
	f := Reported{Kind: finding.TagsChanged, Direction: finding.Changed, PhysicalID: "r", Type: "T",
		LogicalID: "L", Stack: "s"}
	const text = "\nCHANGED: no additional access was proved\n\n1. tags changed\n   resource  r (T L of stack s)\n"
	const inSync = "The access of your backup service is as it was deployed."
	for _, tt := range []struct {
		name string
		edit func(*Message)
		want string
	}{
		{"in sync", func(*Message) {}, inSync + head + checked + "\n" + check},
		{"without counts", func(m *Message) { m.Counts = nil }, inSync + head + check},
		{"narrowed", func(m *Message) { m.NarrowedTo = "tag a" },
			inSync + head + "Scope    tag a\n" + checked + "\n" + check},
		{"not complete", func(m *Message) {
			m.Status, m.Counts.Unreadable, m.Counts.NotReached, m.NotReached = Unknown, 3, 1, []string{"a/b"}
		}, "The access of your backup service could not be checked completely." + head + checked +
			", 3 unreadable, 1 not reached\n\nNOT REACHED before the deadline; the next run checks them:\n  a/b\n" + check},
		{"choice", func(m *Message) { m.Findings = []Reported{f} },
			"The choices in the stack that you launched were changed. The access of your backup service is as they\n" +
				"define it. If neither you nor your team made the change, notify your security team." + head + checked + "\n" +
				text + check},
		{"difference", func(m *Message) { m.Status, m.Findings = Drifted, []Reported{f} },
			"The access of your backup service is not as it was deployed." + head + checked + "\n" + text + check},
		{"still drifted", func(m *Message) { m.Status = Drifted },
			"The access of your backup service is not as it was deployed." + head + checked + "\n" + check},
		{"command", func(m *Message) { f := f; f.Command = "aws x"; m.Status, m.Findings = Drifted, []Reported{f} },
			"The access of your backup service is not as it was deployed." + head + checked + "\n" + text +
				"   command   aws x\n" + check},
		{"resolved", func(m *Message) {
			m.Status, m.Resolved = Drifted, []Resolved{{What: "a", Direction: finding.Changed, Since: noon}}
		}, "Some differences in the access of your backup service are resolved." + head + checked +
			"\n\nRESOLVED\n\n   - a (changed), since 27 Nov 2026 12:00 UTC\n" + check},
		{"resolved without names", func(m *Message) { m.Counts.ResolvedUnnamed = 2 }, inSync + head + checked +
			"\n\nRESOLVED\n\n   - 2 findings whose names were not kept\n" + check},
		{"reverted", func(m *Message) { m.Reverted = &Reverted{Done: []string{"a"}} }, inSync + head + checked +
			"\n\nREVERTED by permstack, because OnDrift is revert\n\n   - a\n" + check},
		{"omitted", func(m *Message) { m.Omitted = 3 }, inSync + head + checked +
			"\n\nOmitted from this message to fit its maximum size: 3\n" + check},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := base
			counts := *base.Counts
			m.Counts = &counts
			tt.edit(&m)
			if got := m.Text(); got != tt.want {
				t.Error(firstDifference(got, tt.want))
			}
		})
	}
}

// firstDifference describes the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	line := func(lines []string, i int) string {
		if i < len(lines) {
			return fmt.Sprintf("%q", lines[i])
		}
		return "the end"
	}
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	return fmt.Sprintf("line %d is %s, want %s", i+1, line(g, i), line(w, i))
}

// TestManyFindings checks that an e-mail has no more findings than its limit, and the number of the others.
func TestManyFindings(t *testing.T) {
	for more, want := range map[int]string{0: "", 1: "and 1 more", 2: "and 4 more"} {
		m := Message{Counts: &Counts{}}
		for range maxDetailed + more {
			m.Findings = append(m.Findings, Reported{Direction: finding.GrantsMore})
			m.Resolved = append(m.Resolved, Resolved{What: "r"})
		}
		if more == 2 {
			m.Findings = append(m.Findings, Reported{Direction: finding.Changed}, Reported{Direction: finding.Changed})
		}
		text := m.Text()
		last := fmt.Sprintf("\n%d. ", maxDetailed)
		if !strings.Contains(text, last) || strings.Contains(text, fmt.Sprintf("\n%d. ", maxDetailed+1)) {
			t.Errorf("%d findings: not %d of them", len(m.Findings), maxDetailed)
		}
		if want != "" && !strings.Contains(text, "\n"+want+", which are in the JSON") ||
			want == "" && strings.Contains(text, " more") {
			t.Errorf("%d findings: no %q, or the number of no others", len(m.Findings), want)
		}
		if strings.Contains(text, fmt.Sprintf("   - and %d more\n", more)) != (more > 0) {
			t.Errorf("%d resolved: the number of the others", len(m.Resolved))
		}
	}
	long := Message{Findings: []Reported{{Direction: finding.Changed, Details: []string{strings.Repeat("d", 260)}}}}
	if text := long.Text(); !strings.Contains(text, strings.Repeat("d", 250)+"… (10 bytes more)\n") {
		t.Errorf("a detail of 260 bytes:\n%s", text)
	}
}

// TestOrderOfFindings checks the order in the JSON: severe first, then by event.
func TestOrderOfFindings(t *testing.T) {
	want := []Reported{
		{Direction: finding.GrantsMore, Event: Appeared, Stack: "b"},
		{Direction: finding.GrantsMore, Event: Changed, Stack: "a"},
		{Direction: finding.GrantsMore, Event: Reminder, Stack: "a"},
		{Direction: finding.Monitoring, Event: Appeared, Stack: "a"},
		{Direction: finding.GrantsLess, Event: Appeared, Stack: "a"},
		{Direction: finding.GrantsLess, Event: Appeared, Stack: "b"},
		{Direction: finding.Unreadable, Event: Appeared, Stack: "a"},
	}
	same := func(a, b Reported) bool {
		return a.Direction == b.Direction && a.Event == b.Event && a.Stack == b.Stack
	}
	for shift := range want {
		got := slices.Concat(want[shift:], want[:shift])
		slices.Reverse(got)
		if sortReported(got); !slices.EqualFunc(got, want, same) {
			t.Errorf("got %+v", got)
		}
	}
	d := Diff{Resolved: []ResolvedFinding{
		{Label: "d", Direction: finding.Unreadable}, {Label: "c", Direction: finding.GrantsMore},
		{Label: "b", Direction: finding.Changed}, {Label: "a", Direction: finding.Changed},
		{Label: "e", Direction: finding.Monitoring},
	}}
	d.sort()
	var labels string
	for _, r := range d.Resolved {
		labels += r.Label
	}
	if labels != "ceabd" {
		t.Errorf("resolved in the order %s", labels)
	}
}

// TestAcceptanceInMessages checks that a message states the acceptance of what is accepted alone.
func TestAcceptanceInMessages(t *testing.T) {
	with := func(state finding.AcceptanceState) finding.Finding {
		f := roleFinding(1)
		f.Acceptance = &finding.Acceptance{State: state, By: "me", Reason: "guardrail", Until: noon}
		return f
	}
	m := ReportMessage(finding.Report{Findings: []finding.Finding{with(finding.Ended)},
		Accepted: []finding.Finding{with(finding.InForce)}}, noon)
	if m.Findings[0].Acceptance != "" || m.Accepted[0].Acceptance != "Accepted by me until 2026-11-27: guardrail" {
		t.Errorf("acceptances %q and %q", m.Findings[0].Acceptance, m.Accepted[0].Acceptance)
	}
}
