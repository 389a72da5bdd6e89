// Package sqs is the SQS of the embedded AWS: standard and FIFO queues with attributes,
// policies, tags, visibility timeouts, retention and dead-letter queues. It has
// the JSON protocol, which the AWS SDKs and the AWS CLI use since 2023, and the Query protocol of older ones.
//
// There are no message moves, and messages are not encrypted, but a service that sends to an encrypted queue must be
// allowed to use its key.
package sqs

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
)

// Service is the SQS of all accounts and Regions of one Cloud.
type Service struct {
	clock func() time.Time

	mu      sync.Mutex
	queues  map[string]*queue // by ARN
	arrived chan struct{}     // closed when a message arrives

	encryption Encryption
}

// Encryption returns an error unless a service may use the key that encrypts a queue.
type Encryption func(call resourcepolicy.ServiceCall, keyID string) error

// SetEncryption sets what is asked before a service sends to an encrypted queue; nil allows it.
func (s *Service) SetEncryption(e Encryption) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.encryption = e
}

// New returns an SQS without queues.
func New(clock func() time.Time) *Service {
	return &Service{clock: clock, queues: map[string]*queue{}, arrived: make(chan struct{})}
}

// Definition returns the service for the server to register: for each call its
// handler and the permissions that it requires.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "sqs", Protocol: protocol.JSON, Version: "2012-11-05", TargetPrefix: "AmazonSQS",
		Source:   "internal/fakeaws/sqs/sqs.go",
		OldQuery: &protocol.OldQuery{Namespace: queryNamespace, Body: queryBody, Result: newQueryResult},
		Actions: map[string]protocol.Action{
			"CreateQueue":                  protocol.LockedJSON(&s.mu, s.createQueue, s.onNewQueue),
			"DeleteQueue":                  protocol.LockedJSON(&s.mu, s.deleteQueue, s.onQueue),
			"GetQueueUrl":                  protocol.LockedJSON(&s.mu, s.getQueueURL, s.onNamedQueue),
			"ListQueues":                   protocol.LockedJSON(&s.mu, s.listQueues, protocol.OnAnyResource("sqs:ListQueues")),
			"GetQueueAttributes":           protocol.LockedJSON(&s.mu, s.getQueueAttributes, s.onQueue),
			"SetQueueAttributes":           protocol.LockedJSON(&s.mu, s.setQueueAttributes, s.onQueue),
			"PurgeQueue":                   protocol.LockedJSON(&s.mu, s.purgeQueue, s.onQueue),
			"TagQueue":                     protocol.LockedJSON(&s.mu, s.tagQueue, s.onQueue),
			"UntagQueue":                   protocol.LockedJSON(&s.mu, s.untagQueue, s.onQueue),
			"ListQueueTags":                protocol.LockedJSON(&s.mu, s.listQueueTags, s.onQueue),
			"SendMessage":                  protocol.LockedJSON(&s.mu, s.sendMessage, s.onQueue),
			"ReceiveMessage":               protocol.NewAction(s.receiveMessage, s.onQueue),
			"DeleteMessage":                protocol.LockedJSON(&s.mu, s.deleteMessage, s.onQueue),
			"ChangeMessageVisibility":      protocol.LockedJSON(&s.mu, s.changeMessageVisibility, s.onQueue),
			"SendMessageBatch":             protocol.LockedJSON(&s.mu, s.sendMessageBatch, s.onQueue),
			"DeleteMessageBatch":           protocol.LockedJSON(&s.mu, s.deleteMessageBatch, s.onQueue),
			"ChangeMessageVisibilityBatch": protocol.LockedJSON(&s.mu, s.changeMessageVisibilityBatch, s.onQueue),
			"AddPermission":                protocol.LockedJSON(&s.mu, s.addPermission, s.onQueue),
			"RemovePermission":             protocol.LockedJSON(&s.mu, s.removePermission, s.onQueue),
		},
	}
}

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func invalidValue(format string, args ...any) *protocol.Error {
	return protocol.Errorf("InvalidParameterValue", format, args...)
}

// notFound is the error of a queue that does not exist. Clients that know the
// former Query protocol read its code there.
func notFound() *protocol.Error {
	e := protocol.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	e.QueryCode = "AWS.SimpleQueueService.NonExistentQueue"
	return e
}

// queueURL returns the URL that SQS has for a queue. Requests go to the
// endpoint of the client, whatever the URL.
func queueURL(region, account, name string) string {
	host := "amazonaws.com"
	if protocol.Partition(region) == "aws-cn" {
		host += ".cn"
	}
	return "https://sqs." + region + "." + host + "/" + account + "/" + name
}

// queueARN returns the ARN of the queue with a URL, in the Region of the call.
func queueARN(call *protocol.Call, queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return ""
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) != 2 {
		return ""
	}
	return call.ARN("sqs", call.Region, parts[0], parts[1])
}

// find returns the queue with a URL. A queue of another account is found only if
// its policy allows the call.
func (s *Service) find(call *protocol.Call, url string) (*queue, error) {
	if url == "" {
		return nil, protocol.Errorf("MissingParameter", "The request must contain the parameter QueueUrl.")
	}
	q := s.queues[queueARN(call, url)]
	if q == nil {
		return nil, notFound()
	}
	action := action(call)
	if q.account != call.Account && !resourcepolicy.AllowsCaller(q.attributes["Policy"], call, action, q.arn,
		map[string][]string{
			"aws:PrincipalAccount": {call.Account}, "aws:SecureTransport": {"true"},
		}) {
		return nil, protocol.Errorf("AccessDenied", "User: %s is not authorized to perform: %s on resource: %s because "+
			"no resource-based policy allows the %s action", call.Caller.ARN, action, q.arn, action).
			WithStatus(http.StatusForbidden)
	}
	return q, nil
}
