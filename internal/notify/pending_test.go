package notify_test

import (
	"slices"
	"testing"
	"time"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// TestWithPending checks that a run that dies between reverting and notifying loses no message and
// repeats none.
func TestWithPending(t *testing.T) {
	old, resolved := newFinding(1, finding.GrantsMore), newFinding(2, finding.GrantsLess)
	fresh := newFinding(3, finding.GrantsMore)
	_, state := notify.Compare(report(old, resolved), notify.State{}, monday, 7)
	state = saved(t, state)
	turned := old
	turned.Hash = "another"
	tuesday, wednesday := monday.Add(24*time.Hour), monday.Add(48*time.Hour)

	_, next := notify.Compare(report(old, fresh), state, tuesday, 7)
	pending := saved(t, state.WithPending(next))
	if diff, _ := notify.Compare(report(old, fresh), pending, wednesday, 7); describe(diff) != "+Role3 -Role2" {
		t.Errorf("it is still open: %q", describe(diff))
	}
	if diff, _ := notify.Compare(report(old), pending, wednesday, 7); describe(diff) != "-Role2 -Role3" {
		t.Errorf("it was reverted: %q", describe(diff))
	}
	if diff, _ := notify.Compare(report(old, resolved, fresh), pending, wednesday, 7); describe(diff) != "+Role3" {
		t.Errorf("it was resolved and appeared again, and neither was reported: %q", describe(diff))
	}
	if slices.ContainsFunc(next.Known, func(k notify.Known) bool { return !k.Notified.After(monday.Add(-time.Hour)) }) {
		t.Error("what is to be saved afterwards was changed")
	}

	_, next = notify.Compare(report(turned, resolved), state, tuesday, 7)
	pending = saved(t, state.WithPending(next))
	if diff, _ := notify.Compare(report(turned, resolved), pending, wednesday, 7); describe(diff) != "+Role1" {
		t.Errorf("it changed, which was not reported: %q", describe(diff))
	}
	_, next = notify.Compare(report(old, resolved), state, tuesday, 7)
	if diff, _ := notify.Compare(report(old, resolved), saved(t, state.WithPending(next)), wednesday, 7); diff.Any() {
		t.Errorf("nothing happened: %q", describe(diff))
	}
}

// TestOverflowEdges checks which findings of an overflow are reported.
func TestOverflowEdges(t *testing.T) {
	var many []finding.Finding
	for n := range 2000 {
		many = append(many, newFinding(n, finding.GrantsMore))
	}
	_, state := notify.Compare(report(many...), notify.State{}, monday, 7)
	first := state
	state = saved(t, state)
	tuesday := monday.Add(24 * time.Hour)
	one, _ := notify.Compare(report(), state, tuesday, 7)
	named := len(one.Resolved)
	// Those that the state does not name come last: it keeps the first.
	unnamed := slices.Clone(many)
	unnamed = slices.DeleteFunc(unnamed, func(f finding.Finding) bool {
		diff, _ := notify.Compare(report(f), state, tuesday, 7)
		return len(diff.Appeared) == 0
	})
	if len(unnamed) != state.Overflow.Count || named+len(unnamed) != 2000 {
		t.Fatalf("%d named, %d not, overflow %d", named, len(unnamed), state.Overflow.Count)
	}

	swapped := slices.Clone(unnamed)
	swapped[0] = newFinding(9999, finding.GrantsMore)
	if diff, _ := notify.Compare(report(swapped...), state, tuesday, 7); len(diff.Appeared) != len(unnamed) {
		t.Errorf("as many, and others: %d appeared", len(diff.Appeared))
	}
	if diff, _ := notify.Compare(report(unnamed[3:]...), state, tuesday, 7); diff.ResolvedUnnamed != 3 {
		t.Errorf("three fewer: %d resolved", diff.ResolvedUnnamed)
	}
	part := report(unnamed[3:]...)
	part.NotReached = []string{"Role1"}
	if diff, _ := notify.Compare(part, state, tuesday, 7); diff.ResolvedUnnamed != 0 {
		t.Errorf("three fewer, and something was not reached: %d resolved", diff.ResolvedUnnamed)
	}
	none := report()
	none.NotReached = []string{"Role1"}
	if diff, kept := notify.Compare(none, state, tuesday, 7); diff.ResolvedUnnamed != 0 ||
		kept.Overflow != state.Overflow {
		t.Errorf("nothing was checked: %d resolved, overflow %+v", diff.ResolvedUnnamed, kept.Overflow)
	}
	unreadable := finding.Finding{ID: "unreadable", Direction: finding.Unreadable}
	if diff, kept := notify.Compare(report(unnamed[0], unreadable), state, tuesday, 7); len(diff.Appeared) != 2 ||
		kept.Overflow.Count != 0 {
		t.Errorf("one was checked, before what could not be: %d appeared, overflow %d",
			len(diff.Appeared), kept.Overflow.Count)
	}
	if diff, _ := notify.Compare(report(many...), saved(t, first), monday, 7); diff.Any() {
		t.Errorf("in the same minute: %d reminders", len(diff.Reminded))
	}
}

// TestOrder checks that a finding that is listed twice counts once, and that
// resolved findings are reported in the order in which they were ranked.
func TestOrder(t *testing.T) {
	more, less := newFinding(1, finding.GrantsMore), newFinding(2, finding.GrantsLess)
	other := newFinding(3, finding.GrantsMore)
	diff, state := notify.Compare(report(less, less, more, more, other), notify.State{}, monday, 7)
	if len(diff.Appeared) != 3 || len(state.Known) != 3 {
		t.Errorf("%d appeared, %d known", len(diff.Appeared), len(state.Known))
	}
	diff, _ = notify.Compare(report(), saved(t, state), monday.Add(time.Hour), 7)
	var order []finding.Direction
	for _, g := range diff.Resolved {
		order = append(order, g.Direction)
	}
	if !slices.Equal(order, []finding.Direction{finding.GrantsMore, finding.GrantsMore, finding.GrantsLess}) ||
		diff.Resolved[0].Label > diff.Resolved[1].Label {
		t.Errorf("resolved: %+v", diff.Resolved)
	}
}

// TestNotReachedByName checks that a logical id without a stack may belong to any
// stack of the report, also the parent; with a stack before it, to that stack.
func TestNotReachedByName(t *testing.T) {
	for name, f := range map[string]finding.Finding{
		"of the parent":         {ID: "a", Stack: "backup", LogicalID: "Role", Direction: finding.GrantsMore},
		"of a stack of another": {ID: "b", Stack: "elsewhere", LogicalID: "Role", Direction: finding.GrantsMore},
	} {
		t.Run(name, func(t *testing.T) {
			_, state := notify.Compare(report(f), notify.State{}, monday, 7)
			r := report(finding.Finding{ID: "c", Stack: "elsewhere", LogicalID: "Other", Direction: finding.GrantsLess})
			r.Stacks, r.NotReached = nil, []string{"Role"}
			if diff, _ := notify.Compare(r, state, monday.Add(time.Hour), 7); len(diff.Resolved) != 0 {
				t.Error("resolved, although not checked")
			}
			r.NotReached = []string{"b/ackupRole"}
			if diff, _ := notify.Compare(r, state, monday.Add(time.Hour), 7); len(diff.Resolved) != 1 {
				t.Error("kept, for one of another name")
			}
		})
	}
}

func TestLease(t *testing.T) {
	long := string(slices.Repeat([]byte("x"), 500))
	for name, tc := range map[string]struct {
		lease  notify.Lease
		holder string
		want   bool
	}{
		"another's":           {notify.Lease{Holder: "a", Until: monday.Add(time.Minute)}, "b", true},
		"one's own":           {notify.Lease{Holder: "a", Until: monday.Add(time.Minute)}, "a", false},
		"another's, over":     {notify.Lease{Holder: "a", Until: monday}, "b", false},
		"of an unknown run":   {notify.Lease{Until: monday.Add(time.Minute)}, "b", false},
		"another's long name": {notify.Lease{Holder: "a", Until: monday.Add(time.Minute)}, long, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.lease.Held(tc.holder, monday); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
