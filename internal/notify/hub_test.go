package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/notify/finding"
)

func roleFinding(n int) finding.Finding {
	return finding.Finding{
		ID: fmt.Sprint("finding ", n), Hash: "hash", Stack: "backup-access", LogicalID: fmt.Sprint("Role", n),
		Direction: finding.GrantsMore, Kind: finding.TrustChanged,
	}
}

func stateEntry(n int, pending bool) Known {
	return Known{Key: newKey(roleFinding(n)), FirstSeen: noon, Notified: noon, HubPending: pending}
}

func shortReport(numbers ...int) finding.Report {
	r := finding.Report{ParentStackID: parentID}
	for _, n := range numbers {
		r.Findings = append(r.Findings, roleFinding(n))
	}
	return r
}

// TestForHub checks which findings another topic of the Organization has yet to receive.
func TestForHub(t *testing.T) {
	known := []Known{stateEntry(1, false), stateEntry(2, true)}
	pending := func(s State) string {
		out := fmt.Sprint(s.Overflow.HubPending)
		for _, k := range s.Known {
			out += fmt.Sprint(" ", k.HubPending)
		}
		return out
	}
	first := State{Known: known}.ForHub("arn:first")
	if got := pending(first); got != "false true true" || first.Hub == "" {
		t.Errorf("first topic: pending %s", got)
	}
	if got := pending(State{Known: known, Overflow: Overflow{Count: 1}}.ForHub("arn:first")); got != "true true true" {
		t.Errorf("first topic, with an overflow: pending %s", got)
	}
	if got := pending(State{Known: known, Hub: first.Hub}.ForHub("arn:first")); got != "false false true" {
		t.Errorf("same topic: pending %s", got)
	}
	none := State{Known: known, Hub: first.Hub, Overflow: Overflow{Count: 1, HubPending: true}}.ForHub("")
	if got := pending(none); got != "false false false" || none.Hub != "" {
		t.Errorf("no topic: pending %s, topic %q", got, none.Hub)
	}
	if known[0].HubPending {
		t.Error("the state before was changed")
	}
}

// TestHubMessages checks what the Organization's topic receives beyond the account's own message, and what it has yet
// to receive afterwards.
func TestHubMessages(t *testing.T) {
	state := State{Hub: "hub", Known: []Known{stateEntry(1, true), stateEntry(2, false), stateEntry(3, true)}}
	report := shortReport(1, 2, 4)
	report.NotReached = []string{"backup-access/Role3"}
	diff, next := Compare(report, state, noon.Add(time.Hour), 7)
	names := func(list []Open) string {
		var out []string
		for _, o := range list {
			out = append(out, o.LogicalID)
		}
		return strings.Join(out, " ")
	}
	if got := names(diff.Appeared); got != "Role4" {
		t.Errorf("for the account: %s", got)
	}
	if got := names(diff.ForHub().Appeared); got != "Role1 Role4" {
		t.Errorf("for the Organization: %s", got)
	}
	pending := func(s State) string {
		var out []string
		for _, k := range s.Known {
			for n := range 5 {
				if k.HubPending && k.Key.ID == newKey(roleFinding(n)).ID {
					out = append(out, fmt.Sprint("Role", n))
				}
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	if got := pending(next); got != "Role1 Role3 Role4" {
		t.Errorf("pending before: %s", got)
	}
	if got := pending(next.SentToHub(diff)); got != "Role3" {
		t.Errorf("pending afterwards: %s", got)
	}
	account, hub := NewHubMessages(report, diff, nil, noon)
	if len(account.Findings) != 1 || len(hub.Findings) != 2 {
		t.Errorf("messages with %d and %d findings, want 1 and 2", len(account.Findings), len(hub.Findings))
	}

	// A finding that is reported again is to be sent again, and one that is not is not.
	changed := shortReport(2)
	changed.Findings[0].Hash = "another"
	for name, tt := range map[string]struct {
		report finding.Report
		hub    string
		want   string
	}{
		"changed": {changed, "hub", "Role2"}, "the same": {shortReport(2), "hub", ""}, "no topic": {changed, "", ""},
	} {
		_, next := Compare(tt.report, State{Hub: tt.hub, Known: []Known{stateEntry(2, false)}}, noon.Add(time.Hour), 7)
		if got := pending(next); got != tt.want {
			t.Errorf("%s: pending %q, want %q", name, got, tt.want)
		}
	}
}

// TestHubOverflow checks the same for findings that the state does not hold one by one.
func TestHubOverflow(t *testing.T) {
	overflow := Overflow{FirstSeen: noon, Notified: noon}
	overflow.add(Known{Key: newKey(roleFinding(1))})
	overflow.FirstSeen, overflow.Notified = noon, noon
	old := overflow
	old.Notified = noon.Add(-8 * 24 * time.Hour)
	pending := overflow
	pending.HubPending = true
	for _, tt := range []struct {
		name     string
		hub      string
		overflow Overflow
		number   int
		want     bool
	}{
		{"the same", "hub", overflow, 1, false},
		{"the same, not sent yet", "hub", pending, 1, true},
		{"the same, due again", "hub", old, 1, true},
		{"another", "hub", overflow, 2, true},
		{"new", "hub", Overflow{}, 1, true},
		{"no topic", "", pending, 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, next := Compare(shortReport(tt.number), State{Hub: tt.hub, Overflow: tt.overflow}, noon.Add(time.Hour), 7)
			if len(next.Known) != 1 || next.Known[0].HubPending != tt.want {
				t.Errorf("got %+v, want one finding, pending %v", next.Known, tt.want)
			}
		})
	}
}

// TestLimitedRun checks what a run keeps that did not check everything.
func TestLimitedRun(t *testing.T) {
	unreadable := finding.Finding{ID: "u", Stack: "backup-access", LogicalID: "Role8", Direction: finding.Unreadable}
	state := State{
		Known: []Known{stateEntry(1, false), stateEntry(2, false), stateEntry(3, false),
			{Key: newKey(unreadable), FirstSeen: noon, Notified: noon}},
		InProgress: []string{"progress"}, Choices: []finding.Choice{{Name: "a", Value: "1"}, {Name: "b", Value: "1"}},
		Overflow: Overflow{Count: 3, FirstSeen: noon, Notified: noon},
	}
	limited := shortReport()
	limited.Scope = []string{"backup-access/Role1"}
	limited.InProgress = []string{"arn:aws:cloudformation:eu-central-1:123456789012:stack/other/1"}
	limited.Choices = []finding.Choice{{Name: "a", Value: "2"}}
	diff, next := Compare(limited, state, noon.Add(time.Hour), 7)
	if diff.Kept != 6 || diff.KeptDrifted != 5 || len(diff.Resolved) != 1 || next.Overflow != state.Overflow {
		t.Errorf("kept %d, %d of them differences; resolved %v", diff.Kept, diff.KeptDrifted, diff.Resolved)
	}
	if !slices.Equal(next.InProgress, state.InProgress) {
		t.Errorf("in progress: %v, want what the last complete run found", next.InProgress)
	}
	if next.Choice("a") != "2" || next.Choice("b") != "1" || next.Choice("c") != "" || len(next.Choices) != 2 {
		t.Errorf("choices %v, want the unchecked one as it was", next.Choices)
	}
	if len(diff.Appeared) != 1 || diff.Appeared[0].Subject != "a" {
		t.Errorf("appeared: %+v, want the choice that was changed", diff.Appeared)
	}

	complete := limited
	complete.Scope = nil
	_, next = Compare(complete, state, noon.Add(time.Hour), 7)
	if len(next.InProgress) != 1 || next.InProgress[0] != stackHash(limited.InProgress[0]) || next.Choice("b") != "" {
		t.Errorf("a complete run: in progress %v, choices %v", next.InProgress, next.Choices)
	}
	// The first choices are those of a complete run, which announces none of them.
	if _, next := Compare(limited, State{}, noon, 7); next.Choices != nil {
		t.Errorf("choices of a limited run: %v", next.Choices)
	}
	if diff, next := Compare(complete, State{}, noon, 7); next.Choice("a") != "2" || len(diff.Appeared) > 0 {
		t.Errorf("choices of the first run: %v, announced %v", next.Choices, diff.Appeared)
	}
	if diff, next := Compare(shortReport(), state, noon, 7); len(next.Choices) != 2 || len(diff.Appeared) > 0 {
		t.Errorf("choices while the parent is in progress: %v, announced %v", next.Choices, diff.Appeared)
	}
	if !(skipped{resources: map[[3]byte]bool{{}: true}, stacks: map[[2]byte]bool{{}: true}}).any() || (skipped{}).any() {
		t.Error("a resource and a stack that were skipped are something, and nothing is not")
	}
}

// TestAudit checks when an audit of the account is due and what becomes of its findings.
func TestAudit(t *testing.T) {
	s := State{Audited: noon}
	if s.AuditDue(noon.Add(auditInterval-time.Second)) || !s.AuditDue(noon.Add(auditInterval)) ||
		!(State{}).AuditDue(noon) {
		t.Error("an audit is due after its interval, and if there was none")
	}
	key := auditKey(finding.Report{ParentStackID: parentID})
	state := State{Audited: noon, Known: []Known{
		{Key: key, FirstSeen: noon, Notified: noon, Label: "audit"}, stateEntry(1, false),
	}}
	for audit, want := range map[finding.AuditState]string{
		finding.AuditOff:    "audit: not checked anymore, because the audit of the account was switched off",
		finding.AuditDone:   "audit",
		finding.AuditNotDue: "",
	} {
		report := shortReport(1)
		report.Audit = audit
		diff, next := Compare(report, state, noon.Add(time.Hour), 7)
		got := ""
		for _, r := range diff.Resolved {
			got += r.Label
		}
		if got != want {
			t.Errorf("audit %q: resolved %q, want %q", audit, got, want)
		}
		if done := next.Audited.Equal(noon.Add(time.Hour)); done != (audit == finding.AuditDone) {
			t.Errorf("audit %q: completed at %v", audit, next.Audited)
		}
	}
	report := shortReport()
	report.Audit = finding.AuditOff
	role := stateEntry(1, false)
	role.Label = "role"
	if diff, _ := Compare(report, State{Known: []Known{role}}, noon, 7); diff.Resolved[0].Label != "role" {
		t.Errorf("a role that is resolved: %q", diff.Resolved[0].Label)
	}
}

// TestStateQueries checks what the state says about resources, stored choices and times.
func TestStateQueries(t *testing.T) {
	s := State{Known: []Known{stateEntry(1, false)}}
	if !s.Knows("backup-access", "Role1") || s.Knows("backup-access", "Role2") || s.Knows("other", "Role1") {
		t.Error("the state knows the resources of its findings")
	}
	for size, shortened := range map[int]bool{maxChoice: false, maxChoice + 1: true} {
		value := strings.Repeat("v", size)
		got := storedChoices([]finding.Choice{{Name: "n", Value: value}})[0].Value
		if (got != value) != shortened ||
			shortened && (!strings.HasPrefix(got, value[:maxChoice-12]+"… ") || len(got) > maxChoice) {
			t.Errorf("a value of %d bytes is stored as %q", size, got)
		}
	}
	late := noon.Add(clockSkew + time.Minute)
	for name, tt := range map[string]struct {
		state State
		valid bool
	}{
		"times in the past": {State{Known: []Known{stateEntry(1, false)},
			Overflow: Overflow{FirstSeen: noon, Notified: noon}}, true},
		"seen in the future":         {State{Known: []Known{{FirstSeen: late, Notified: noon}}}, false},
		"notified in the future":     {State{Known: []Known{{FirstSeen: noon, Notified: late}}}, false},
		"overflow of the future":     {State{Overflow: Overflow{FirstSeen: late, Notified: noon}}, false},
		"overflow notified too late": {State{Overflow: Overflow{FirstSeen: noon, Notified: late}}, false},
		"audited in the future":      {State{Audited: late}, false},
		"lease that is too long":     {State{Lease: Lease{Until: late}}, false},
	} {
		if err := tt.state.Validate(noon, noon); (err == nil) != tt.valid {
			t.Errorf("%s: got error %v, want valid %v", name, err, tt.valid)
		}
	}
}
