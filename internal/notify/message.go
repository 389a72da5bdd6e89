package notify

import (
	"fmt"
	"strings"
	"time"

	"permstack/internal/notify/finding"
	"permstack/internal/notify/remedy"
	"permstack/internal/notify/wording"
)

// Schema identifies the form of a Message's JSON, docs/drift-message.schema.json.
// A form that readers of this one would misunderstand gets another number.
const Schema = "permstack.drift/1"

// Kinds of messages.
const (
	KindDrift  = "drift"  // what exists is not what was deployed, or is again
	KindAccess = "access" // a deployment changed the access
)

// Status is the state after what the message reports.
type Status string

const (
	InSync  Status = "in-sync"
	Drifted Status = "drifted"
	Unknown Status = "unknown" // no differences, but not everything could be checked

	Granted Status = "granted" // of messages about access
	Altered Status = "changed"
	Removed Status = "removed"
)

// None is the direction of a message without findings.
const None finding.Direction = "none"

// Message is what is published, and what `permstack drift --output json` prints.
// It contains no secrets, because findings and access changes do not.
type Message struct {
	Schema    string            `json:"schema"`
	Kind      string            `json:"kind"`
	Status    Status            `json:"status"`
	Direction finding.Direction `json:"direction"` // the most severe of the reported findings
	Subject   string            `json:"subject"`   // at most 100 printable ASCII characters

	Profile string    `json:"profile"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Stack   string    `json:"stack"` // name of the parent stack
	StackID string    `json:"stackId"`
	Time    time.Time `json:"time"`

	// NarrowedTo is what the access is narrowed to, of messages about drift; empty if it is
	// not.
	NarrowedTo string     `json:"narrowedTo,omitempty"`
	Counts     *Counts    `json:"counts,omitempty"`     // of messages about drift
	Findings   []Reported `json:"findings,omitempty"`   // the most severe first
	Resolved   []Resolved `json:"resolved,omitempty"`   //
	Accepted   []Reported `json:"accepted,omitempty"`   // differences that are wanted; from the command line only
	NotReached []string   `json:"notReached,omitempty"` // <stack>/<logical id> that the deadline left out
	Reverted   *Reverted  `json:"reverted,omitempty"`   // if OnDrift is revert and something was attempted
	Access     *Access    `json:"access,omitempty"`     // of messages about access

	// Changed is the time of the first change that the message reports, and Delay the
	// seconds from then until the message, if AWS reported the change.
	Changed *time.Time `json:"changed,omitempty"`
	Delay   int        `json:"delaySeconds,omitempty"`

	// Omitted counts entries that were left out to fit the maximum size.
	Omitted int `json:"omitted,omitempty"`
}

// Counts are numbers of findings.
type Counts struct {
	Checked         int `json:"checked"` // resources
	Appeared        int `json:"appeared"`
	Changed         int `json:"changed"`
	Reminded        int `json:"reminded"`
	Resolved        int `json:"resolved"`
	ResolvedUnnamed int `json:"resolvedUnnamed,omitempty"` // of Resolved: not listed, their names were not kept
	Accepted        int `json:"accepted,omitempty"`        // differences that are wanted, not in Open
	Open            int `json:"open"`                      // differences, reported in this message or not
	Unreadable      int `json:"unreadable"`
	NotReached      int `json:"notReached"`
}

// Event is why a finding is reported.
type Event string

const (
	Appeared Event = "appeared"
	Changed  Event = "changed"
	Reminder Event = "reminder"
	Found    Event = "found" // by the command line, which keeps no state
)

// Reported is a finding in a message, in words.
type Reported struct {
	ID         string            `json:"id"`
	Stack      string            `json:"stack"`
	LogicalID  string            `json:"logicalId"`
	PhysicalID string            `json:"physicalId"`
	Type       string            `json:"resourceType"`
	Kind       finding.Kind      `json:"kind"`
	Subject    string            `json:"subject,omitempty"`
	Property   string            `json:"property,omitempty"`
	Direction  finding.Direction `json:"direction"`
	Reason     finding.Reason    `json:"reason,omitempty"`
	Expected   string            `json:"expected,omitempty"`
	Actual     string            `json:"actual,omitempty"`
	Details    []string          `json:"details,omitempty"`
	Advice     string            `json:"advice"`
	Command    string            `json:"command,omitempty"`    // that resolves it
	NoCommand  string            `json:"noCommand,omitempty"`  // why there is no command
	Console    string            `json:"console,omitempty"`    // address of the resource in the console
	Acceptance string            `json:"acceptance,omitempty"` // who accepted it, until when and why
	Permission string            `json:"missingPermission,omitempty"`
	Calls      []finding.Call    `json:"calls,omitempty"` // that may have made it, the newest first
	SeenBy     []finding.Source  `json:"seenBy"`
	Hash       string            `json:"hash"`

	Event Event      `json:"event"`
	Since *time.Time `json:"since,omitempty"` // when it was first seen
}

func newReported(f finding.Finding, at remedy.Place, event Event, since *time.Time) Reported {
	text, acceptance := wording.Finding(f), ""
	if f.Acceptance != nil && f.Acceptance.State == finding.InForce {
		acceptance = wording.Acceptance(*f.Acceptance)
	}
	command, without := remedy.Command(f, at)
	return truncate(Reported{
		ID: f.ID, Stack: f.Stack, LogicalID: f.LogicalID, PhysicalID: f.PhysicalID, Type: f.Type,
		Kind: f.Kind, Subject: f.Subject, Property: f.Property, Direction: f.Direction, Reason: f.Reason,
		Expected: text.Expected, Actual: text.Actual, Details: text.Details, Advice: text.Advice,
		Command: command, NoCommand: without, Console: remedy.Console(f, at),
		Acceptance: acceptance, Permission: f.Permission, Calls: f.Calls, SeenBy: f.SeenBy, Hash: f.Hash, Event: event,
		Since: since,
	})
}

// SetDelay sets when the first of the reported changes was made, and how long ago
// that is. It does nothing if no finding says so, or only a reminder does.
func (m *Message) SetDelay(now time.Time) {
	for _, f := range m.Findings {
		if f.Event == Reminder || len(f.Calls) == 0 {
			continue
		}
		// The newest call made the finding; earlier ones may have been reported.
		if at := f.Calls[0].Time.UTC(); m.Changed == nil || at.Before(*m.Changed) {
			m.Changed = &at
		}
	}
	if m.Changed != nil {
		m.Delay = max(0, int(now.Sub(*m.Changed).Seconds()))
	}
}

// Resolved is a finding that no longer exists.
type Resolved struct {
	What      string            `json:"what"`
	Direction finding.Direction `json:"direction"` // that it had
	Since     time.Time         `json:"since"`
}

// Reverted is what a revert did and what it could not do, in words.
type Reverted struct {
	Done   []string `json:"done,omitempty"`
	Failed []string `json:"failed,omitempty"`
}

// NewReverted returns the result of a revert in words. err is why the revert as a
// whole failed, or nil.
func NewReverted(result finding.Reversals, err error) *Reverted {
	var out Reverted
	for _, r := range result.Done {
		out.Done = append(out.Done, wording.Reversal(r))
	}
	for _, r := range result.Failed {
		out.Failed = append(out.Failed, wording.Reversal(r))
	}
	if err != nil {
		out.Failed = append(out.Failed, err.Error())
	}
	return &out
}

// unnamed replaces the name of a resolved finding that the state does not hold.
const unnamed = "a finding whose name was not kept"

// DriftMessage returns the message about a run. reverted is nil if nothing was
// reverted.
func DriftMessage(report finding.Report, diff Diff, reverted *Reverted, now time.Time) Message {
	m := newDriftMessage(report, diff, now)
	m.Reverted = reverted
	at := remedy.NewPlace(report.ParentStackID)
	add := func(event Event, list []Open) {
		for _, o := range list {
			since := o.Since.UTC()
			m.Findings = append(m.Findings, newReported(o.Finding, at, event, &since))
		}
	}
	add(Appeared, diff.Appeared)
	add(Changed, diff.Changed)
	add(Reminder, diff.Reminded)
	sortReported(m.Findings)
	for _, r := range diff.Resolved {
		what := r.Label
		if what == "" {
			what = unnamed
		}
		m.Resolved = append(m.Resolved, Resolved{what, r.Direction, r.Since.UTC()})
	}
	m.Direction = mostSevere(m.Findings)
	m.Subject = driftSubject(m)
	return m
}

// ReportMessage returns a message about every finding of a report, without a
// state.
func ReportMessage(report finding.Report, now time.Time) Message {
	diff, _ := Compare(report, State{}, now, 0)
	m := newDriftMessage(report, Diff{Open: diff.Open}, now)
	at := remedy.NewPlace(report.ParentStackID)
	for _, o := range diff.Open {
		m.Findings = append(m.Findings, newReported(o.Finding, at, Found, nil))
	}
	for _, f := range report.Accepted {
		m.Accepted = append(m.Accepted, newReported(f, at, Found, nil))
	}
	m.Direction = mostSevere(m.Findings)
	m.Subject = driftSubject(m)
	return m
}

func newDriftMessage(report finding.Report, diff Diff, now time.Time) Message {
	m := Message{
		Schema: Schema, Kind: KindDrift, Status: InSync, Profile: report.Profile, Account: report.Account,
		Region: report.Region, Stack: stackName(report.ParentStackID), StackID: report.ParentStackID,
		Time: now.UTC().Truncate(time.Second), NotReached: report.NotReached, NarrowedTo: report.NarrowedTo,
		Counts: &Counts{
			Checked: report.Checked, Appeared: len(diff.Appeared), Changed: len(diff.Changed), Reminded: len(diff.Reminded),
			Resolved: len(diff.Resolved) + diff.ResolvedUnnamed, ResolvedUnnamed: diff.ResolvedUnnamed,
			Accepted: len(report.Accepted), Open: diff.Drifted() + limitedOpen(report, diff),
			Unreadable: diff.Unreadable(), NotReached: len(report.NotReached),
		},
	}
	switch {
	case m.Counts.Open > 0:
		m.Status = Drifted
	case m.Counts.Unreadable+m.Counts.NotReached > 0:
		m.Status = Unknown
	}
	return m
}

// limitedOpen returns the differences of earlier runs that a limited check did not
// check: they are open.
func limitedOpen(report finding.Report, diff Diff) int {
	if report.Scope == nil {
		return 0
	}
	return diff.KeptDrifted
}

// maxSubject is SNS's limit (API reference, Publish: Subject).
const maxSubject = 100

// driftSubject returns the subject: product, direction, how many, where.
func driftSubject(m Message) string {
	c := m.Counts
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{c.Appeared, "new"}, {c.Changed, "changed"}, {c.Reminded, "still open"}, {c.Resolved, "resolved"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	what := strings.Join(parts, ", ")
	switch {
	case what == "" && len(m.Findings) > 0:
		what = wording.Label(m.Direction) + ": " + wording.Count(len(m.Findings), "finding")
	case what == "" && m.Reverted != nil && len(m.Reverted.Done) > 0: // of an earlier notification
		what = fmt.Sprintf("REVERTED: %d", len(m.Reverted.Done))
	case what == "":
		what = "in sync"
	case m.Direction != None:
		what = wording.Label(m.Direction) + ": " + what
	case c.Open > 0:
		what = fmt.Sprintf("RESOLVED: %d, %d open", c.Resolved, c.Open)
	case m.Status == InSync:
		what = fmt.Sprintf("RESOLVED: %d, all in sync", c.Resolved)
	default:
		what = fmt.Sprintf("RESOLVED: %d, not all readable", c.Resolved)
	}
	return subject(what, m.Stack, m.Account, m.Region)
}

// subject joins the parts of a subject. If it is too long the stack's name, which
// may have 128 characters, is truncated.
func subject(what, stack, account, region string) string {
	head, tail := "permstack: "+what+" - ", " ("+account+" "+region+")"
	if room := max(0, maxSubject-len(head)-len(tail)); len(stack) > room {
		stack = stack[:max(0, room-2)] + ".."[:min(2, room)]
	}
	s := printableASCII(head + stack + tail)
	return s[:min(len(s), maxSubject)]
}

// printableASCII replaces what SNS does not accept in a subject.
func printableASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, s)
}
