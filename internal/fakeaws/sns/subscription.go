package sns

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
)

type subscription struct {
	arn, topic, owner  string
	protocol, endpoint string
	pending            bool // until confirmed
	token              string
	created            time.Time
	attributes         map[string]string
}

var protocols = []string{"http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose"}

// subscribe creates a subscription, or returns the existing one of the same
// protocol and endpoint. E-mail and HTTP subscriptions, and those of queues and
// functions of another account than the caller's, are pending until they are
// confirmed with their token (Confirmations); until then their ARN is not returned unless
// ReturnSubscriptionArn is set. A subscription that is not confirmed within 48
// hours is deleted.
func (s *Service) subscribe(call *protocol.Call) (any, error) {
	t, err := s.findTopic(call, "TopicArn")
	if err != nil {
		return nil, err
	}
	kind, endpoint := call.Str("Protocol"), call.Str("Endpoint")
	if !slices.Contains(protocols, kind) {
		return nil, invalid("Amazon SNS does not support this protocol string: %s", kind)
	}
	if !validEndpoint(kind, endpoint) {
		return nil, invalid(
			"%s endpoint",
			map[string]string{"email": "Email address", "email-json": "Email address", "http": "HTTP(S)",
				"https": "HTTP(S)"}[kind],
		)
	}
	reveal, err := call.Bool("ReturnSubscriptionArn", false)
	if err != nil {
		return nil, err
	}
	attributes := call.Map("Attributes")
	for name, value := range attributes {
		if err := checkSubscriptionAttribute(name, value); err != nil {
			return nil, err
		}
	}
	var sub *subscription
	for _, have := range s.subs {
		if have.topic == t.arn && have.protocol == kind && have.endpoint == endpoint {
			sub = have
		}
	}
	if sub == nil {
		sub = &subscription{
			arn:   t.arn + ":" + protocol.NewUUID(),
			topic: t.arn, owner: call.Account, protocol: kind, endpoint: endpoint, created: s.clock(),
			pending:    strings.HasPrefix(kind, "email") || strings.HasPrefix(kind, "http") || foreign(call, endpoint),
			attributes: attributes,
			token:      strings.ReplaceAll(protocol.NewUUID()+protocol.NewUUID(), "-", ""),
		}
		s.subs[sub.arn] = sub
	}
	arn := sub.arn
	if sub.pending && !reveal {
		arn = "pending confirmation"
	}
	return struct{ SubscriptionArn string }{arn}, nil
}

// foreign reports whether an endpoint is the ARN of another account's resource.
func foreign(call *protocol.Call, endpoint string) bool {
	account := iampolicy.AccountInARN(endpoint)
	return account != "" && account != call.Account
}

func validEndpoint(protocol, endpoint string) bool {
	switch protocol {
	case "email", "email-json":
		at := strings.LastIndexByte(endpoint, '@')
		return at > 0 && at < len(endpoint)-1 && !strings.ContainsAny(endpoint, " \t\r\n")
	case "http", "https":
		return strings.HasPrefix(endpoint, protocol+"://")
	case "sqs", "lambda", "application", "firehose":
		return strings.HasPrefix(endpoint, "arn:")
	}
	return endpoint != ""
}

// confirmSubscription confirms the subscription of a topic that has the token.
func (s *Service) confirmSubscription(call *protocol.Call) (any, error) {
	t, err := s.findTopic(call, "TopicArn")
	if err != nil {
		return nil, err
	}
	for _, arn := range s.sortedSubs(t.arn) {
		if sub := s.subs[arn]; sub.token == call.Str("Token") {
			sub.pending = false
			return struct{ SubscriptionArn string }{sub.arn}, nil
		}
	}
	return nil, invalid("Token")
}

// Confirmation is a subscription that is not confirmed, with the token that AWS
// sends to its endpoint.
type Confirmation struct {
	TopicARN string `json:"topic"`
	Protocol string `json:"protocol"`
	Endpoint string `json:"endpoint"`
	Token    string `json:"token"`
}

// Confirmations returns the subscriptions of a topic that are not confirmed, or of
// all topics if topicARN is "".
func (s *Service) Confirmations(topicARN string) []Confirmation {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	out := []Confirmation{}
	for _, sub := range s.subs {
		if sub.pending && (topicARN == "" || sub.topic == topicARN) {
			out = append(out, Confirmation{sub.topic, sub.protocol, sub.endpoint, sub.token})
		}
	}
	slices.SortFunc(out, func(a, b Confirmation) int {
		return strings.Compare(a.TopicARN+" "+a.Endpoint, b.TopicARN+" "+b.Endpoint)
	})
	return out
}

// findSubscription returns the subscription that a call names.
func (s *Service) findSubscription(call *protocol.Call) (*subscription, error) {
	arn := call.Str("SubscriptionArn")
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[0] != "arn" || parts[2] != "sns" {
		return nil, invalid("SubscriptionArn Reason: An ARN must have at least 7 elements, not %d", len(parts))
	}
	sub := s.subs[arn]
	if sub == nil {
		return nil, notFound("Subscription")
	}
	if t := s.topics[sub.topic]; sub.owner != call.Account && (t == nil || t.account != call.Account) {
		return nil, notFound("Subscription")
	}
	return sub, nil
}

// unsubscribe succeeds for a subscription that does not exist, as at AWS.
func (s *Service) unsubscribe(call *protocol.Call) (any, error) {
	sub, err := s.findSubscription(call)
	if err != nil {
		if protocol.HasCode(err, "NotFound") {
			return nil, nil
		}
		return nil, err
	}
	delete(s.subs, sub.arn)
	return nil, nil
}

func (s *Service) getSubscriptionAttributes(call *protocol.Call) (any, error) {
	sub, err := s.findSubscription(call)
	if err != nil {
		return nil, err
	}
	out := map[string]string{
		"SubscriptionArn": sub.arn, "TopicArn": sub.topic, "Owner": sub.owner, "Protocol": sub.protocol,
		"Endpoint": sub.endpoint,
		"PendingConfirmation": fmt.Sprint(
			sub.pending,
		), "ConfirmationWasAuthenticated": fmt.Sprint(!sub.pending), "RawMessageDelivery": "false",
	}
	for k, v := range sub.attributes {
		out[k] = v
	}
	return struct {
		Attributes []protocol.Entry `xml:"Attributes>entry"`
	}{protocol.Entries(out)}, nil
}

func (s *Service) sortedSubs(topic string) []string {
	var out []string
	for arn, sub := range s.subs {
		if sub.topic == topic {
			out = append(out, arn)
		}
	}
	sort.Strings(out)
	return out
}

type xmlSubscription struct{ SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string }

func (s *Service) subscriptionList(call *protocol.Call, arns []string) (any, error) {
	arns, next, err := paginate(call, arns)
	if err != nil {
		return nil, err
	}
	var out []xmlSubscription
	for _, arn := range arns {
		sub := s.subs[arn]
		if sub.pending {
			arn = "PendingConfirmation"
		}
		out = append(out, xmlSubscription{arn, sub.owner, sub.protocol, sub.endpoint, sub.topic})
	}
	return struct {
		Subscriptions []xmlSubscription `xml:"Subscriptions>member"`
		NextToken     string            `xml:",omitempty"`
	}{out, next}, nil
}

func (s *Service) listSubscriptionsByTopic(call *protocol.Call) (any, error) {
	t, err := s.findTopic(call, "TopicArn")
	if err != nil {
		return nil, err
	}
	return s.subscriptionList(call, s.sortedSubs(t.arn))
}

func (s *Service) listSubscriptions(call *protocol.Call) (any, error) {
	var arns []string
	for _, t := range s.topics {
		if t.account == call.Account && t.region == call.Region {
			arns = append(arns, s.sortedSubs(t.arn)...)
		}
	}
	sort.Strings(arns)
	return s.subscriptionList(call, arns)
}
