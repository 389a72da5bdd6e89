package detect

import (
	"context"
	"slices"
	"strings"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

// compareSubscriptions reports the subscriptions by which messages leave the
// account: of the topic of an inventory stack those that belong neither to a
// principal that the topic's policy allows to subscribe nor to a queue or function
// of the account; of the alert topic those that another account owns or receives.
// Who else subscribes to the alert topic is announced, see Report.Choices.
func (live *liveTopic) compareSubscriptions(m *model, r *resource) []draft {
	allowed := append(m.subscribers(r.physicalID), m.account)
	declared := r.stack.declaredSubscriptions()
	var out []draft
	for _, s := range live.subscriptions {
		owner, endpoint := s.Owner, s.Endpoint
		if slices.Contains(declared, subscriptionName(s.Protocol, endpoint)) {
			if filter := live.filters[s.ARN]; filter != "" {
				name := subscriptionName(s.Protocol, endpoint)
				d := r.liveDraft(finding.TopicChanged, "FilterPolicy", name, finding.Monitoring, finding.None,
					finding.Text(filter))
				d.RemovalID = s.ARN
				out = append(out, d)
			}
			continue // declared
		}
		receiver := iampolicy.AccountInARN(endpoint)
		switch {
		case !slices.Contains(allowed, owner), receiver != "" && !slices.Contains(allowed, receiver):
		case r.stack == m.installation, owner != m.account, receiver != "":
			continue
		}
		name := subscriptionName(s.Protocol, endpoint)
		d := r.liveDraft(finding.SubscriptionAdded, "Subscription", name, finding.GrantsMore, finding.None,
			finding.Text(name+" of account "+owner))
		d.RemovalID = s.ARN
		out = append(out, d)
	}
	return out
}

// readFilters reads the filter policies of the confirmed subscriptions.
func (live *liveTopic) readFilters(ctx context.Context, c *reader) {
	live.filters = map[string]string{}
	for _, s := range live.subscriptions {
		if !strings.HasPrefix(s.ARN, "arn:") {
			continue
		}
		filter, err := c.aws.SubscriptionFilter(ctx, s.ARN)
		switch {
		case awserr.IsNotFound(err): // removed since it was listed
		case err != nil:
			live.subscriptionErrs.add(err, "", "FilterPolicy")
		case filter != "":
			live.filters[s.ARN] = filter
		}
	}
}

func subscriptionName(protocol, endpoint string) string { return protocol + ":" + endpoint }

// subscribers returns the accounts of the principals in the expected policy of a
// topic.
func (m *model) subscribers(topicARN string) []string {
	var out []string
	for _, r := range m.resources {
		if r.typ.owner == nil || !slices.Contains(r.topics(), topicARN) {
			continue
		}
		for _, s := range parseDocument(r.props["PolicyDocument"]).Statement {
			for _, principal := range principals(s.Principal) {
				out = append(out, iampolicy.AccountInARN(principal))
				if len(principal) == 12 {
					out = append(out, principal)
				}
			}
		}
	}
	return slices.DeleteFunc(out, func(account string) bool { return account == "" })
}

// alertSubscribers returns who subscribes to the alert topic, sorted and separated by
// commas. It reports false if the topic was not read.
func (m *model) alertSubscribers() (subscribers string, known bool) {
	var out []string
	for _, r := range m.resources {
		live, ok := r.live.(*liveTopic)
		if !ok || r.stack != m.installation {
			continue
		}
		known = live.subscriptionErrs == nil
		for _, s := range live.subscriptions {
			name := subscriptionName(s.Protocol, s.Endpoint)
			if filter := live.filters[s.ARN]; filter != "" {
				name += " filtered " + digest(filter)[:8]
			}
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ","), known
}

// hasNoSubscriber reports whether nobody receives what the alert topic publishes:
// its subscriptions could be read and none is confirmed. The ARN of one that is not
// confirmed is "PendingConfirmation" (API reference, ListSubscriptionsByTopic).
func (m *model) hasNoSubscriber() bool {
	known := false
	for _, r := range m.resources {
		live, ok := r.live.(*liveTopic)
		if !ok || r.stack != m.installation || live.missing || live.subscriptionErrs != nil {
			continue
		}
		known = true
		for _, s := range live.subscriptions {
			if strings.HasPrefix(s.ARN, "arn:") {
				return false
			}
		}
	}
	return known
}
