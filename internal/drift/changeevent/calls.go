package changeevent

import (
	"cmp"
	"slices"
	"strings"

	"permstack/internal/notify/finding"
)

// maxCalls is the number of calls that NewestCalls returns.
const maxCalls = 5

// CallsFor returns the calls among events that may have made a finding, the newest
// first: those that name its subject, such as the policy that was attached; if there
// is none, those that name its resource.
func CallsFor(f finding.Finding, events []Event) []finding.Call {
	var exact, other []finding.Call
	for _, e := range events {
		if e.Failed || e.Call.Action == "" || !mayHaveMade(e, f) {
			continue
		}
		if f.Subject != "" && isAbout(e, f.Subject) {
			exact = append(exact, e.Call)
			continue
		}
		other = append(other, e.Call)
	}
	if len(exact) == 0 {
		exact = other
	}
	return NewestCalls(exact)
}

// NewestCalls returns the newest calls, each once, at most five.
func NewestCalls(list []finding.Call) []finding.Call {
	slices.SortStableFunc(list, func(a, b finding.Call) int {
		return cmp.Or(b.Time.Compare(a.Time), strings.Compare(b.ID, a.ID))
	})
	list = slices.CompactFunc(list, func(a, b finding.Call) bool { return a.ID == b.ID })
	return list[:min(len(list), maxCalls)]
}

// mayHaveMade reports whether a call names what a finding is about.
func mayHaveMade(e Event, f finding.Finding) bool {
	if e.IsTagging() != (f.Kind == finding.TagsChanged) {
		return false
	}
	switch {
	case f.Kind == finding.ChoiceChanged && f.Subject == finding.SubscribersChoice:
		return slices.Contains(subscriptionCalls, e.Call.Action)
	case f.LogicalID == "":
		return strings.HasPrefix(e.Call.Action, "cloudformation:") && slices.Contains(e.Names, f.Stack) ||
			e.NamesResource(f.PhysicalID) || e.NamesResource(f.Subject)
	}
	return e.NamesResource(f.PhysicalID)
}

var subscriptionCalls = []string{"sns:Subscribe", "sns:ConfirmSubscription", "sns:Unsubscribe", "sns:DeleteTopic"}

// isAbout reports whether a parameter of a call is, or names, a subject.
func isAbout(e Event, subject string) bool {
	for _, value := range e.Parameters {
		if text, ok := value.(string); ok && (text == subject || strings.HasSuffix(subject, " "+text)) {
			return true
		}
	}
	return e.NamesResource(subject)
}

// IsTagging reports whether a call changed tags alone.
func (e Event) IsTagging() bool {
	_, name, _ := strings.Cut(e.Call.Action, ":")
	return strings.HasPrefix(name, "Tag") || strings.HasPrefix(name, "Untag")
}
