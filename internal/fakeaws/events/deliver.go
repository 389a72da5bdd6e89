package events

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"permstack/internal/fakeaws/eventpattern"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
	"permstack/internal/fakeaws/sqs"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/servicekeys"
)

// servicePrincipal is EventBridge, as policies name it.
const servicePrincipal = "events.amazonaws.com"

// Targets deliver to the other services. Each evaluates the policy of the
// target. A nil function refuses every delivery.
type Targets struct {
	SNS    func(call resourcepolicy.ServiceCall, message string) error
	SQS    func(call resourcepolicy.ServiceCall, body string, attributes map[string]sqs.Attribute) error
	Lambda func(call resourcepolicy.ServiceCall, payload []byte) error
	// Forward returns an error unless EventBridge may put events on the default bus of
	// the same account in another Region with the target's role.
	Forward func(account, roleARN, busARN string) error
}

// Metrics are the metrics of a rule in the namespace AWS/Events ("Monitoring
// Amazon EventBridge", User Guide), as sums since the rule was created.
type Metrics struct {
	MatchedEvents, Invocations, FailedInvocations, RetryInvocationAttempts int
	InvocationsSentToDLQ, InvocationsFailedToBeSentToDLQ                   int
	// LastError is the reason of the last failed invocation. AWS shows it in the
	// dead-letter queue only.
	LastError string
}

// SetTargets sets the services to which events are delivered.
func (s *Service) SetTargets(t Targets) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets = t
}

// AllowServiceSources lets PutEvents take sources that begin with "aws.", which
// AWS reserves for its services, so that a test or a user of `permstack local`
// can put the event of a service that the embedded AWS does not have.
func (s *Service) AllowServiceSources(allow bool) { s.allowServiceSources.Store(allow) }

// Metrics returns the metrics of a rule by its ARN; they are zero for a rule
// that does not exist.
func (s *Service) Metrics(ruleARN string) Metrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, bus := range s.buses {
		for _, r := range bus {
			if r.arn == ruleARN {
				return r.metrics
			}
		}
	}
	return Metrics{}
}

// WaitDelivered waits until no delivery is queued or in progress.
func (s *Service) WaitDelivered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.working {
		s.idle.Wait()
	}
}

type delivery struct {
	rule            *rule
	target          target
	account, region string
	event           string
	service         *Service // which may forward the event
	queued          time.Time
}

// work delivers what is queued and ends when the queue is empty.
func (s *Service) work() {
	for {
		s.mu.Lock()
		if len(s.pending) == 0 {
			s.working = false
			s.idle.Broadcast()
			s.mu.Unlock()
			return
		}
		d := s.pending[0]
		s.pending = s.pending[1:]
		targets := s.targets
		s.mu.Unlock()
		result := d.deliver(targets, s.clock)
		s.mu.Lock()
		d.rule.count(result, s.clock())
		s.mu.Unlock()
	}
}

// matches reports whether an enabled rule matches an event. Events of CloudTrail
// about calls that only read are left out unless the rule's state includes them
// ("AWS service events delivered via AWS CloudTrail", User Guide); the embedded
// AWS does not emit them.
func (r *rule) matches(event map[string]any) bool {
	return r.state != "DISABLED" && r.filter != nil && eventpattern.Match(r.filter, event)
}

// targetSettings are the members of a target that matter for a delivery.
type targetSettings struct {
	Arn, Input, InputPath string
	InputTransformer      *inputTransformer
	RoleArn               string
	SqsParameters         struct{ MessageGroupId string }
	DeadLetterConfig      struct{ Arn string }
	RetryPolicy           struct {
		MaximumRetryAttempts     *int
		MaximumEventAgeInSeconds *int
	}
}

// settings returns the members of a target, which PutTargets has checked.
func (t target) settings() (out targetSettings) {
	_ = json.Unmarshal(t.raw, &out)
	return out
}

// defaultRetries is MaximumRetryAttempts of a target without a retry policy.
const defaultRetries = 185

func (m Metrics) addTo(sum *Metrics) {
	sum.MatchedEvents += m.MatchedEvents
	sum.Invocations += m.Invocations
	sum.FailedInvocations += m.FailedInvocations
	sum.RetryInvocationAttempts += m.RetryInvocationAttempts
	sum.InvocationsSentToDLQ += m.InvocationsSentToDLQ
	sum.InvocationsFailedToBeSentToDLQ += m.InvocationsFailedToBeSentToDLQ
	if m.LastError != "" {
		sum.LastError = m.LastError
	}
}

// deliver makes one delivery with its retries, and sends an event that cannot be
// delivered to the dead-letter queue. Attempts follow one another at once, where
// EventBridge waits between them.
func (d *delivery) deliver(targets Targets, clock func() time.Time) Metrics {
	settings := d.target.settings()
	origin := servicekeys.Origin{Account: d.account, ARN: d.rule.arn}
	retries := defaultRetries
	if n := settings.RetryPolicy.MaximumRetryAttempts; n != nil {
		retries = *n
	}
	m := Metrics{Invocations: 1}
	condition := ""
	var err error
	for {
		err = d.attempt(targets, settings, origin)
		if err == nil {
			return m
		}
		if !retriable(err) {
			break
		}
		age := settings.RetryPolicy.MaximumEventAgeInSeconds
		if age != nil && clock().Sub(d.queued) > time.Duration(*age)*time.Second {
			condition = "MaximumEventAgeInSeconds"
			break
		}
		if m.RetryInvocationAttempts == retries {
			condition = "MaximumRetryAttempts"
			break
		}
		m.RetryInvocationAttempts++
	}
	failure := protocol.AsError(err)
	m.FailedInvocations, m.LastError = 1, failure.Error()
	if settings.DeadLetterConfig.Arn == "" {
		return m
	}
	text := func(v string) sqs.Attribute { return sqs.Attribute{DataType: "String", StringValue: v} }
	attributes := map[string]sqs.Attribute{
		"RULE_ARN": text(d.rule.arn), "TARGET_ARN": text(settings.Arn),
		"ERROR_CODE": text(deadLetterCode(failure)), "ERROR_MESSAGE": text(failure.Message),
		"RETRY_ATTEMPTS": {DataType: "Number", StringValue: strconv.Itoa(m.RetryInvocationAttempts)},
	}
	if condition != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = text(condition)
	}
	queue := resourcepolicy.ServiceCall{
		Service: servicePrincipal, Action: "sqs:SendMessage", Resource: settings.DeadLetterConfig.Arn, Origin: origin,
	}
	if targets.SQS == nil || targets.SQS(queue, d.event, attributes) != nil {
		m.InvocationsFailedToBeSentToDLQ = 1
		return m
	}
	m.InvocationsSentToDLQ = 1
	return m
}

// deadLetterCode is ERROR_CODE of a message in a dead-letter queue ("Using
// dead-letter queues", User Guide).
func deadLetterCode(e *protocol.Error) string {
	switch {
	case strings.Contains(e.Code, "AccessDenied") || strings.Contains(e.Code, "Authorization"):
		return "NO_PERMISSIONS"
	case strings.Contains(e.Code, "NotFound") || strings.Contains(e.Code, "DoesNotExist"):
		return "NO_RESOURCE"
	case e.HTTPStatus() == 429:
		return "THROTTLING"
	}
	return "SDK_CLIENT_ERROR"
}

// forward puts the event, as it is, on the default bus of the same account in another
// Region ("Sending and receiving events between AWS Regions", User Guide).
func (d *delivery) forward(targets Targets, settings targetSettings) error {
	bus, _ := iampolicy.ParseARN(settings.Arn)
	if bus.Resource != "event-bus/default" || bus.AccountID != d.account || bus.Region == d.region {
		return protocol.NotImplemented("deliveries of events to %s", settings.Arn)
	}
	if err := targets.Forward(d.account, settings.RoleArn, settings.Arn); err != nil {
		return err
	}
	d.service.mu.Lock()
	defer d.service.mu.Unlock()
	d.service.match(d.account, bus.Region, d.event)
	return nil
}

// retriable reports whether EventBridge repeats a delivery: throttling and
// failures of the service, but not missing permissions or resources.
func retriable(err error) bool {
	var e *protocol.Error
	if !errors.As(err, &e) {
		return true
	}
	return e.HTTPStatus() == 429 || e.HTTPStatus() >= 500 && e.Code != "NotImplemented"
}

func (d *delivery) attempt(targets Targets, settings targetSettings, origin servicekeys.Origin) error {
	input, err := d.input(settings)
	if err != nil {
		return err
	}
	call := resourcepolicy.ServiceCall{Service: servicePrincipal, Resource: settings.Arn, Origin: origin}
	arn, _ := iampolicy.ParseARN(settings.Arn)
	switch service := arn.Service; {
	case service == "sns" && targets.SNS != nil:
		call.Action = "sns:Publish"
		return targets.SNS(call, input)
	case service == "sqs" && targets.SQS != nil:
		call.Action, call.MessageGroup = "sqs:SendMessage", settings.SqsParameters.MessageGroupId
		return targets.SQS(call, input, nil)
	case service == "lambda" && targets.Lambda != nil:
		call.Action = "lambda:InvokeFunction"
		return targets.Lambda(call, []byte(input))
	case service == "events" && targets.Forward != nil:
		return d.forward(targets, settings)
	default:
		return protocol.NotImplemented("deliveries of events to %s", settings.Arn)
	}
}
