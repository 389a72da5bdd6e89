package notify

import (
	"slices"
	"time"

	"permstack/internal/notify/finding"
)

// ForHub returns the state for a run that also reports to the Organization's topic, or
// to none if topicARN is "". If earlier runs reported to another topic, or to none, every
// open finding has yet to be sent to this one.
func (s State) ForHub(topicARN string) State {
	hub := ""
	if topicARN != "" {
		hub = stackHash(topicARN)
	}
	if s.Hub == hub {
		return s
	}
	s.Hub, s.Known = hub, slices.Clone(s.Known)
	for i := range s.Known {
		s.Known[i].HubPending = hub != ""
	}
	s.Overflow.HubPending = hub != "" && s.Overflow.Count > 0
	return s
}

// SentToHub returns the state after the Organization's topic accepted the message about
// a run. Findings of earlier runs that this run did not check remain to be sent.
func (s State) SentToHub(diff Diff) State {
	sent := map[[8]byte]bool{}
	for _, o := range diff.Open {
		sent[newKey(o.Finding).ID] = true
	}
	s.Known = slices.Clone(s.Known)
	for i, k := range s.Known {
		s.Known[i].HubPending = k.HubPending && !sent[k.Key.ID]
	}
	return s
}

// ForHub returns what a run has to report to the Organization's topic: also the open
// findings that only the account itself was notified of, as new ones.
func (d Diff) ForHub() Diff {
	d.Appeared = slices.Concat(d.Appeared, d.hubPending)
	d.sort()
	return d
}

// addHubPending adds the open findings of next that the Organization's topic has not
// received and that are not reported otherwise.
func (d *Diff) addHubPending(next State) {
	pending := map[[8]byte]bool{}
	for _, k := range next.Known {
		pending[k.Key.ID] = k.HubPending
	}
	reported := map[[8]byte]bool{}
	for _, o := range slices.Concat(d.Appeared, d.Changed, d.Reminded) {
		reported[newKey(o.Finding).ID] = true
	}
	for _, o := range d.Open {
		if id := newKey(o.Finding).ID; pending[id] && !reported[id] {
			d.hubPending = append(d.hubPending, o)
		}
	}
}

// NewHubMessages returns the message about a run for the account and the one for the
// Organization's topic.
func NewHubMessages(
	report finding.Report, diff Diff, reverted *Reverted, now time.Time,
) (account, hub Message) {
	account, hub = DriftMessage(report, diff, reverted, now), DriftMessage(report, diff.ForHub(), reverted, now)
	account.SetDelay(now)
	hub.SetDelay(now)
	return account, hub
}
