package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/notify/finding"
)

// TestRestoreWindow checks direction, subject and text of messages about the time for which restores are allowed.
func TestRestoreWindow(t *testing.T) {
	const past, soon, later = "2026-11-27T11:00:00Z", "2026-12-01T12:00:00Z", "2026-12-31T12:00:00Z"
	changes := func(event string) []AccessChange {
		switch event {
		case "+":
			return []AccessChange{{Of: "r", Added: []string{"a:A"}}}
		case "-":
			return []AccessChange{{Of: "r", Removed: []string{"a:A"}}}
		}
		return nil
	}
	for _, tt := range []struct {
		name, before, until, change string
		status                      Status
		direction                   finding.Direction
		subject, text               string // parts
	}{
		{"opened", "", soon, "+", Altered, finding.GrantsMore, "restores allowed until " + soon,
			"\nRestores are allowed until 1 Dec 2026 12:00 UTC.\n"},
		{"limited", "", soon, "", Altered, finding.GrantsLess, "restores allowed until " + soon, "are allowed until 1 Dec"},
		{"prolonged", soon, later, "", Altered, finding.GrantsMore, "restores allowed until " + later, "until 31 Dec 2026"},
		{"shortened", later, soon, "", Altered, finding.GrantsLess, "restores allowed until " + soon, "until 1 Dec 2026"},
		{"unchanged", soon, soon, "", Altered, finding.Changed, "access changed: 0", "are allowed until 1 Dec 2026"},
		{"in the past", later, past, "", Altered, finding.GrantsLess, "restore window in the past",
			"\nRestores were allowed until 27 Nov 2026 11:00 UTC. That time has passed: they are not allowed.\n"},
		{"closed", soon, "", "-", Altered, finding.GrantsLess, "restore window closed",
			"\nThe restore window until 1 Dec 2026 12:00 UTC is closed.\n"},
		{"made permanent", soon, "", "", Altered, finding.GrantsMore, "restore window closed",
			"\nRestores were limited to the time until 1 Dec 2026 12:00 UTC. They are no longer limited.\n"},
		{"made permanent, with more", soon, "", "+", Altered, finding.GrantsMore, "restores no longer end",
			"They are no longer limited."},
		{"not a time", "", "tomorrow", "+", Altered, finding.GrantsMore, "restores allowed until tomorrow",
			"\nRestores are allowed until tomorrow.\n"},
		{"removed with the stack", soon, "", "-", Removed, finding.GrantsLess, "access removed: 1 action", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := AccessMessage(Origin{Stack: "s"}, tt.status,
				Access{RestoreBefore: tt.before, RestoreUntil: tt.until, Changes: changes(tt.change)}, noon)
			if m.Direction != tt.direction || !strings.HasPrefix(m.Subject, "permstack: "+tt.subject) {
				t.Errorf("%s, %q; want %s, %q", m.Direction, m.Subject, tt.direction, tt.subject)
			}
			if text := m.Text(); !strings.Contains(text, tt.text) || tt.text == "" && strings.Contains(text, "estore") {
				t.Errorf("the e-mail does not contain %q, or restores:\n%s", tt.text, text)
			}
		})
	}
	m := RestoreEndedMessage(Origin{Stack: "s"}, noon.Add(-time.Minute), noon)
	if m.Direction != finding.GrantsLess || !strings.HasPrefix(m.Subject, "permstack: restore window ended") ||
		!strings.HasPrefix(m.Text(), "The time for which restores were allowed has ended.") {
		t.Errorf("%s, %q:\n%s", m.Direction, m.Subject, m.Text())
	}
	if !hasPassed(noon.Format(time.RFC3339), noon) || hasPassed(soon, noon) || hasPassed("tomorrow", noon) {
		t.Error("a time has passed if it is not later, and known")
	}
	if m := AccessMessage(Origin{}, Altered, Access{}, noon); strings.Contains(m.Text(), "estore") {
		t.Errorf("no window, and the e-mail has one:\n%s", m.Text())
	}
}

// TestScope checks direction, subject and text of messages about the resources that access is narrowed to.
func TestScope(t *testing.T) {
	var many []string
	for i := range 22 {
		many = append(many, fmt.Sprintf("bucket:b%d", i))
	}
	both := []AccessChange{{Of: "r", Added: []string{"a:A"}, Removed: []string{"a:B"}}}
	for _, tt := range []struct {
		name      string
		status    Status
		access    Access
		direction finding.Direction
		subject   string
		with      string
		without   string
	}{
		{"wider", Altered, Access{Scope: many[:2], ScopeBefore: many[:1], NarrowedTo: "two", Wider: true},
			finding.GrantsMore, "access to more resources", "\nNarrowed to two.\n   + bucket b1\n\n", "b0"},
		{"narrower", Altered, Access{Scope: many[1:2], ScopeBefore: many[:2], NarrowedTo: "one", Narrower: true},
			finding.GrantsLess, "access to fewer resources", "\nNarrowed to one.\n   - bucket b0\n\n", "b1"},
		{"others", Altered, Access{Scope: many[:1], ScopeBefore: many[1:2], Wider: true, Narrower: true},
			finding.GrantsMore, "access to other resources", "   + bucket b0\n   - bucket b1\n", "more\n"},
		{"no longer narrowed", Altered, Access{ScopeBefore: many[:1], Wider: true}, finding.GrantsMore,
			"access to more resources",
			"\nThe access is no longer narrowed to resources of your choice.\n   - bucket b0\n", "+"},
		{"launched", Granted, Access{Scope: many[:1], NarrowedTo: "one", Wider: true, Narrower: true}, finding.Changed,
			"access granted: 0", "\nNarrowed to one.\n", "bucket"},
		{"with actions", Altered, Access{Scope: many[:1], Narrower: true, Changes: both}, finding.GrantsMore,
			"access changed: 1 actions added, 1 removed", "   + bucket b0\n", "\n\n\n"},
		{"with a window", Altered, Access{Scope: many[:1], Narrower: true, RestoreUntil: "2026-12-01T12:00:00Z"},
			finding.GrantsLess, "restores allowed until", "   + bucket b0\n", "\n\n\n"},
		{"as many as listed", Altered, Access{Scope: many[:20], Narrower: true}, finding.GrantsLess,
			"access to fewer resources", "   + bucket b19\n", "more\n"},
		{"more than listed", Altered, Access{Scope: many, Narrower: true}, finding.GrantsLess, "access to fewer resources",
			"   + bucket b19\n   + and 2 more\n", "b20"},
		{"removed", Removed, Access{Scope: many[:1], ScopeBefore: many[1:2], Late: true, NarrowedTo: "one"},
			finding.Changed, "access changed at an earlier update", "", "arrowed"},
		{"removed, was not narrowed", Removed, Access{Scope: []string{}, Late: true}, finding.Changed,
			"access changed at an earlier update", "", "arrowed"},
		{"late, scope not known", Altered, Access{Late: true}, finding.Changed, "access changed at an earlier update", "",
			"arrowed"},
		{"not narrowed", Altered, Access{Scope: []string{}}, finding.Changed, "access changed: 0", "", "arrowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := AccessMessage(Origin{Stack: "s"}, tt.status, tt.access, noon)
			if m.Direction != tt.direction || !strings.HasPrefix(m.Subject, "permstack: "+tt.subject) {
				t.Errorf("%s, %q; want %s, %q", m.Direction, m.Subject, tt.direction, tt.subject)
			}
			if text := m.Text(); !strings.Contains(text, tt.with) || strings.Contains(text, tt.without) {
				t.Errorf("the e-mail does not contain %q, or it contains %q:\n%s", tt.with, tt.without, text)
			}
		})
	}
}

func TestSortChanges(t *testing.T) {
	want := []AccessChange{
		{Of: "a", What: BoundaryPart}, {Of: "a", What: TrustPart}, {Of: "a", What: PolicyPart, Name: "1"},
		{Of: "a", What: PolicyPart, Name: "2"}, {Of: "a", What: TopicPart}, {Of: "a", What: RulePart},
		{Of: "b", What: BoundaryPart},
	}
	same := func(a, b AccessChange) bool { return a.Of == b.Of && a.What == b.What && a.Name == b.Name }
	for shift := range want {
		got := slices.Concat(want[shift:], want[:shift])
		slices.Reverse(got)
		if SortChanges(got); !slices.EqualFunc(got, want, same) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	m := AccessMessage(Origin{Stack: "s"}, Altered, Access{Changes: want}, noon)
	if _, text, _ := strings.Cut(m.Text(), "\na\n"); !strings.HasPrefix(text,
		"   boundary\n   trust\n   policy 1\n   policy 2\n   topic\n   rule\n\nb\n   boundary\n") {
		t.Errorf("each role is named once:\n%s", m.Text())
	}
}

// TestSetDelay checks which change a message counts from.
func TestSetDelay(t *testing.T) {
	at := func(minutes ...int) []finding.Call {
		var out []finding.Call
		for _, m := range minutes {
			out = append(out, finding.Call{Time: noon.Add(-time.Duration(m) * time.Minute)})
		}
		return out
	}
	for _, tt := range []struct {
		name     string
		findings []Reported
		want     int // minutes; 0 is none
	}{
		{"none", nil, 0},
		{"not reported by an event", []Reported{{Event: Appeared}}, 0},
		{"a reminder", []Reported{{Event: Reminder, Calls: at(5)}}, 0},
		{"the newest call", []Reported{{Event: Appeared, Calls: at(5, 90)}}, 5},
		{"the first of two findings", []Reported{{Event: Appeared, Calls: at(5)}, {Event: Changed, Calls: at(8)}}, 8},
		{"the first of two findings, other order",
			[]Reported{{Event: Appeared, Calls: at(8)}, {Event: Changed, Calls: at(5)}}, 8},
		{"after others", []Reported{{Event: Reminder, Calls: at(9)}, {}, {Event: Appeared, Calls: at(5)}}, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := Message{Findings: tt.findings}
			m.SetDelay(noon)
			if m.Delay != 60*tt.want || (m.Changed != nil) != (tt.want > 0) {
				t.Errorf("delay of %d seconds since %v, want %d minutes", m.Delay, m.Changed, tt.want)
			}
			line := fmt.Sprintf(", reported after %dm0s\n", tt.want)
			if text := m.Text(); strings.Contains(text, line) != (tt.want > 0) {
				t.Errorf("the e-mail has %q:\n%s", line, text)
			}
		})
	}
}

func TestNewReverted(t *testing.T) {
	result := finding.Reversals{Done: []finding.Reversal{{Outcome: finding.Restored}}}
	if got := NewReverted(result, nil); len(got.Done) != 1 || got.Failed != nil {
		t.Errorf("got %+v", got)
	}
	got := NewReverted(result, fmt.Errorf("denied"))
	if len(got.Done) != 1 || !slices.Equal(got.Failed, []string{"denied"}) {
		t.Errorf("got %+v", got)
	}
}

// TestCounts checks counts and status of runs that did not check everything.
func TestCounts(t *testing.T) {
	unreadable := []Open{{Finding: finding.Finding{Direction: finding.Unreadable}}}
	for _, tt := range []struct {
		name   string
		report finding.Report
		diff   Diff
		status Status
		counts Counts
	}{
		{"everything", finding.Report{}, Diff{}, InSync, Counts{}},
		{"resolved with and without name", finding.Report{},
			Diff{Resolved: make([]ResolvedFinding, 1), ResolvedUnnamed: 2}, InSync, Counts{Resolved: 3, ResolvedUnnamed: 2}},
		{"unreadable and not reached", finding.Report{NotReached: []string{"a"}}, Diff{Open: unreadable}, Unknown,
			Counts{Unreadable: 1, NotReached: 1}},
		{"limited", finding.Report{Scope: []string{}}, Diff{Open: make([]Open, 1), KeptDrifted: 2}, Drifted,
			Counts{Open: 3}},
		{"not limited", finding.Report{}, Diff{KeptDrifted: 2}, InSync, Counts{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newDriftMessage(tt.report, tt.diff, noon)
			if m.Status != tt.status || *m.Counts != tt.counts {
				t.Errorf("got %s, %+v, want %s, %+v", m.Status, *m.Counts, tt.status, tt.counts)
			}
		})
	}
	for done, want := range map[int]string{0: "permstack: in sync - ", 1: "permstack: REVERTED: 1 - "} {
		m := DriftMessage(finding.Report{}, Diff{}, &Reverted{Done: make([]string, done)}, noon)
		if !strings.HasPrefix(m.Subject, want) {
			t.Errorf("%d reverted: subject %q, want %q", done, m.Subject, want)
		}
	}
	for _, d := range []Diff{
		{Appeared: make([]Open, 1)}, {Changed: make([]Open, 1), Appeared: make([]Open, 1)},
		{Changed: make([]Open, 1), Reminded: make([]Open, 1)},
		{Reminded: make([]Open, 1), Resolved: make([]ResolvedFinding, 1)},
		{Resolved: make([]ResolvedFinding, 1), ResolvedUnnamed: 1}, {ResolvedUnnamed: 1},
	} {
		if !d.Any() {
			t.Errorf("%+v has nothing to report", d)
		}
	}
	if (Diff{Open: make([]Open, 1)}).Any() {
		t.Error("what is open and known is to be reported")
	}
}
