package fakeaws

import (
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/iam"
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
	uses    map[roleAction]iam.Use // the last one of each
}

// roleAction is an action that sessions of a role called.
type roleAction struct{ account, role, service, action string }

// uses returns the last call of each action by the sessions of a role.
func (c *Cloud) uses(account, role string) []iam.Use {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	var out []iam.Use
	for k, u := range c.calls.uses {
		if k.account == account && strings.EqualFold(k.role, role) {
			out = append(out, u)
		}
	}
	return out
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
	if call.Caller.RoleName != "" {
		if l.uses == nil {
			l.uses = map[roleAction]iam.Use{}
		}
		l.uses[roleAction{call.Account, call.Caller.RoleName, call.Service, call.Action}] = iam.Use{
			Service: call.Service, Action: call.Action, Time: now, Region: call.Region,
		}
	}
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

// ResetCalls empties the call log. What IAM reports as last accessed stays.
func (c *Cloud) ResetCalls() {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	c.calls.records, c.calls.counts = nil, nil
}
