package fakeaws

import (
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// maxCalls is the size of the call log; older calls are dropped, their counts
// stay.
const maxCalls = 10_000

// CallRecord is one API call in the log.
type CallRecord struct {
	Time      time.Time
	RequestID string
	Service   string
	Action    string
	Region    string
	Account   string
	CallerARN string
	ErrorCode string // empty for a call that succeeded
}

// Name returns the name of the call in the form of IAM actions:
// "iam:CreateRole".
func (r CallRecord) Name() string { return r.Service + ":" + r.Action }

type callLog struct {
	mu      sync.Mutex
	records []CallRecord
	counts  map[string]int
}

func (l *callLog) add(now time.Time, call *protocol.Call, err error) {
	r := CallRecord{
		Time: now, RequestID: call.RequestID, Service: call.Service, Action: call.Action,
		Region: call.Region, Account: call.Account, CallerARN: call.Caller.ARN,
	}
	if err != nil {
		r.ErrorCode = protocol.AsError(err).Code
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[r.Name()]++
	if len(l.records) >= maxCalls {
		l.records = append(l.records[:0], l.records[maxCalls/2:]...)
	}
	l.records = append(l.records, r)
}

// Calls returns the calls so far, oldest first, refused ones included; at least
// the last 5,000 are kept.
func (c *Cloud) Calls() []CallRecord {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	return append([]CallRecord(nil), c.calls.records...)
}

// CallCount returns how often an action, written "iam:CreateRole", was called.
func (c *Cloud) CallCount(name string) int {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	return c.calls.counts[name]
}

// ResetCalls empties the call log.
func (c *Cloud) ResetCalls() {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	c.calls.records, c.calls.counts = nil, nil
}
