package sqs

import (
	"encoding/json"
	"slices"

	"permstack/internal/fakeaws/protocol"
)

// request is the part of a call's body on which its permissions depend.
type request struct {
	QueueName, QueueUrl string
	LowerTags           map[string]string `json:"tags"`
	Tags                map[string]string
	TagKeys             []string
}

// onQueue is for actions on the queue that QueueUrl names.
func (s *Service) onQueue(call *protocol.Call) []protocol.Access {
	r := readRequest(call)
	return s.require(call, r, queueARN(call, r.QueueUrl))
}

// onNewQueue is for CreateQueue, which also tags the queue.
func (s *Service) onNewQueue(call *protocol.Call) []protocol.Access {
	r := readRequest(call)
	out := s.require(call, r, call.ARN("sqs", call.Region, call.Account, r.QueueName))
	if len(r.LowerTags) > 0 {
		out = append(out, protocol.Access{Action: "sqs:TagQueue", Resource: out[0].Resource, Context: out[0].Context})
	}
	return out
}

// onNamedQueue is for GetQueueUrl.
func (s *Service) onNamedQueue(call *protocol.Call) []protocol.Access {
	r := readRequest(call)
	return s.require(call, r, call.ARN("sqs", call.Region, call.Account, r.QueueName))
}

// readRequest reads the body; the call itself refuses a body that is not JSON.
func readRequest(call *protocol.Call) request {
	var r request
	_ = json.Unmarshal(call.Body, &r)
	return r
}

// require returns the permission for the call's own action on a queue. A URL
// that names no queue requires the action on every queue.
func (s *Service) require(call *protocol.Call, r request, arn string) []protocol.Access {
	if arn == "" {
		arn = call.ARN("sqs", call.Region, call.Account, "*")
	}
	var have []protocol.Tag
	s.mu.Lock()
	if q := s.queues[arn]; q != nil {
		have = slices.Clone(q.tags)
	}
	s.mu.Unlock()
	context := protocol.TagContext(tagList(r.LowerTags, r.Tags), r.TagKeys, have)
	return []protocol.Access{{Action: action(call), Resource: arn, Context: context}}
}
