package notify

import (
	"fmt"
	"strings"
	"time"

	"permstack/internal/notify/finding"
)

// Schema names the form of a Message's JSON, docs/drift-message.schema.json. A
// later form that readers of this one would misunderstand gets another number.
const Schema = "permstack.drift/1"

// What a message is about.
const (
	KindDrift  = "drift"  // what is there is not what was deployed, or is again
	KindAccess = "access" // what was deployed is to give other access than before
)

// Status is how things stand after what the message tells.
type Status string

const (
	InSync  Status = "in-sync"
	Drifted Status = "drifted"
	Unknown Status = "unknown" // nothing drifted, but not everything could be looked at

	Granted Status = "granted" // of messages about access
	Altered Status = "changed"
	Removed Status = "removed"
)

// None is the direction of a message that has none.
const None finding.Direction = "none"

// Message is what is sent, and what `permstack drift --format json` prints. It
// holds no secrets: findings are short texts for people and never hold external
// ids.
type Message struct {
	Schema    string            `json:"schema"`
	Kind      string            `json:"kind"`
	Status    Status            `json:"status"`
	Direction finding.Direction `json:"direction"` // the gravest that is news
	Subject   string            `json:"subject"`   // at most 100 printable ASCII characters

	Profile string    `json:"profile"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Stack   string    `json:"stack"` // name of the parent stack
	StackID string    `json:"stackId"`
	Time    time.Time `json:"time"`

	Counts     *Counts    `json:"counts,omitempty"`     // of messages about drift
	Findings   []Reported `json:"findings,omitempty"`   // the gravest first
	Resolved   []Resolved `json:"resolved,omitempty"`   //
	NotReached []string   `json:"notReached,omitempty"` // logical ids that the deadline left out
	Reverted   *Reverted  `json:"reverted,omitempty"`   // where OnDrift is revert and something was tried
	Access     *Access    `json:"access,omitempty"`     // of messages about access

	// Omitted counts entries that were left out for lack of space.
	Omitted int `json:"omitted,omitempty"`
}

// Counts are numbers of findings.
type Counts struct {
	Checked         int `json:"checked"` // resources looked at
	Appeared        int `json:"appeared"`
	Changed         int `json:"changed"`
	Reminded        int `json:"reminded"`
	Resolved        int `json:"resolved"`
	ResolvedUnnamed int `json:"resolvedUnnamed,omitempty"` // of Resolved: not listed, which ones is not known
	Standing        int `json:"standing"`                  // differences, news or not
	Unreadable      int `json:"unreadable"`
	NotReached      int `json:"notReached"`
}

// Novelty is what is new about a finding.
type Novelty string

const (
	Appeared Novelty = "appeared"
	Changed  Novelty = "changed"
	Reminder Novelty = "reminder"
	Found    Novelty = "found" // of a look from the command line, which remembers nothing
)

// Reported is a finding in a message.
type Reported struct {
	finding.Finding
	News  Novelty    `json:"news"`
	Since *time.Time `json:"since,omitempty"` // when it was first seen
}

// Resolved is a finding that is no more.
type Resolved struct {
	What      string            `json:"what"`
	Direction finding.Direction `json:"direction"` // that it had
	Since     time.Time         `json:"since"`
}

// Reverted is what was put right, and what could not be.
type Reverted struct {
	Done   []string `json:"done,omitempty"`
	Failed []string `json:"failed,omitempty"`
}

// nameless stands for a resolved finding whose name the state had no room for.
const nameless = "a finding whose name was not kept"

// DriftMessage words the news of a run.
func DriftMessage(report finding.Report, news News, reverted *Reverted, now time.Time) Message {
	m := driftMessage(report, news, now)
	m.Reverted = reverted
	for novelty, items := range [...][]Item{news.Appeared, news.Changed, news.Reminded} {
		for _, i := range items {
			since := i.Since.UTC()
			m.Findings = append(m.Findings, clamp(Reported{i.Finding, [...]Novelty{Appeared, Changed, Reminder}[novelty], &since}))
		}
	}
	sortReported(m.Findings)
	for _, g := range news.Resolved {
		what := g.Label
		if what == "" {
			what = nameless
		}
		m.Resolved = append(m.Resolved, Resolved{what, g.Direction, g.Since.UTC()})
	}
	m.Direction = gravest(m.Findings)
	m.Subject = driftSubject(m)
	return m
}

// LookMessage words a look that remembers nothing: every finding is told.
func LookMessage(report finding.Report, now time.Time) Message {
	news, _ := Compare(report, State{}, now, 0)
	m := driftMessage(report, News{Standing: news.Standing}, now)
	m.Direction = None
	for _, i := range news.Standing {
		m.Findings = append(m.Findings, Reported{Finding: i.Finding, News: Found})
	}
	if len(m.Findings) > 0 {
		m.Direction = m.Findings[0].Direction
	}
	m.Subject = driftSubject(m)
	return m
}

func driftMessage(report finding.Report, news News, now time.Time) Message {
	m := Message{
		Schema: Schema, Kind: KindDrift, Status: InSync, Profile: report.Profile, Account: report.Account, Region: report.Region,
		Stack: stackName(report.ParentStackID), StackID: report.ParentStackID, Time: now.UTC().Truncate(time.Second),
		NotReached: report.NotReached,
		Counts: &Counts{
			Checked: report.Checked, Appeared: len(news.Appeared), Changed: len(news.Changed), Reminded: len(news.Reminded),
			Resolved: len(news.Resolved) + news.ResolvedUnnamed, ResolvedUnnamed: news.ResolvedUnnamed,
			Standing: news.Drifted(), Unreadable: news.unreadable(), NotReached: len(report.NotReached),
		},
	}
	switch {
	case m.Counts.Standing > 0:
		m.Status = Drifted
	case m.Counts.Unreadable+m.Counts.NotReached > 0:
		m.Status = Unknown
	}
	return m
}

// maxSubject is SNS's limit (Publish, API reference: "Subject").
const maxSubject = 100

// driftSubject says it all: product, direction, how much, where.
func driftSubject(m Message) string {
	c := m.Counts
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{c.Appeared, "new"}, {c.Changed, "changed"}, {c.Reminded, "still there"}, {c.Resolved, "resolved"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	what := strings.Join(parts, ", ")
	switch {
	case what == "" && len(m.Findings) > 0:
		what = subjectLabel(m.Direction) + ": " + count(len(m.Findings), "finding")
	case what == "":
		what = "in sync"
	case m.Direction != None:
		what = subjectLabel(m.Direction) + ": " + what
	case c.Standing > 0:
		what = fmt.Sprintf("RESOLVED: %d, %d left", c.Resolved, c.Standing)
	case m.Status == InSync:
		what = fmt.Sprintf("RESOLVED: %d, all in sync", c.Resolved)
	default:
		what = fmt.Sprintf("RESOLVED: %d, not all readable", c.Resolved)
	}
	return subject(what, m.Stack, m.Account, m.Region)
}

// subject puts a subject together; where it is too long the stack's name, which
// may have 128 characters, is cut.
func subject(what, stack, account, region string) string {
	head, tail := "permstack: "+what+" - ", " ("+account+" "+region+")"
	if room := max(0, maxSubject-len(head)-len(tail)); len(stack) > room {
		stack = stack[:max(0, room-2)] + ".."[:min(2, room)]
	}
	s := ascii(head + stack + tail)
	return s[:min(len(s), maxSubject)]
}
