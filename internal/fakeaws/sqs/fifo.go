package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// fifoSuffix ends the names of FIFO queues.
const fifoSuffix = ".fifo"

// fifoAttributes are the attributes of FIFO queues only.
var fifoAttributes = []string{
	"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit",
}

// fifoDefaults are the attributes of a FIFO queue that sets nothing (CreateQueue, API reference).
var fifoDefaults = map[string]string{
	"FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue",
	"FifoThroughputLimit": "perQueue",
}

// deduplicationInterval is how long a deduplication id is remembered ("Exactly-once processing", SQS Developer Guide).
const deduplicationInterval = 5 * time.Minute

// deduplicated is what SendMessage returned for a deduplication id.
type deduplicated struct {
	sent sentMessage
	at   time.Time
}

func (q *queue) isFIFO() bool { return strings.HasSuffix(q.name, fifoSuffix) }

// checkFIFO requires that a name ends in .fifo if, and only if, the queue is a FIFO queue.
func checkFIFO(name string, attributes map[string]string) error {
	named, declared := strings.HasSuffix(name, fifoSuffix), attributes["FifoQueue"] == "true"
	switch {
	case named && !declared, declared && !named:
		return invalidValue("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, " +
			"must end with .fifo suffix and be 1 to 80 in length.")
	case attributes["FifoQueue"] != "" && !declared:
		return protocol.Errorf("InvalidAttributeName", "Unknown Attribute FifoQueue.")
	}
	for _, k := range fifoAttributes {
		if attributes[k] != "" && !named {
			return protocol.Errorf("InvalidAttributeName", "Unknown Attribute %s.", k)
		}
	}
	return nil
}

func checkFIFOAttribute(name, value string) error {
	allowed := map[string][]string{
		"FifoQueue": {"true"}, "ContentBasedDeduplication": {"true", "false"},
		"DeduplicationScope": {"queue", "messageGroup"}, "FifoThroughputLimit": {"perQueue", "perMessageGroupId"},
	}[name]
	if !slices.Contains(allowed, value) {
		return protocol.Errorf("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
	}
	return nil
}

// sendFIFO adds a message to a FIFO queue, unless one with its deduplication id was sent within the interval; hold
// s.mu. Its group must be named, and its deduplication id, unless the queue derives it from the body (SendMessage, API
// reference).
func (s *Service) sendFIFO(q *queue, m *message, group, id string) (sentMessage, error) {
	if group == "" {
		return sentMessage{}, protocol.Errorf("MissingParameter",
			"The request must contain the parameter MessageGroupId.")
	}
	if id == "" {
		if q.attributes["ContentBasedDeduplication"] != "true" {
			return sentMessage{}, invalidValue("The queue should either have ContentBasedDeduplication enabled or " +
				"MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(m.body))
		id = hex.EncodeToString(sum[:])
	}
	key := id
	if q.attributes["DeduplicationScope"] == "messageGroup" {
		key = group + " " + id
	}
	if was := q.recent[key]; was != nil && s.clock().Sub(was.at) < deduplicationInterval {
		again := was.sent
		again.MD5OfMessageBody, again.MD5OfMessageAttributes = bodyMD5(m.body), attributesMD5(m.attributes)
		return again, nil
	}
	q.sequence++
	m.group, m.deduplication, m.sequence = group, id, fmt.Sprintf("%020d", q.sequence)
	s.add(q, m)
	sent := sentMessage{
		MessageId: m.id, MD5OfMessageBody: bodyMD5(m.body), MD5OfMessageAttributes: attributesMD5(m.attributes),
		SequenceNumber: m.sequence,
	}
	if q.recent == nil {
		q.recent = map[string]*deduplicated{}
	}
	q.recent[key] = &deduplicated{sent, s.clock()}
	return sent, nil
}

// lockedGroups returns the groups of a FIFO queue of which a message is in flight: until that is deleted or visible
// again, no other one of the group is received ("FIFO queue delivery logic", SQS Developer Guide). A batch may
// have several messages of a group, in their order.
func (q *queue) lockedGroups(now time.Time) map[string]bool {
	locked := map[string]bool{}
	for _, m := range q.messages {
		if m.group != "" && m.received > 0 && m.visible.After(now) {
			locked[m.group] = true
		}
	}
	return locked
}
