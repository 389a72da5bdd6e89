package alert_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/alert"
	"permstack/internal/driftreport"
)

// through saves a state and reads it again, as between two runs.
func through(t testing.TB, s alert.State) alert.State {
	t.Helper()
	data := s.Encode(parent)
	if len(data) > alert.MaxState {
		t.Fatalf("the state has %d bytes", len(data))
	}
	out, err := alert.DecodeState(data, parent)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return out
}

func tell(n alert.News) string {
	var out []string
	for what, list := range map[string][]alert.Item{"+": n.Appeared, "~": n.Changed, "!": n.Reminded} {
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

// TestStory tells a run a day.
func TestStory(t *testing.T) {
	more, less := finding(1, driftreport.GrantsMore), finding(2, driftreport.GrantsLess)
	worse := more
	worse.Hash = "another"
	turned := less
	turned.Direction = driftreport.Changed
	blind := driftreport.Finding{ID: "blind", Stack: "backup-permstack-access", LogicalID: "Role1", Kind: driftreport.NotReadable, Direction: driftreport.Unreadable, Hash: "x"}
	blindStack := driftreport.Finding{ID: "blind stack", Stack: "backup-permstack-access", Kind: driftreport.NotReadable, Direction: driftreport.Unreadable, Hash: "x"}
	blindAll := driftreport.Finding{ID: "blind all", Kind: driftreport.NotReadable, Direction: driftreport.Unreadable, Hash: "x"}
	unreached := func(ids ...string) driftreport.Report { r := report(); r.NotReached = ids; return r }
	var state alert.State
	for day, step := range []struct {
		report driftreport.Report
		want   string
	}{
		{report(), ""},
		{report(more), "+Role1"},
		{report(more), ""},
		{report(more, less), "+Role2"},
		{report(worse, less), "~Role1"},
		{report(worse, turned), "~Role2"}, // another direction is another difference
		{report(turned, worse), ""},
		{report(turned, blind), "+Role1"}, // what cannot be read is told; worse is not resolved
		{report(turned, worse), "-Role1"}, // it can be read again
		{unreached("Role1", "Role2"), ""},
		{unreached("backup-permstack-access/Role1", "backup-permstack-access/Role2"), ""},
		{report(blindStack), "+"},
		{report(blindAll), "+"},                        // Role1 was told on day 4, Role2 on day 5
		{report(turned, worse), "!Role1 !Role2 - -"},   // day 13: both are due
		{report(worse), "-Role2"},                      //
		{report(), "-Role1"},                           //
		{report(), ""},                                 //
		{report(worse), "+Role1"}, {report(worse), ""}, // days 17 and 18
		{report(worse), ""}, {report(worse), ""}, //
		{report(worse), ""}, {report(worse), ""}, //
		{report(worse), ""}, {report(worse), "!Role1"}, // day 24: seven days later
		{report(worse, worse), ""},                            // twice the same is once
		{driftreport.Report{ParentStackID: parent}, "-Role1"}, //
	} {
		var news alert.News
		news, state = alert.Compare(step.report, through(t, state), monday.Add(time.Duration(day)*24*time.Hour), 7)
		if got := tell(news); got != step.want {
			t.Errorf("day %d: %q, want %q", day, got, step.want)
		}
	}
}

func TestSince(t *testing.T) {
	f := finding(1, driftreport.GrantsMore)
	_, state := alert.Compare(report(f), alert.State{}, monday, 7)
	f.Hash = "another"
	news, state := alert.Compare(report(f), through(t, state), monday.Add(24*time.Hour), 7)
	if !news.Changed[0].Since.Equal(monday) {
		t.Errorf("changed: since %s", news.Changed[0].Since)
	}
	news, _ = alert.Compare(report(), through(t, state), monday.Add(48*time.Hour), 7)
	if g := news.Resolved[0]; !g.Since.Equal(monday) || g.Direction != driftreport.GrantsMore || g.Label != "Role1: attachment added: AdministratorAccess" {
		t.Errorf("resolved: %+v", g)
	}
}

func TestNoReminders(t *testing.T) {
	r := report(finding(1, driftreport.GrantsMore))
	_, state := alert.Compare(r, alert.State{}, monday, 0)
	if news, _ := alert.Compare(r, through(t, state), monday.AddDate(1, 0, 0), 0); news.Any() {
		t.Errorf("a year later: %s", tell(news))
	}
}

// TestExactlyOnce plays random histories: whatever comes and goes, each
// appearance, change and disappearance is told in the run that sees it, and
// only then.
func TestExactlyOnce(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		world := map[int]string{} // finding → hash
		var state alert.State
		for day := range 30 {
			before := map[int]string{}
			for n, h := range world {
				before[n] = h
			}
			for range rnd.IntN(4) {
				switch n := rnd.IntN(12); rnd.IntN(3) {
				case 0:
					delete(world, n)
				case 1:
					world[n] = fmt.Sprint(rnd.IntN(3))
				}
			}
			var want []string
			var findings []driftreport.Finding
			for n, h := range world {
				f := finding(n, driftreport.GrantsMore)
				f.Hash = h
				findings = append(findings, f)
				if was, ok := before[n]; !ok {
					want = append(want, "+"+f.LogicalID)
				} else if was != h {
					want = append(want, "~"+f.LogicalID)
				}
			}
			for n := range before {
				if _, ok := world[n]; !ok {
					want = append(want, fmt.Sprintf("-Role%d", n))
				}
			}
			slices.Sort(want)
			now := monday.Add(time.Duration(day) * 24 * time.Hour)
			var news alert.News
			news, state = alert.Compare(report(findings...), through(t, state), now, 0)
			if got := tell(news); got != strings.Join(want, " ") {
				t.Fatalf("seed %d, day %d: %q, want %q", seed, day, got, want)
			}
			if news, _ := alert.Compare(report(findings...), through(t, state), now, 0); news.Any() {
				t.Fatalf("seed %d, day %d: told twice: %s", seed, day, tell(news))
			}
		}
	}
}

// TestThousands: more findings than the state has room for.
func TestThousands(t *testing.T) {
	var many []driftreport.Finding
	for n := range 2000 {
		many = append(many, finding(n, directions[n%4]))
	}
	news, state := alert.Compare(report(many...), alert.State{}, monday, 7)
	if len(news.Appeared) != 2000 {
		t.Fatalf("%d appeared", len(news.Appeared))
	}
	state = through(t, state)
	if state.Overflow.Count == 0 || len(state.Known) < 100 {
		t.Fatalf("%d are known one by one, %d are not", len(state.Known), state.Overflow.Count)
	}
	slices.Reverse(many)
	news, same := alert.Compare(report(many...), state, monday.Add(24*time.Hour), 7)
	if news.Any() || len(news.Standing) != 2000 {
		t.Errorf("the same again: %.200s, %d stand", tell(news), len(news.Standing))
	}
	news, _ = alert.Compare(report(many...), through(t, same), monday.Add(7*24*time.Hour), 7)
	if len(news.Reminded) != 2000 {
		t.Errorf("%d reminders after a week", len(news.Reminded))
	}
	// One more: what is known one by one stays silent, no alert is lost, and it
	// is told once.
	more := append(slices.Clone(many), finding(9999, driftreport.GrantsMore))
	news, next := alert.Compare(report(more...), state, monday.Add(24*time.Hour), 7)
	if !slices.ContainsFunc(news.Appeared, func(i alert.Item) bool { return i.ID == "finding-9999" }) || len(news.Appeared) > 2001-len(state.Known) {
		t.Errorf("one more: %d appeared", len(news.Appeared))
	}
	if news, _ := alert.Compare(report(more...), through(t, next), monday.Add(48*time.Hour), 7); news.Any() {
		t.Errorf("one more, again: %d appeared", len(news.Appeared))
	}
	// All gone; and none looked at.
	if news, _ := alert.Compare(report(), state, monday.Add(24*time.Hour), 7); len(news.Resolved)+news.ResolvedUnnamed != 2000 {
		t.Errorf("all gone: %d and %d", len(news.Resolved), news.ResolvedUnnamed)
	}
	none := report(driftreport.Finding{ID: "blind", Direction: driftreport.Unreadable})
	news, kept := alert.Compare(none, state, monday.Add(24*time.Hour), 7)
	if len(news.Resolved)+news.ResolvedUnnamed != 0 || news.Kept != 2000 {
		t.Errorf("none looked at: %d resolved, %d kept", len(news.Resolved)+news.ResolvedUnnamed, news.Kept)
	}
	if news, _ := alert.Compare(report(many...), through(t, kept), monday.Add(48*time.Hour), 7); len(news.Appeared) != 0 {
		t.Errorf("looked at again: %d appeared", len(news.Appeared))
	}
}

var directions = []driftreport.Direction{driftreport.GrantsMore, driftreport.GrantsLess, driftreport.Changed, driftreport.Unreadable}
