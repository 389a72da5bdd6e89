package detect

import (
	"context"
	"slices"
	"sync"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/awsapi/ratelimit"
)

// reader reads through the clients. Each service has its own rate limit.
type reader struct {
	clients        Clients
	cloudformation *ratelimit.Limit
	detections     *ratelimit.Limit // CloudFormation's slowest call, which AWS throttles separately
	aws            *livestate.Reader
	lambda         *ratelimit.Limit
	sqs            *ratelimit.Limit
	kms            *ratelimit.Limit

	policies cache[livePolicy]
	topics   cache[liveTopicAttributes]
}

func newReader(clients Clients, o Options) *reader {
	limit := func() *ratelimit.Limit { return ratelimit.New(o.Concurrency, o.Now, o.Sleep) }
	return &reader{
		clients: clients, cloudformation: limit(), detections: limit(), lambda: limit(), sqs: limit(), kms: limit(),
		aws: &livestate.Reader{
			IAM: clients.IAM, SNS: clients.SNS, Events: clients.Events,
			Limits: livestate.Limits{IAM: limit(), SNS: limit(), Events: limit()},
		},
	}
}

// readLive reads the live state of a resource.
func (c *check) readLive(ctx context.Context, m *model, r *resource) {
	live, errs := r.typ.read(ctx, c.reader, m, r)
	r.live, r.liveDone = live, !errs.timedOut()
}

// cache reads each thing once. The zero value is ready to use.
type cache[T any] struct {
	mu      sync.Mutex
	entries map[string]*entry[T]
}

// entry is a value that is read, or will be once done is closed. Not a sync.Once: a simulated clock (testing/synctest)
// does not advance while a goroutine waits for a mutex.
type entry[T any] struct {
	done  chan struct{}
	value T
}

func (c *cache[T]) get(key string, read func() T) T {
	c.mu.Lock()
	if c.entries == nil {
		c.entries = map[string]*entry[T]{}
	}
	e := c.entries[key]
	first := e == nil
	if first {
		e = &entry[T]{done: make(chan struct{})}
		c.entries[key] = e
	}
	c.mu.Unlock()
	if !first {
		<-e.done
		return e.value
	}
	defer close(e.done)
	e.value = read()
	return e.value
}

// readError is a call that failed, and the properties that it leaves unknown.
type readError struct {
	properties []string
	policy     string // if the property is known but for this policy
	err        error
}

type readErrors []readError

func (e *readErrors) add(err error, policy string, properties ...string) {
	*e = append(*e, readError{properties, policy, err})
}

// unknown reports whether a property could not be read at all.
func (e readErrors) unknown(property string) bool {
	return slices.ContainsFunc(e, func(e readError) bool {
		return e.policy == "" && slices.Contains(e.properties, property)
	})
}

// affect reports whether any part of a property could not be read.
func (e readErrors) affect(property string) bool {
	return slices.ContainsFunc(e, func(e readError) bool { return slices.Contains(e.properties, property) })
}

// timedOut reports whether the context ended a call.
func (e readErrors) timedOut() bool {
	return slices.ContainsFunc(e, func(e readError) bool { return awserr.IsContextDone(e.err) })
}
