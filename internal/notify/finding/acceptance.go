package finding

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Acceptance states that a difference is wanted. It belongs to one form of the
// difference: if the values of the finding change, its hash does, and the finding is
// reported again.
type Acceptance struct {
	ID     string    `json:"id,omitempty"`   // of the finding
	Hash   string    `json:"hash,omitempty"` // of the finding when it was accepted
	Until  time.Time `json:"until,omitzero"` // the last day, 0:00 UTC; zero for a guardrail
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	// State reports whether it is in force.
	State AcceptanceState `json:"state"`
}

// AcceptanceState is whether an acceptance is in force.
type AcceptanceState string

const (
	InForce AcceptanceState = "in-force"
	Ended   AcceptanceState = "ended"
	// Outdated is an acceptance of another form of the difference.
	Outdated AcceptanceState = "outdated"
	// TooLong is an acceptance until later than MaxAcceptance from now, which has no
	// effect.
	TooLong AcceptanceState = "too-long"
)

// MaxAcceptance is the longest time until the end of an acceptance.
const MaxAcceptance = 366 * 24 * time.Hour

// dateFormat is the form of days in acceptances.
const dateFormat = "2006-01-02"

// acceptancePattern is one entry. Neither part may have a semicolon, which separates
// entries.
var acceptancePattern = regexp.MustCompile(
	`^([0-9a-f]{16})/([0-9a-f]{16}) until ([0-9]{4}-[0-9]{2}-[0-9]{2}) by ([^\s;]+): ([^;]+)$`)

// ParseAcceptances parses a list of acceptances. Entries that are not of the form of
// Acceptance.String are ignored: what they were meant to accept is reported.
func ParseAcceptances(list string) []Acceptance {
	var out []Acceptance
	for entry := range strings.SplitSeq(list, ";") {
		m := acceptancePattern.FindStringSubmatch(strings.TrimSpace(entry))
		if m == nil {
			continue
		}
		until, err := time.Parse(dateFormat, m[3])
		if err != nil {
			continue
		}
		out = append(out, Acceptance{ID: m[1], Hash: m[2], Until: until, By: m[4], Reason: m[5]})
	}
	return out
}

// FormatAcceptances returns the list that ParseAcceptances parses.
func FormatAcceptances(list []Acceptance) string {
	entries := make([]string, len(list))
	for i, a := range list {
		entries[i] = a.String()
	}
	return strings.Join(entries, "; ")
}

// String returns "ID/HASH until DATE by WHO: REASON".
func (a Acceptance) String() string {
	return fmt.Sprintf("%s/%s until %s by %s: %s", a.ID, a.Hash, a.Until.Format(dateFormat), a.By, a.Reason)
}

// Day returns the last day of the acceptance; "" for a guardrail.
func (a Acceptance) Day() string {
	if a.Until.IsZero() {
		return ""
	}
	return a.Until.Format(dateFormat)
}

// Acceptable reports whether a finding can be accepted. What could not be read is not
// known, and of an added stack, or one in progress, the contents are not checked: an
// acceptance would hide more than what was seen.
func (f Finding) Acceptable() bool {
	if slices.Contains([]Kind{NotReadable, StackAdded, StackHeld, StackFailed, ChoiceChanged, StateLost}, f.Kind) {
		return false
	}
	return f.Direction != Unreadable && f.Reason != PolicyUnreadable && f.Reason != BoundaryUnreadable
}

// Accept returns the findings that no acceptance covers and those that one does. A
// finding whose acceptance is not in force has it, too, so that this can be reported.
func Accept(findings []Finding, list []Acceptance, now time.Time) (open, accepted []Finding) {
	for _, f := range findings {
		for _, a := range list {
			if a.ID != f.ID || !f.Acceptable() || f.Acceptance != nil && f.Acceptance.State == InForce {
				continue
			}
			a.State = a.state(f, now)
			f.Acceptance = &a
		}
		if f.Acceptance != nil && f.Acceptance.State == InForce {
			accepted = append(accepted, f)
			continue
		}
		open = append(open, f)
	}
	return open, accepted
}

func (a Acceptance) state(f Finding, now time.Time) AcceptanceState {
	switch {
	case !now.Before(a.Until.Add(24 * time.Hour)):
		return Ended
	case a.Until.After(now.Add(MaxAcceptance)):
		return TooLong
	case a.Hash != f.Hash:
		return Outdated
	}
	return InForce
}
