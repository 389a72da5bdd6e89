// Package sns is the SNS of the embedded AWS: topics with their attributes,
// policies and tags, subscriptions, and the published messages, which Messages
// returns. Messages are delivered to SQS queues and Lambda functions, under
// their policies; e-mail is not sent, but Messages names its recipients.
//
// There is no FIFO ordering, SMS, mobile push, HTTP delivery or batch publishing.
package sns

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
)

// Service is the SNS of all accounts and Regions of one Cloud.
type Service struct {
	clock func() time.Time

	mu     sync.Mutex
	topics map[string]*topic // by ARN, which holds account and Region
	subs   map[string]*subscription
	sent   []Message

	targets Targets
	onSent  func(Message)

	organization func(account string) string // nil without AWS Organizations

	encryption Encryption
}

// Encryption returns an error unless a service may use the key that encrypts a topic.
type Encryption func(call resourcepolicy.ServiceCall, keyID string) error

// SetEncryption sets what is asked before a service publishes to an encrypted topic; nil allows it.
func (s *Service) SetEncryption(e Encryption) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.encryption = e
}

type topic struct {
	arn, name, account, region string
	attributes                 map[string]string // as set; Policy included
	tags                       []protocol.Tag
}

// New returns an SNS without topics.
func New(clock func() time.Time) *Service {
	return &Service{clock: clock, topics: map[string]*topic{}, subs: map[string]*subscription{}}
}

// Definition returns the service for the server to register.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "sns", Protocol: protocol.Query, Version: "2010-03-31",
		Namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
		Source:    "internal/fakeaws/sns/sns.go",
		Actions:   s.actions(),
	}
}

// actions are the calls that this service has: for each its handler and the
// permissions that it requires.
func (s *Service) actions() map[string]protocol.Action {
	locked := func(handle func(*protocol.Call) (any, error), requires protocol.Permissions) protocol.Action {
		return protocol.LockedQuery(&s.mu, func(call *protocol.Call) (any, error) {
			s.expire()
			return handle(call)
		}, requires)
	}
	return map[string]protocol.Action{
		"CreateTopic":               locked(s.createTopic, s.onNewTopic),
		"DeleteTopic":               locked(s.deleteTopic, s.onTopic),
		"GetTopicAttributes":        locked(s.getTopicAttributes, s.onTopic),
		"SetTopicAttributes":        locked(s.setTopicAttributes, s.onTopic),
		"ListTopics":                locked(s.listTopics, protocol.OnAnyResource("sns:ListTopics")),
		"Subscribe":                 locked(s.subscribe, s.onSubscribe),
		"ConfirmSubscription":       locked(s.confirmSubscription, s.onTopic),
		"Unsubscribe":               locked(s.unsubscribe, s.onSubscription),
		"GetSubscriptionAttributes": locked(s.getSubscriptionAttributes, s.onSubscription),
		"SetSubscriptionAttributes": locked(s.setSubscriptionAttributes, s.onSubscription),
		"ListSubscriptions":         locked(s.listSubscriptions, protocol.OnAnyResource("sns:ListSubscriptions")),
		"ListSubscriptionsByTopic":  locked(s.listSubscriptionsByTopic, s.onTopic),
		"AddPermission":             locked(s.addPermission, s.onTopic),
		"RemovePermission":          locked(s.removePermission, s.onTopic),
		"Publish":                   locked(s.publish, s.onPublish),
		"TagResource":               locked(s.tagResource, s.onResource),
		"UntagResource":             locked(s.untagResource, s.onResource),
		"ListTagsForResource":       locked(s.listTagsForResource, s.onResource),
	}
}

func invalid(format string, args ...any) *protocol.Error {
	return protocol.Errorf("InvalidParameter", "Invalid parameter: "+format, args...)
}

func notFound(kind string) *protocol.Error {
	return protocol.Errorf("NotFound", "%s does not exist", kind).WithStatus(http.StatusNotFound)
}

// findTopic returns the topic that a parameter names; it must be in the caller's
// account and Region.
func (s *Service) findTopic(call *protocol.Call, parameter string) (*topic, error) {
	arn := call.Str(parameter)
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" {
		return nil, invalid("%s Reason: An ARN must have at least 6 elements, not %d", parameter, len(parts))
	}
	if parts[3] != call.Region {
		return nil, invalid("%s", parameter)
	}
	t := s.topics[arn]
	if t == nil {
		return nil, notFound("Topic")
	}
	if t.account != call.Account && !s.allowsAccount(t, call) {
		return nil, protocol.Errorf("AuthorizationError", "User: %s is not authorized to perform: SNS:%s on "+
			"resource: %s because no resource-based policy allows the SNS:%s action",
			call.Caller.ARN, call.Action, arn, call.Action).
			WithStatus(http.StatusForbidden)
	}
	return t, nil
}

// SetOrganization sets the function that returns the id of an account's
// organization, or "", for the policies of topics.
func (s *Service) SetOrganization(f func(account string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.organization = f
}

// allowsAccount reports whether the topic's policy allows the call of another
// account.
func (s *Service) allowsAccount(t *topic, call *protocol.Call) bool {
	keys := map[string][]string{
		"aws:PrincipalAccount": {call.Account}, "aws:PrincipalArn": {call.Caller.PrincipalARN()},
		"aws:SecureTransport": {"true"},
	}
	if s.organization != nil {
		if id := s.organization(call.Account); id != "" {
			keys["aws:PrincipalOrgID"] = []string{id}
		}
	}
	return resourcepolicy.AllowsCaller(t.attributes["Policy"], call, "sns:"+call.Action, t.arn, keys)
}

// defaultPolicy returns the policy that AWS sets on a new topic.
func defaultPolicy(arn, account string) string {
	return fmt.Sprintf(
		`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",`+
			`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes",`+
			`"SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic",`+
			`"SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"%s",`+
			`"Condition":{"StringEquals":{"AWS:SourceOwner":"%s"}}}]}`,
		arn,
		account,
	)
}

// effectiveDelivery is the EffectiveDeliveryPolicy of a topic with default
// settings.
const effectiveDelivery = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,` +
	`"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,` +
	`"backoffFunction":"linear"},"disableSubscriptionOverrides":false,` +
	`"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`
