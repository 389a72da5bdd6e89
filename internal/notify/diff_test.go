package notify_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// saved returns a state after it was encoded and decoded, as between two runs.
func saved(t testing.TB, s notify.State) notify.State {
	t.Helper()
	data := s.Encode(parent)
	if len(data) > notify.MaxState {
		t.Fatalf("the state has %d bytes", len(data))
	}
	out, err := notify.DecodeState(data, parent)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return out
}

func describe(n notify.Diff) string {
	var out []string
	for what, list := range map[string][]notify.Open{"+": n.Appeared, "~": n.Changed, "!": n.Reminded} {
		for _, i := range list {
			out = append(out, what+i.LogicalID)
		}
	}
	for _, g := range n.Resolved {
		name, _, _ := strings.Cut(g.Label, ":")
		out = append(out, "-"+name)
	}
	if n.ResolvedUnnamed > 0 {
		out = append(out, fmt.Sprintf("-%d", n.ResolvedUnnamed))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestCompare compares one report a day.
func TestCompare(t *testing.T) {
	more, less := newFinding(1, finding.GrantsMore), newFinding(2, finding.GrantsLess)
	worse := more
	worse.Hash = "another"
	turned := less
	turned.Direction = finding.Changed
	unreadable := finding.Finding{
		ID:        "unreadable",
		Stack:     "backup-permstack-access",
		LogicalID: "Role1",
		Kind:      finding.NotReadable,
		Direction: finding.Unreadable,
		Hash:      "x",
	}
	unreadableStack := finding.Finding{
		ID:        "unreadable stack",
		Stack:     "backup-permstack-access",
		Kind:      finding.NotReadable,
		Direction: finding.Unreadable,
		Hash:      "x",
	}
	unreadableAll := finding.Finding{
		ID:        "unreadable all",
		Kind:      finding.NotReadable,
		Direction: finding.Unreadable,
		Hash:      "x",
	}
	unreached := func(ids ...string) finding.Report { r := report(); r.NotReached = ids; return r }
	var state notify.State
	for day, step := range []struct {
		report finding.Report
		want   string
	}{
		{report(), ""},
		{report(more), "+Role1"},
		{report(more), ""},
		{report(more, less), "+Role2"},
		{report(worse, less), "~Role1"},
		{report(worse, turned), "~Role2"}, // another direction is another difference
		{report(turned, worse), ""},
		{report(turned, unreadable), "+Role1"}, // what cannot be read is reported; worse is not resolved
		{report(turned, worse), "-Role1"},      // it can be read again
		{unreached("Role1", "Role2"), ""},
		{unreached("backup-permstack-access/Role1", "backup-permstack-access/Role2"), ""},
		{report(unreadableStack), "+"},
		{report(unreadableAll), "+"},                   // Role1 was reported on day 4, Role2 on day 5
		{report(turned, worse), "!Role1 !Role2 - -"},   // day 13: both are due
		{report(worse), "-Role2"},                      //
		{report(), "-Role1"},                           //
		{report(), ""},                                 //
		{report(worse), "+Role1"}, {report(worse), ""}, // days 17 and 18
		{report(worse), ""}, {report(worse), ""}, //
		{report(worse), ""}, {report(worse), ""}, //
		{report(worse), ""}, {report(worse), "!Role1"}, // day 24: seven days later
		{report(worse, worse), ""},                        // twice the same is once
		{finding.Report{ParentStackID: parent}, "-Role1"}, //
	} {
		var diff notify.Diff
		diff, state = notify.Compare(step.report, saved(t, state), monday.Add(time.Duration(day)*24*time.Hour), 7)
		if got := describe(diff); got != step.want {
			t.Errorf("day %d: %q, want %q", day, got, step.want)
		}
	}
}

func TestSince(t *testing.T) {
	f := newFinding(1, finding.GrantsMore)
	_, state := notify.Compare(report(f), notify.State{}, monday, 7)
	f.Hash = "another"
	diff, state := notify.Compare(report(f), saved(t, state), monday.Add(24*time.Hour), 7)
	if !diff.Changed[0].Since.Equal(monday) {
		t.Errorf("changed: since %s", diff.Changed[0].Since)
	}
	diff, _ = notify.Compare(report(), saved(t, state), monday.Add(48*time.Hour), 7)
	if g := diff.Resolved[0]; !g.Since.Equal(monday) || g.Direction != finding.GrantsMore ||
		g.Label != "Role1: attachment added: AdministratorAccess" {
		t.Errorf("resolved: %+v", g)
	}
}

func TestNoReminders(t *testing.T) {
	r := report(newFinding(1, finding.GrantsMore))
	_, state := notify.Compare(r, notify.State{}, monday, 0)
	if diff, _ := notify.Compare(r, saved(t, state), monday.AddDate(1, 0, 0), 0); diff.Any() {
		t.Errorf("a year later: %s", describe(diff))
	}
}

// TestExactlyOnce runs random histories: each appearance, change and
// disappearance of a finding is reported in the run that detects it, and only then.
func TestExactlyOnce(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		current := map[int]string{} // finding → hash
		var state notify.State
		for day := range 30 {
			before := map[int]string{}
			for n, h := range current {
				before[n] = h
			}
			for range rnd.IntN(4) {
				switch n := rnd.IntN(12); rnd.IntN(3) {
				case 0:
					delete(current, n)
				case 1:
					current[n] = fmt.Sprint(rnd.IntN(3))
				}
			}
			var want []string
			var findings []finding.Finding
			for n, h := range current {
				f := newFinding(n, finding.GrantsMore)
				f.Hash = h
				findings = append(findings, f)
				if was, ok := before[n]; !ok {
					want = append(want, "+"+f.LogicalID)
				} else if was != h {
					want = append(want, "~"+f.LogicalID)
				}
			}
			for n := range before {
				if _, ok := current[n]; !ok {
					want = append(want, fmt.Sprintf("-Role%d", n))
				}
			}
			slices.Sort(want)
			now := monday.Add(time.Duration(day) * 24 * time.Hour)
			var diff notify.Diff
			diff, state = notify.Compare(report(findings...), saved(t, state), now, 0)
			if got := describe(diff); got != strings.Join(want, " ") {
				t.Fatalf("seed %d, day %d: %q, want %q", seed, day, got, want)
			}
			if diff, _ := notify.Compare(report(findings...), saved(t, state), now, 0); diff.Any() {
				t.Fatalf("seed %d, day %d: reported twice: %s", seed, day, describe(diff))
			}
		}
	}
}

// TestThousands checks a report with more findings than the state has space for.
func TestThousands(t *testing.T) {
	var many []finding.Finding
	for n := range 2000 {
		many = append(many, newFinding(n, directions[n%4]))
	}
	diff, state := notify.Compare(report(many...), notify.State{}, monday, 7)
	if len(diff.Appeared) != 2000 {
		t.Fatalf("%d appeared", len(diff.Appeared))
	}
	state = saved(t, state)
	if state.Overflow.Count == 0 || len(state.Known) < 100 {
		t.Fatalf("%d are known one by one, %d are not", len(state.Known), state.Overflow.Count)
	}
	slices.Reverse(many)
	diff, same := notify.Compare(report(many...), state, monday.Add(24*time.Hour), 7)
	if diff.Any() || len(diff.Open) != 2000 {
		t.Errorf("the same again: %.200s, %d open", describe(diff), len(diff.Open))
	}
	diff, _ = notify.Compare(report(many...), saved(t, same), monday.Add(7*24*time.Hour), 7)
	if len(diff.Reminded) != 2000 {
		t.Errorf("%d reminders after a week", len(diff.Reminded))
	}
	// One more: what is known one by one is not reported, no finding is lost, and it
	// is reported once.
	more := append(slices.Clone(many), newFinding(9999, finding.GrantsMore))
	diff, next := notify.Compare(report(more...), state, monday.Add(24*time.Hour), 7)
	if !slices.ContainsFunc(diff.Appeared, func(i notify.Open) bool { return i.ID == "finding-9999" }) ||
		len(diff.Appeared) > 2001-len(state.Known) {
		t.Errorf("one more: %d appeared", len(diff.Appeared))
	}
	if diff, _ := notify.Compare(report(more...), saved(t, next), monday.Add(48*time.Hour), 7); diff.Any() {
		t.Errorf("one more, again: %d appeared", len(diff.Appeared))
	}
	// All are resolved; and none could be checked.
	resolved, _ := notify.Compare(report(), state, monday.Add(24*time.Hour), 7)
	if len(resolved.Resolved)+resolved.ResolvedUnnamed != 2000 {
		t.Errorf("all resolved: %d and %d", len(resolved.Resolved), resolved.ResolvedUnnamed)
	}
	none := report(finding.Finding{ID: "unreadable", Direction: finding.Unreadable})
	diff, kept := notify.Compare(none, state, monday.Add(24*time.Hour), 7)
	if len(diff.Resolved)+diff.ResolvedUnnamed != 0 || diff.Kept != 2000 {
		t.Errorf("none checked: %d resolved, %d kept", len(diff.Resolved)+diff.ResolvedUnnamed, diff.Kept)
	}
	if diff, _ := notify.Compare(report(many...), saved(t, kept), monday.Add(48*time.Hour), 7); len(diff.Appeared) != 0 {
		t.Errorf("checked again: %d appeared", len(diff.Appeared))
	}
}

var directions = []finding.Direction{finding.GrantsMore, finding.GrantsLess, finding.Changed, finding.Unreadable}
