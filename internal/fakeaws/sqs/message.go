package sqs

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
)

type message struct {
	id, body, sender string
	attributes       map[string]Attribute
	sent             time.Time
	visible          time.Time // from then on it can be received
	first            time.Time // first receive
	received         int
	receipt          string

	group, deduplication string // of a FIFO queue; a standard queue may have groups, too
	sequence             string // of a FIFO queue
}

// Attribute is a message attribute.
type Attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue string `json:",omitempty"` // base64
}

// Body is a message in a queue, for reading without receiving it.
type Body struct {
	ID, Text   string
	Attributes map[string]Attribute
	Sent       time.Time
}

// Messages returns the messages in a queue, oldest first, those in flight
// included, or nil if there is no such queue.
func (s *Service) Messages(queueARN string) []Body {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[queueARN]
	if q == nil {
		return nil
	}
	s.expire(q)
	var out []Body
	for _, m := range q.messages {
		out = append(out, Body{ID: m.id, Text: m.body, Attributes: maps.Clone(m.attributes), Sent: m.sent})
	}
	return out
}

// SendAsService sends a message as an AWS service does, if the queue's policy
// allows it. The error is the service's, as SQS sends it to that service.
func (s *Service) SendAsService(call resourcepolicy.ServiceCall, body string, attributes map[string]Attribute) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[call.Resource]
	if q == nil {
		return notFound()
	}
	call.Action = "sqs:SendMessage"
	if err := call.Allow(q.attributes["Policy"]); err != nil {
		return err
	}
	if s.encryption != nil {
		if err := s.encryption(call, q.attributes["KmsMasterKeyId"]); err != nil {
			return err
		}
	}
	if n, _ := strconv.Atoi(q.attribute("MaximumMessageSize")); len(body) > n {
		return invalidValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", n)
	}
	m := &message{body: body, sender: call.Service, attributes: attributes}
	if q.isFIFO() {
		_, err := s.sendFIFO(q, m, call.MessageGroup, "")
		return err
	}
	m.group = call.MessageGroup
	s.add(q, m)
	return nil
}

// add appends a message and wakes the callers that wait; hold s.mu.
func (s *Service) add(q *queue, m *message) {
	m.id, m.sent = protocol.NewUUID(), s.clock()
	if m.visible.IsZero() {
		m.visible = m.sent.Add(q.seconds("DelaySeconds"))
	}
	q.messages = append(q.messages, m)
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// expire drops the messages whose retention has ended; hold s.mu.
func (s *Service) expire(q *queue) {
	oldest := s.clock().Add(-q.seconds("MessageRetentionPeriod"))
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.sent.Before(oldest) })
}

type sendInput struct {
	QueueUrl, MessageBody  string
	DelaySeconds           *int
	MessageAttributes      map[string]Attribute
	MessageGroupId         string
	MessageDeduplicationId string
}

type sentMessage struct {
	MessageId, MD5OfMessageBody string
	MD5OfMessageAttributes      string `json:",omitempty"`
	SequenceNumber              string `json:",omitempty"` // of a FIFO queue
}

func (s *Service) sendMessage(call *protocol.Call, in sendInput) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return s.send(q, call.Caller.ARN, in)
}

func (s *Service) send(q *queue, sender string, in sendInput) (sentMessage, error) {
	if in.MessageBody == "" {
		return sentMessage{}, protocol.Errorf("MissingParameter", "The request must contain the parameter MessageBody.")
	}
	size := len(in.MessageBody)
	for name, a := range in.MessageAttributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	if n, _ := strconv.Atoi(q.attribute("MaximumMessageSize")); size > n {
		return sentMessage{}, invalidValue("One or more parameters are invalid. Reason: Message must be shorter than %d "+
			"bytes.", n)
	}
	m := &message{body: in.MessageBody, sender: sender, attributes: in.MessageAttributes}
	if q.isFIFO() {
		if in.DelaySeconds != nil && *in.DelaySeconds != 0 {
			return sentMessage{}, invalidValue("Value %d for parameter DelaySeconds is invalid. Reason: The request include "+
				"parameter that is not valid for this queue type.", *in.DelaySeconds)
		}
		return s.sendFIFO(q, m, in.MessageGroupId, in.MessageDeduplicationId)
	}
	m.group = in.MessageGroupId
	if in.DelaySeconds != nil {
		m.visible = s.clock().Add(time.Duration(*in.DelaySeconds) * time.Second)
	}
	s.add(q, m)
	return sentMessage{
		MessageId: m.id, MD5OfMessageBody: bodyMD5(m.body), MD5OfMessageAttributes: attributesMD5(m.attributes),
	}, nil
}

type receiveInput struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	MessageAttributeNames       []string
	AttributeNames              []string // of SDKs before 2024
	MessageSystemAttributeNames []string
}

type receivedMessage struct {
	MessageId, ReceiptHandle, Body, MD5OfBody string
	MD5OfMessageAttributes                    string               `json:",omitempty"`
	Attributes                                map[string]string    `json:",omitempty"`
	MessageAttributes                         map[string]Attribute `json:",omitempty"`
}

// receiveMessage waits up to WaitTimeSeconds of real time for a message.
func (s *Service) receiveMessage(ctx context.Context, call *protocol.Call) (any, error) {
	var in receiveInput
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	limit := 1
	if in.MaxNumberOfMessages != nil {
		limit = *in.MaxNumberOfMessages
	}
	if limit < 1 || limit > 10 {
		return nil, invalidValue("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and "+
			"10, if provided.", limit)
	}
	var timeout <-chan time.Time
	for {
		s.mu.Lock()
		q, err := s.find(call, in.QueueUrl)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		out := s.receive(q, in, limit)
		wait, arrived := q.seconds("ReceiveMessageWaitTimeSeconds"), s.arrived
		s.mu.Unlock()
		if in.WaitTimeSeconds != nil {
			wait = time.Duration(*in.WaitTimeSeconds) * time.Second
		}
		if len(out) > 0 || wait == 0 {
			return map[string]any{"Messages": out}, nil
		}
		if timeout == nil {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-arrived:
		case <-timeout:
			return map[string]any{"Messages": out}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// receive takes the visible messages, and moves those that were received too
// often to the dead-letter queue; hold s.mu.
func (s *Service) receive(q *queue, in receiveInput, limit int) []receivedMessage {
	s.expire(q)
	now, hidden := s.clock(), q.seconds("VisibilityTimeout")
	if in.VisibilityTimeout != nil {
		hidden = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	var locked map[string]bool
	if q.isFIFO() {
		locked = q.lockedGroups(now)
	}
	target, most, redriven := redrive(q.attributes["RedrivePolicy"])
	out := []receivedMessage{}
	for _, m := range slices.Clone(q.messages) {
		if len(out) == limit {
			break
		}
		if m.visible.After(now) || locked[m.group] {
			continue
		}
		if dead := s.queues[target]; redriven && m.received >= most && dead != nil {
			q.messages = slices.DeleteFunc(q.messages, func(o *message) bool { return o == m })
			dead.messages = append(dead.messages, m)
			m.received, m.receipt = 0, ""
			continue
		}
		m.received++
		if m.received == 1 {
			m.first = now
		}
		m.visible, m.receipt = now.Add(hidden), protocol.NewUUID()
		out = append(out, m.result(in))
	}
	return out
}

func (m *message) result(in receiveInput) receivedMessage {
	r := receivedMessage{MessageId: m.id, ReceiptHandle: m.receipt, Body: m.body, MD5OfBody: bodyMD5(m.body)}
	system := map[string]string{
		"SenderId": m.sender, "SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.received),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	}
	for name, value := range map[string]string{
		"MessageGroupId": m.group, "MessageDeduplicationId": m.deduplication, "SequenceNumber": m.sequence,
	} {
		if value != "" {
			system[name] = value
		}
	}
	for _, name := range slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames) {
		if name == "All" {
			r.Attributes = system
			break
		}
		if v, ok := system[name]; ok {
			if r.Attributes == nil {
				r.Attributes = map[string]string{}
			}
			r.Attributes[name] = v
		}
	}
	for name, a := range m.attributes {
		for _, want := range in.MessageAttributeNames {
			prefix, isPrefix := strings.CutSuffix(want, ".*")
			if want == "All" || want == name || isPrefix && strings.HasPrefix(name, prefix) {
				if r.MessageAttributes == nil {
					r.MessageAttributes = map[string]Attribute{}
				}
				r.MessageAttributes[name] = a
			}
		}
	}
	r.MD5OfMessageAttributes = attributesMD5(r.MessageAttributes)
	return r
}

type byReceipt struct {
	QueueUrl, ReceiptHandle string
	VisibilityTimeout       int
}

func (s *Service) deleteMessage(call *protocol.Call, in byReceipt) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return nil, s.remove(q, in)
}

// remove succeeds for a receipt handle that is no longer valid, as at AWS.
func (s *Service) remove(q *queue, in byReceipt) error {
	if in.ReceiptHandle == "" {
		return protocol.Errorf("MissingParameter", "The request must contain the parameter ReceiptHandle.")
	}
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.receipt == in.ReceiptHandle })
	return nil
}

func (s *Service) changeMessageVisibility(call *protocol.Call, in byReceipt) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return nil, s.changeVisibility(q, in)
}

func (s *Service) changeVisibility(q *queue, in byReceipt) error {
	for _, m := range q.messages {
		if m.receipt == in.ReceiptHandle && m.receipt != "" {
			m.visible = s.clock().Add(time.Duration(in.VisibilityTimeout) * time.Second)
			return nil
		}
	}
	return protocol.Errorf("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
}

func bodyMD5(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// attributesMD5 returns the checksum that SDKs verify ("Calculating the MD5
// message digest for message attributes", SQS Developer Guide), or "" without
// attributes.
func attributesMD5(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	put := func(data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		b = append(b, data...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		put([]byte(name))
		put([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			data, _ := base64.StdEncoding.DecodeString(a.BinaryValue)
			b = append(b, 2)
			put(data)
			continue
		}
		b = append(b, 1)
		put([]byte(a.StringValue))
	}
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
