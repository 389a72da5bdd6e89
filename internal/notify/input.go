package notify

import (
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

const (
	// maxPublish is the maximum size of a message with its attributes, in bytes,
	// less a margin (API reference, Publish).
	maxPublish = 256<<10 - 4<<10
	// EmailProtocol is the protocol that gets text.
	EmailProtocol = "email"
	// maxText is the maximum size of an e-mail, in bytes.
	maxText = 64 << 10
)

// Input returns the message as one call of SNS. E-mail gets the text, SMS the
// subject, every other protocol the JSON. What does not fit is omitted from the
// end, the least severe first, and counted in Omitted.
func (m Message) Input(topicARN string) *sns.PublishInput {
	body := m.body()
	for len(body)+m.attributeBytes() > maxPublish && m.shrink() {
		body = m.body()
	}
	attributes := map[string]types.MessageAttributeValue{}
	for name, value := range m.Attributes() {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
	}
	return &sns.PublishInput{
		TopicArn: &topicARN, Subject: &m.Subject, Message: aws.String(string(body)),
		MessageStructure: aws.String("json"), MessageAttributes: attributes,
	}
}

// JSON returns the message in the form of docs/drift-message.schema.json.
func (m Message) JSON() []byte { return marshal(m) }

func (m Message) body() []byte {
	text := m.Text()
	if len(text) > maxText {
		cut := maxText
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "\n… truncated: the JSON form of this message is complete\n"
	}
	return marshal(map[string]string{"default": string(m.JSON()), EmailProtocol: text, "sms": m.Subject})
}

// Attributes returns the message attributes, which subscriptions can filter on.
func (m Message) Attributes() map[string]string {
	out := map[string]string{}
	for name, value := range map[string]string{
		"kind": m.Kind, "status": string(m.Status), "direction": string(m.Direction),
		"profile": m.Profile, "account": m.Account, "region": m.Region, "stack": m.Stack,
	} {
		if value != "" { // SNS refuses empty values
			out[name] = value
		}
	}
	return out
}

func (m Message) attributeBytes() int {
	n := 0
	for name, value := range m.Attributes() {
		n += len(name) + len("String") + len(value)
	}
	return n
}

// shrink omits a tenth of the longest list. It returns false if no list is left.
func (m *Message) shrink() bool {
	cut := func(n int) int { return n - max(1, n/10) }
	drop := func(n int) { m.Omitted += n - cut(n) }
	changes := 0
	if m.Access != nil {
		changes = len(m.Access.Changes)
	}
	switch n := max(len(m.Findings), len(m.Resolved), len(m.NotReached), changes); n {
	case 0:
		if m.Reverted == nil {
			return false
		}
		m.Omitted += len(m.Reverted.Done) + len(m.Reverted.Failed)
		m.Reverted = nil
	case len(m.Findings):
		drop(n)
		m.Findings = m.Findings[:cut(n)]
	case len(m.Resolved):
		drop(n)
		m.Resolved = m.Resolved[:cut(n)]
	case len(m.NotReached):
		drop(n)
		m.NotReached = m.NotReached[:cut(n)]
	default:
		drop(n)
		access := *m.Access
		access.Changes = access.Changes[:cut(n)]
		m.Access = &access
	}
	return true
}
