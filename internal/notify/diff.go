package notify

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
)

// Open is a finding of the present run.
type Open struct {
	finding.Finding
	Since time.Time // when it was first seen
}

// ResolvedFinding is a finding of an earlier notification that no longer exists.
type ResolvedFinding struct {
	Label     string // empty if the state had no space for it
	Direction finding.Direction
	Since     time.Time
}

// Diff is what a run has to report. Every list begins with the most severe.
type Diff struct {
	Appeared []Open
	Changed  []Open
	Reminded []Open
	Resolved []ResolvedFinding
	// ResolvedUnnamed counts resolved findings of an Overflow: which ones is not
	// known.
	ResolvedUnnamed int
	// Open is every finding of the run, to be reported or not.
	Open []Open
	// Kept counts findings of earlier runs that could not be checked in this run;
	// they remain in the state. KeptDrifted are those of them that are differences.
	Kept, KeptDrifted int
	// hubPending are open findings that the Organization's topic has not received and
	// that no other list has.
	hubPending []Open
}

// Any reports whether there is something to report.
func (d Diff) Any() bool {
	return len(d.Appeared)+len(d.Changed)+len(d.Reminded)+len(d.Resolved)+d.ResolvedUnnamed > 0
}

// Drifted returns the number of open differences. What could not be read is not
// a difference.
func (d Diff) Drifted() int {
	count := 0
	for _, o := range d.Open {
		if o.Direction != finding.Unreadable {
			count++
		}
	}
	return count
}

// Unreadable returns the number of findings about what could not be read.
func (d Diff) Unreadable() int { return len(d.Open) - d.Drifted() }

// reminderSlack lets a reminder be sent by the run of its day, although that may
// start some minutes earlier than the run that reported the finding.
const reminderSlack = 2 * time.Hour

// Compare returns what has to be reported of a report, and the state to save once
// it was reported. A finding is reported when it appears, when its values change,
// and again every reminderDays while it is open (0 is never). It is resolved only
// if its resource was checked: what could not be read or was not reached remains
// in the state.
func Compare(report finding.Report, state State, now time.Time, reminderDays int) (Diff, State) {
	now = now.UTC().Truncate(time.Minute)
	due := func(notified time.Time) bool {
		return reminderDays > 0 && !now.Before(notified.Add(time.Duration(reminderDays)*24*time.Hour-reminderSlack))
	}
	known := map[[8]byte]Known{}
	for _, k := range state.Known {
		known[k.Key.ID] = k
	}
	var diff Diff
	next := State{Announced: state.Announced, Lease: state.Lease, Choices: state.Choices,
		RestoreEnded: state.RestoreEnded, Hub: state.Hub, Audited: state.Audited}
	if report.Audit == finding.AuditDone {
		next.Audited = now
	}
	if report.Scope != nil { // only a complete run shows which stacks remain in progress
		next.InProgress = state.InProgress
		report.InProgress = nil
	}
	for _, id := range report.InProgress {
		next.InProgress = append(next.InProgress, stackHash(id))
	}
	seen := map[[8]byte]bool{}
	var unknown []finding.Finding
	for _, f := range report.Findings {
		key := newKey(f)
		if seen[key.ID] {
			continue
		}
		seen[key.ID] = true
		before, ok := known[key.ID]
		if !ok {
			unknown = append(unknown, f)
			continue
		}
		open := Open{f, before.FirstSeen}
		entry := Known{Key: key, FirstSeen: before.FirstSeen, Notified: before.Notified, Label: newLabel(f),
			HubPending: before.HubPending}
		switch {
		case before.Notified.Equal(notYetNotified):
			diff.Appeared, entry.Notified = append(diff.Appeared, open), now
		case key.Hash != before.Key.Hash:
			diff.Changed, entry.Notified = append(diff.Changed, open), now
		case due(before.Notified):
			diff.Reminded, entry.Notified = append(diff.Reminded, open), now
		}
		if state.Hub != "" && !entry.Notified.Equal(before.Notified) {
			entry.HubPending = true
		}
		diff.Open = append(diff.Open, open)
		next.Known = append(next.Known, entry)
	}
	accepted := map[[8]byte]string{} // how, in words
	for _, f := range report.Accepted {
		accepted[newKey(f).ID] = ": accepted, not reverted. " + wording.Acceptance(*f.Acceptance)
	}
	skipped := newSkipped(report)
	for _, k := range state.Known {
		switch {
		case seen[k.Key.ID]:
		case skipped.contains(k.Key):
			diff.Kept++
			if k.Key.direction() != finding.Unreadable {
				diff.KeptDrifted++
			}
			next.Known = append(next.Known, k)
		default:
			how := accepted[k.Key.ID]
			if report.Audit == finding.AuditOff && k.Key.Resource == auditKey(report).Resource {
				how = ": not checked anymore, because the audit of the account was switched off"
			}
			diff.Resolved = append(diff.Resolved, ResolvedFinding{k.Label + how, k.Key.direction(), k.FirstSeen})
		}
	}
	compareUnknown(unknown, state.Overflow, skipped, now, due, &diff, &next)
	// A limited check does not know all choices, so a complete one is announced first.
	if len(report.Choices) > 0 && (report.Scope == nil || len(state.Choices) > 0) {
		report.Choices = withUnchecked(report, state)
		next.Choices = storedChoices(report.Choices)
		diff.compareChoices(report, state, next, now)
	}
	diff.addHubPending(next)
	diff.sort()
	return diff, next
}

// withUnchecked returns the choices of a report. A limited check does not read all of
// them: the others are as they were.
func withUnchecked(report finding.Report, state State) []finding.Choice {
	out := slices.Clone(report.Choices)
	for _, c := range state.Choices {
		isSame := func(o finding.Choice) bool { return o.Name == c.Name }
		if report.Scope != nil && !slices.ContainsFunc(out, isSame) {
			out = append(out, c)
		}
	}
	return out
}

// compareChoices adds the choices that were changed since the last run. They are
// announced once and are not open findings: they are what the customer wants, unless
// somebody else made the change.
func (d *Diff) compareChoices(report finding.Report, state, next State, now time.Time) {
	if len(state.Choices) == 0 {
		return
	}
	for _, f := range finding.CompareChoices(
		stackName(report.ParentStackID), report.ParentStackID, state.Choices, next.Choices,
	) {
		d.Announce(f, now)
	}
}

// Announce adds a finding that is reported once and is not open afterwards.
func (d *Diff) Announce(f finding.Finding, now time.Time) {
	d.Appeared = append(d.Appeared, Open{f, now})
	d.sort()
}

// compareUnknown adds the findings that the state does not hold one by one: new
// ones, and those of the overflow.
func compareUnknown(
	unknown []finding.Finding, o Overflow, skipped skipped, now time.Time, due func(time.Time) bool,
	diff *Diff, next *State,
) {
	var current Overflow
	readable := false // any of unknown
	for _, f := range unknown {
		current.add(Known{Key: newKey(f)})
		readable = readable || f.Direction != finding.Unreadable
	}
	since, notified := now, now
	appeared := true
	switch {
	case o.Count == 0:
	case current.Count == o.Count && current.Sum == o.Sum: // the same findings
		since, notified, appeared = o.FirstSeen, o.Notified, false
		if due(notified) {
			notified = now
		}
	case skipped.any() && !readable:
		diff.Kept += o.Count
		diff.KeptDrifted += o.Count
		next.Overflow = o
	case !skipped.any() && current.Count < o.Count:
		diff.ResolvedUnnamed = o.Count - current.Count
	}
	for _, f := range unknown {
		open := Open{f, since}
		diff.Open = append(diff.Open, open)
		next.Known = append(next.Known, Known{Key: newKey(f), FirstSeen: since, Notified: notified, Label: newLabel(f),
			HubPending: next.Hub != "" && (appeared || notified.Equal(now) || o.HubPending)})
		switch {
		case appeared:
			diff.Appeared = append(diff.Appeared, open)
		case notified.Equal(now) && !o.Notified.Equal(now):
			diff.Reminded = append(diff.Reminded, open)
		}
	}
}

// skipped is what a run could not read or did not reach.
type skipped struct {
	all       bool
	scope     map[[3]byte]bool // of a limited check: what it checked; nil is everything
	resources map[[3]byte]bool
	stacks    map[[2]byte]bool
}

func (s skipped) any() bool { return s.all || s.scope != nil || len(s.resources)+len(s.stacks) > 0 }

func (s skipped) contains(k Key) bool {
	return s.all || s.scope != nil && !s.scope[k.Resource] || s.resources[k.Resource] || s.stacks[k.Stack]
}

// newSkipped collects what was unreadable or not reached. A finding without a
// logical id is about a whole stack, one without a stack about everything.
func newSkipped(report finding.Report) skipped {
	s := skipped{resources: map[[3]byte]bool{}, stacks: map[[2]byte]bool{}}
	if report.Scope != nil {
		s.scope = map[[3]byte]bool{}
	}
	for _, id := range report.Scope {
		stack, logical, _ := strings.Cut(id, "/")
		s.scope[newKey(finding.Finding{Stack: stack, LogicalID: logical}).Resource] = true
	}
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
		k := newKey(f)
		switch {
		case f.Stack == "":
			s.all = true
		case f.LogicalID == "":
			s.stacks[k.Stack] = true
		default:
			s.resources[k.Resource] = true
		}
	}
	if report.Audit == finding.AuditNotDue {
		s.resources[auditKey(report).Resource] = true
	}
	for _, id := range report.InProgress {
		s.stacks[newKey(finding.Finding{Stack: stackName(id)}).Stack] = true
	}
	for _, id := range report.NotReached {
		if stack, logical, ok := strings.Cut(id, "/"); ok {
			s.resources[newKey(finding.Finding{Stack: stack, LogicalID: logical}).Resource] = true
			continue
		}
		for name := range names {
			s.resources[newKey(finding.Finding{Stack: name, LogicalID: id}).Resource] = true
		}
	}
	return s
}

// auditKey returns the key of the resource that the findings of the account audit are
// about.
func auditKey(report finding.Report) Key {
	return newKey(finding.Finding{Stack: stackName(report.ParentStackID), LogicalID: finding.AuditID})
}

// auditInterval is how long after an audit of the account the next one is due. It is
// less than a day, so that it does not wait for another run if a run begins earlier than
// the day before.
const auditInterval = 22 * time.Hour

// AuditDue reports whether the account has to be audited again.
func (s State) AuditDue(now time.Time) bool { return !now.Before(s.Audited.Add(auditInterval)) }

// stackName returns the name in a stack's id.
func stackName(id string) string {
	if _, rest, ok := strings.Cut(id, ":stack/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	return id
}

func (d *Diff) sort() {
	for _, list := range [][]Open{d.Appeared, d.Changed, d.Reminded, d.Open} {
		slices.SortStableFunc(list, func(a, b Open) int {
			return cmp.Or(rank(a.Direction)-rank(b.Direction), strings.Compare(a.Stack, b.Stack),
				strings.Compare(a.LogicalID, b.LogicalID), strings.Compare(a.ID, b.ID))
		})
	}
	slices.SortStableFunc(d.Resolved, func(a, b ResolvedFinding) int {
		return cmp.Or(rank(a.Direction)-rank(b.Direction), strings.Compare(a.Label, b.Label))
	})
}
