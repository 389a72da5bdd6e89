package notify

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"permstack/internal/notify/finding"
)

// Item is a finding of the present run.
type Item struct {
	finding.Finding
	Since time.Time // when it was first seen; zero where nothing is remembered
}

// ResolvedFinding is a finding of an earlier notification that no longer exists.
type ResolvedFinding struct {
	Label     string // empty where the state had no room for it
	Direction finding.Direction
	Since     time.Time
}

// News is what a run has to tell. Every list begins with what matters most.
type News struct {
	Appeared []Item
	Changed  []Item
	Reminded []Item
	Resolved []ResolvedFinding
	// ResolvedUnnamed counts findings of an Overflow that are gone: which ones is
	// not known.
	ResolvedUnnamed int
	// Standing is every finding of the run, news or not.
	Standing []Item
	// Kept counts findings that were told before and could not be looked at in
	// this run: they stay as they were.
	Kept int
}

// Any says whether there is something to tell.
func (n News) Any() bool {
	return len(n.Appeared)+len(n.Changed)+len(n.Reminded)+len(n.Resolved)+n.ResolvedUnnamed > 0
}

// Drifted counts the standing differences. What could not be read is none.
func (n News) Drifted() int {
	count := 0
	for _, i := range n.Standing {
		if i.Direction != finding.Unreadable {
			count++
		}
	}
	return count
}

// unreadable counts what stands and could not be read.
func (n News) unreadable() int { return len(n.Standing) - n.Drifted() }

// reminderSlack lets a reminder come with the run that falls on its day, though
// that may begin some minutes earlier than the one before.
const reminderSlack = 2 * time.Hour

// Compare says what of a report is news, and gives the state to save once that
// was told. A finding is news when it appears, when its values change, and again
// every reminderDays while it stands (0 is never). It is resolved only when it
// was looked at and is gone: what could not be read or was not reached stays.
func Compare(report finding.Report, state State, now time.Time, reminderDays int) (News, State) {
	now = now.UTC().Truncate(time.Minute)
	due := func(notified time.Time) bool {
		return reminderDays > 0 && !now.Before(notified.Add(time.Duration(reminderDays)*24*time.Hour-reminderSlack))
	}
	known := map[[8]byte]Known{}
	for _, k := range state.Known {
		known[k.Key.ID] = k
	}
	var news News
	next := State{Announced: state.Announced, Lease: state.Lease}
	seen := map[[8]byte]bool{}
	var unknown []finding.Finding
	for _, f := range report.Findings {
		key := keyOf(f)
		if seen[key.ID] {
			continue
		}
		seen[key.ID] = true
		was, told := known[key.ID]
		if !told {
			unknown = append(unknown, f)
			continue
		}
		item := Item{f, was.FirstSeen}
		is := Known{Key: key, FirstSeen: was.FirstSeen, Notified: was.Notified, Label: labelOf(f)}
		switch {
		case was.Notified.Equal(notYetNotified):
			news.Appeared, is.Notified = append(news.Appeared, item), now
		case key.Hash != was.Key.Hash:
			news.Changed, is.Notified = append(news.Changed, item), now
		case due(was.Notified):
			news.Reminded, is.Notified = append(news.Reminded, item), now
		}
		news.Standing = append(news.Standing, item)
		next.Known = append(next.Known, is)
	}
	blind := blindness(report)
	for _, k := range state.Known {
		switch {
		case seen[k.Key.ID]:
		case blind.covers(k.Key):
			news.Kept++
			next.Known = append(next.Known, k)
		default:
			news.Resolved = append(news.Resolved, ResolvedFinding{k.Label, k.Key.direction(), k.FirstSeen})
		}
	}
	compareUnknown(unknown, state.Overflow, blind, now, due, &news, &next)
	news.sort()
	return news, next
}

// compareUnknown deals with the findings that the state does not hold one by
// one: new ones, and those of the overflow.
func compareUnknown(unknown []finding.Finding, o Overflow, blind blind, now time.Time, due func(time.Time) bool, news *News, next *State) {
	var found Overflow
	looked := false // at anything that was not unreadable
	for _, f := range unknown {
		found.add(Known{Key: keyOf(f)})
		looked = looked || f.Direction != finding.Unreadable
	}
	since, notified := now, now
	fresh := true
	switch {
	case o.Count == 0:
	case found.Count == o.Count && found.Sum == o.Sum: // the very same
		since, notified, fresh = o.FirstSeen, o.Notified, false
		if due(notified) {
			notified = now
		}
	case blind.any() && !looked:
		news.Kept += o.Count
		next.Overflow = o
	case !blind.any() && found.Count < o.Count:
		news.ResolvedUnnamed = o.Count - found.Count
	}
	for _, f := range unknown {
		item := Item{f, since}
		news.Standing = append(news.Standing, item)
		next.Known = append(next.Known, Known{Key: keyOf(f), FirstSeen: since, Notified: notified, Label: labelOf(f)})
		switch {
		case fresh:
			news.Appeared = append(news.Appeared, item)
		case notified.Equal(now) && !o.Notified.Equal(now):
			news.Reminded = append(news.Reminded, item)
		}
	}
}

// unreadable says what a run could not look at.
type blind struct {
	all       bool
	resources map[[3]byte]bool
	stacks    map[[2]byte]bool
}

func (b blind) any() bool { return b.all || len(b.resources)+len(b.stacks) > 0 }

func (b blind) covers(k Key) bool {
	return b.all || b.resources[k.Resource] || b.stacks[k.Stack]
}

// blindness gathers what was unreadable or not reached. A finding without a
// logical id is of a whole stack, one without a stack of everything.
func blindness(report finding.Report) blind {
	b := blind{resources: map[[3]byte]bool{}, stacks: map[[2]byte]bool{}}
	names := map[string]bool{}
	for _, id := range report.Stacks {
		names[stackName(id)] = true
	}
	names[stackName(report.ParentStackID)] = true
	for _, f := range report.Findings {
		names[f.Stack] = true
		if f.Direction != finding.Unreadable {
			continue
		}
		k := keyOf(f)
		switch {
		case f.Stack == "":
			b.all = true
		case f.LogicalID == "":
			b.stacks[k.Stack] = true
		default:
			b.resources[k.Resource] = true
		}
	}
	for _, id := range report.NotReached {
		if stack, logical, ok := strings.Cut(id, "/"); ok {
			b.resources[keyOf(finding.Finding{Stack: stack, LogicalID: logical}).Resource] = true
			continue
		}
		for name := range names {
			b.resources[keyOf(finding.Finding{Stack: name, LogicalID: id}).Resource] = true
		}
	}
	return b
}

// stackName is the name in a stack's id.
func stackName(id string) string {
	if _, rest, ok := strings.Cut(id, ":stack/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	return id
}

func (n *News) sort() {
	for _, list := range [][]Item{n.Appeared, n.Changed, n.Reminded, n.Standing} {
		slices.SortStableFunc(list, func(a, b Item) int {
			return cmp.Or(rank(a.Direction)-rank(b.Direction), strings.Compare(a.Stack, b.Stack), strings.Compare(a.LogicalID, b.LogicalID), strings.Compare(a.ID, b.ID))
		})
	}
	slices.SortStableFunc(n.Resolved, func(a, b ResolvedFinding) int {
		return cmp.Or(rank(a.Direction)-rank(b.Direction), strings.Compare(a.Label, b.Label))
	})
}
