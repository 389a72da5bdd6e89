package sns

import (
	"encoding/json"
	"strings"
	"time"

	"permstack/internal/fakeaws/eventpattern"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
	"permstack/internal/fakeaws/sqs"
	"permstack/internal/iampolicy/servicekeys"
)

// servicePrincipal is SNS, as policies name it.
const servicePrincipal = "sns.amazonaws.com"

// Targets deliver messages to subscriptions of other services, which evaluate
// the policy of the queue or function. A nil function refuses every delivery.
type Targets struct {
	SQS    func(call resourcepolicy.ServiceCall, body string, attributes map[string]sqs.Attribute) error
	Lambda func(call resourcepolicy.ServiceCall, payload []byte) error
}

// SetTargets sets the services to which messages are delivered.
func (s *Service) SetTargets(t Targets) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets = t
}

// notification is a message as subscriptions receive it ("Parsing message
// formats", SNS Developer Guide). It is not signed.
type notification struct {
	Type, MessageId, TopicArn string
	Subject                   string `json:",omitempty"`
	Message, Timestamp        string
	SignatureVersion          string
	Signature                 string
	SigningCertURL            string                           `json:",omitempty"`
	UnsubscribeURL            string                           `json:",omitempty"`
	MessageAttributes         map[string]notificationAttribute `json:",omitempty"`
}

type notificationAttribute struct{ Type, Value string }

// deliver sends a message to a queue or function; hold s.mu. A delivery that is
// refused goes to the subscription's dead-letter queue, if it has one.
func (s *Service) deliver(t *topic, sub *subscription, m Message) {
	body := m.Body
	if m.Structure == "json" {
		var byProtocol map[string]string
		_ = json.Unmarshal([]byte(m.Body), &byProtocol) // checked when it was published
		body = byProtocol["default"]
		if own, ok := byProtocol[sub.protocol]; ok {
			body = own
		}
	}
	n := notification{
		Type: "Notification", MessageId: m.ID, TopicArn: t.arn, Subject: m.Subject, Message: body,
		Timestamp: m.Time.UTC().Format("2006-01-02T15:04:05.000Z"), SignatureVersion: "1", Signature: "EXAMPLE",
		SigningCertURL:    "https://sns." + t.region + ".amazonaws.com/SimpleNotificationService-example.pem",
		UnsubscribeURL:    "https://sns." + t.region + ".amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + sub.arn,
		MessageAttributes: map[string]notificationAttribute{},
	}
	raw := map[string]sqs.Attribute{}
	for name, a := range m.Attributes {
		value := a.StringValue
		if value == "" {
			value = a.BinaryValue
		}
		n.MessageAttributes[name] = notificationAttribute{a.DataType, value}
		raw[name] = sqs.Attribute{DataType: a.DataType, StringValue: a.StringValue, BinaryValue: a.BinaryValue}
	}
	call := resourcepolicy.ServiceCall{
		Service: servicePrincipal, Resource: sub.endpoint,
		Origin: servicekeys.Origin{Account: t.account, ARN: t.arn},
	}
	var err error
	text, _ := json.Marshal(n)
	switch {
	case sub.protocol == "sqs" && s.targets.SQS != nil:
		call.Action = "sqs:SendMessage"
		if sub.attributes["RawMessageDelivery"] == "true" {
			err = s.targets.SQS(call, body, raw)
		} else {
			err = s.targets.SQS(call, string(text), nil)
		}
	case sub.protocol == "lambda" && s.targets.Lambda != nil:
		call.Action = "lambda:InvokeFunction"
		event, _ := json.Marshal(map[string]any{"Records": []any{map[string]any{
			"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": sub.arn, "Sns": n,
		}}})
		err = s.targets.Lambda(call, event)
	}
	var redrive struct {
		DeadLetterTargetArn string `json:"deadLetterTargetArn"`
	}
	if err == nil || json.Unmarshal([]byte(sub.attributes["RedrivePolicy"]), &redrive) != nil || s.targets.SQS == nil {
		return
	}
	call.Action, call.Resource = "sqs:SendMessage", redrive.DeadLetterTargetArn
	_ = s.targets.SQS(call, string(text), nil) // refused: the message is lost, as at AWS
}

// passes reports whether the subscription's filter policy lets a message pass.
func (sub *subscription) passes(m Message) bool {
	var policy map[string]any
	if json.Unmarshal([]byte(sub.attributes["FilterPolicy"]), &policy) != nil {
		return true // none
	}
	fields := map[string]any{}
	if sub.attributes["FilterPolicyScope"] == "MessageBody" {
		if json.Unmarshal([]byte(m.Body), &fields) != nil {
			return false
		}
		return eventpattern.Match(policy, fields)
	}
	for name, a := range m.Attributes {
		var value any = a.StringValue
		if strings.HasPrefix(a.DataType, "Number") || a.DataType == "String.Array" {
			_ = json.Unmarshal([]byte(a.StringValue), &value) // stays text if it is not JSON
		}
		fields[name] = value
	}
	return eventpattern.Match(policy, fields)
}

// pendingFor is how long a subscription waits for its confirmation before SNS
// deletes it (Subscribe, API reference: the token is valid for two days).
const pendingFor = 48 * time.Hour

// expire deletes the subscriptions that were not confirmed in time; hold s.mu.
func (s *Service) expire() {
	for arn, sub := range s.subs {
		if sub.pending && s.clock().Sub(sub.created) >= pendingFor {
			delete(s.subs, arn)
		}
	}
}

// settableOnSubscription are the attributes that SetSubscriptionAttributes accepts.
var settableOnSubscription = map[string]bool{
	"DeliveryPolicy": true, "FilterPolicy": true, "FilterPolicyScope": true, "RawMessageDelivery": true,
	"RedrivePolicy": true, "SubscriptionRoleArn": true,
}

func checkSubscriptionAttribute(name, value string) error {
	switch {
	case !settableOnSubscription[name]:
		return invalid("AttributeName")
	case value == "":
		return nil
	case name == "RawMessageDelivery" && value != "true" && value != "false":
		return invalid("Attributes Reason: RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
	case name == "FilterPolicyScope" && value != "MessageAttributes" && value != "MessageBody":
		return invalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", value)
	case name == "FilterPolicy" || name == "RedrivePolicy" || name == "DeliveryPolicy":
		var object map[string]any
		if json.Unmarshal([]byte(value), &object) != nil {
			return invalid("%s: failed to parse JSON.", name)
		}
	}
	return nil
}

func (s *Service) setSubscriptionAttributes(call *protocol.Call) (any, error) {
	sub, err := s.findSubscription(call)
	if err != nil {
		return nil, err
	}
	name, value := call.Str("AttributeName"), call.Str("AttributeValue")
	if err := checkSubscriptionAttribute(name, value); err != nil {
		return nil, err
	}
	if value == "" {
		delete(sub.attributes, name)
		return nil, nil
	}
	sub.attributes[name] = value
	return nil, nil
}
