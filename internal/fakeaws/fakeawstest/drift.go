package fakeawstest

import (
	"encoding/json"
	"strings"

	"permstack/internal/drift/monitor"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/lambdaruntime"
	"permstack/internal/installation"
	"permstack/internal/notify"
)

// Message is a message of the alert topic.
type Message struct {
	notify.Message
	Email string // the text for subscribers of protocol email
}

// Invoke invokes a function of the stack, which failed if FunctionError is set.
func (s *Stack) Invoke(logicalID, payload string) lambdaruntime.Result {
	s.t.Helper()
	function := lambda.Resolve(s.ID, s.Region, s.PhysicalID(logicalID))
	result, err := s.Functions.Invoke(s.t.Context(), function, []byte(payload))
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

// CheckDrift runs the drift check and returns its result.
func (s *Stack) CheckDrift() monitor.Result {
	s.t.Helper()
	result := s.Invoke("Drift", `{"source":"aws.events"}`)
	if result.FunctionError != "" {
		s.t.Fatalf("drift check of stack %s: %s\n%s", s.Name, result.Payload, s.Log)
	}
	var out monitor.Result
	if err := json.Unmarshal(result.Payload, &out); err != nil {
		s.t.Fatalf("drift check of stack %s: %v: %s", s.Name, err, result.Payload)
	}
	return out
}

// Messages returns what was published to the alert topic since the last call.
func (s *Stack) Messages() []Message {
	s.t.Helper()
	all := s.AWS.SNS().Messages(installation.Output(s.Outputs, "AlertTopicArn"))
	var out []Message
	for _, m := range all[*s.read:] {
		var byProtocol map[string]string
		if err := json.Unmarshal([]byte(m.Body), &byProtocol); err != nil {
			s.t.Fatalf("message %q: %v: %s", m.Subject, err, m.Body)
		}
		message := Message{Email: byProtocol["email"]}
		if err := json.Unmarshal([]byte(byProtocol["default"]), &message.Message); err != nil {
			s.t.Fatalf("message %q: %v: %s", m.Subject, err, byProtocol["default"])
		}
		if message.Subject != m.Subject || m.Attributes["status"].StringValue != string(message.Status) ||
			m.Attributes["direction"].StringValue != string(message.Direction) {
			s.t.Errorf("subject and attributes differ from the message: %+v", m)
		}
		out = append(out, message)
	}
	*s.read = len(all)
	return out
}

// RequireMessages runs the drift check and requires messages with exactly these
// subjects, without the prefix "permstack: " and without the part from " - " on.
func (s *Stack) RequireMessages(subjects ...string) []Message {
	s.t.Helper()
	s.CheckDrift()
	messages := s.Messages()
	var got, texts []string
	for _, m := range messages {
		subject, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, "permstack: "), " - ")
		got, texts = append(got, subject), append(texts, m.Email)
	}
	if strings.Join(got, "; ") != strings.Join(subjects, "; ") {
		s.t.Errorf("got messages %q, want %q\n%s", got, subjects, strings.Join(texts, "\n"))
	}
	return messages
}
