package sns

import (
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
)

const (
	// maxMessage is the largest message with its attributes (Publish, API reference).
	maxMessage = 256 << 10
	// maxMessages is how many published messages are kept; older ones are dropped.
	maxMessages = 10_000
)

// Message is one published message.
type Message struct {
	ID         string
	Time       time.Time
	TopicARN   string
	Subject    string
	Body       string
	Structure  string // "json", or empty
	Attributes map[string]Attribute
	// Recipients are the confirmed subscriptions at the time, as
	// protocol:endpoint, "email:a@example.com", whose filter policy lets the
	// message pass.
	Recipients []string
}

// Attribute is a message attribute.
type Attribute struct{ DataType, StringValue, BinaryValue string }

// Messages returns the messages published to a topic, oldest first; an empty ARN
// selects all topics.
func (s *Service) Messages(topicARN string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.sent {
		if topicARN == "" || m.TopicARN == topicARN {
			out = append(out, m)
		}
	}
	return out
}

// DiscardMessages drops the messages published so far.
func (s *Service) DiscardMessages() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = nil
}

// publishTarget returns the parameter that names the topic.
func publishTarget(call *protocol.Call) string {
	if call.Has("TopicArn") {
		return "TopicArn"
	}
	return "TargetArn"
}

func (s *Service) publish(call *protocol.Call) (any, error) {
	parameter := publishTarget(call)
	if !call.Has(parameter) {
		return nil, invalid("TopicArn or TargetArn Reason: no value for required parameter")
	}
	t, err := s.findTopic(call, parameter)
	if err != nil {
		return nil, err
	}
	m := Message{
		Time: s.clock(), TopicARN: t.arn, Subject: call.Str("Subject"), Body: call.Str("Message"),
		Structure: call.Str("MessageStructure"), Attributes: map[string]Attribute{},
	}
	size := len(m.Body)
	for _, a := range call.Structs("MessageAttributes") {
		attribute := Attribute{a.Get("Value.DataType"), a.Get("Value.StringValue"), a.Get("Value.BinaryValue")}
		if a.Get("Name") == "" || attribute.DataType == "" ||
			attribute.StringValue == "" && attribute.BinaryValue == "" {
			return nil, protocol.Errorf(
				"ParameterValueInvalid",
				"The message attribute '%s' must contain non-empty message attribute value.",
				a.Get("Name"),
			)
		}
		m.Attributes[a.Get("Name")] = attribute
		size += len(a.Get("Name")) + len(attribute.DataType) + len(attribute.StringValue) + len(attribute.BinaryValue)
	}
	if err := checkMessage(m, call.Has("Subject"), size); err != nil {
		return nil, err
	}
	return struct{ MessageId string }{s.send(t, m)}, nil
}

// PublishAsService publishes a message as an AWS service does, if the topic's
// policy allows it. The error is the service's, as SNS sends it to that service.
func (s *Service) PublishAsService(call resourcepolicy.ServiceCall, body string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[call.Resource]
	if t == nil {
		return notFound("Topic")
	}
	call.Action = "sns:Publish"
	if err := call.Allow(t.attributes["Policy"]); err != nil {
		return err
	}
	if s.encryption != nil {
		if err := s.encryption(call, t.attributes["KmsMasterKeyId"]); err != nil {
			return err
		}
	}
	m := Message{Time: s.clock(), TopicARN: t.arn, Body: body, Attributes: map[string]Attribute{}}
	if err := checkMessage(m, false, len(body)); err != nil {
		return err
	}
	s.send(t, m)
	return nil
}

// OnSent sets a function that is called with each published message; it must not
// call the service. Nil removes it.
func (s *Service) OnSent(f func(Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onSent = f
}

// send stores a message, delivers it and returns its id; hold s.mu.
func (s *Service) send(t *topic, m Message) string {
	s.expire()
	m.ID = protocol.NewUUID()
	for _, arn := range s.sortedSubs(t.arn) {
		sub := s.subs[arn]
		if sub.pending || !sub.passes(m) {
			continue
		}
		m.Recipients = append(m.Recipients, sub.protocol+":"+sub.endpoint)
		s.deliver(t, sub, m)
	}
	if len(s.sent) >= maxMessages {
		s.sent = slices.Delete(s.sent, 0, 1)
	}
	s.sent = append(s.sent, m)
	if s.onSent != nil {
		s.onSent(m)
	}
	return m.ID
}

func checkMessage(m Message, hasSubject bool, size int) error {
	switch {
	case m.Body == "":
		return invalid("Empty message")
	case size > maxMessage:
		return invalid("Message too long")
	case !utf8.ValidString(m.Body):
		return invalid("Message Reason: it is not UTF-8")
	case hasSubject && !validSubject(m.Subject):
		return invalid("Subject")
	case m.Structure != "" && m.Structure != "json":
		return invalid("MessageStructure")
	case m.Structure == "json":
		var byProtocol map[string]any
		if json.Unmarshal([]byte(m.Body), &byProtocol) != nil {
			return invalid("Message Structure - JSON message body failed to parse")
		}
		if _, ok := byProtocol["default"].(string); !ok {
			return invalid("Message Structure - No default entry in JSON message body")
		}
	}
	return nil
}

// validSubject reports whether a subject is ASCII without line breaks and
// control characters, does not begin with a space, and has at most 100
// characters (Publish, API reference).
func validSubject(s string) bool {
	if s == "" || len(s) > 100 || s[0] == ' ' {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
