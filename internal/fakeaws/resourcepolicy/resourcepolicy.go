// Package resourcepolicy evaluates the policies of topics, queues and functions
// for the embedded AWS, for calls of AWS services and of other accounts.
package resourcepolicy

import (
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/servicekeys"
)

// ServiceCall is a call that an AWS service makes as its service principal. It
// has the condition keys of package servicekeys and no others.
type ServiceCall struct {
	Service  string // "events.amazonaws.com"
	Action   string // "sns:Publish"
	Resource string // ARN of the topic, queue or function
	Origin   servicekeys.Origin
	// MessageGroup is the group of a message to a queue; a FIFO queue requires it.
	MessageGroup string
}

// Allow returns an error unless the policy of the resource allows the call. A
// resource without a policy ("") allows no service.
func (c ServiceCall) Allow(policy string) error {
	doc, err := iampolicy.Parse([]byte(policy))
	if err == nil {
		decision := eval.Documents([]iampolicy.Document{doc}, eval.Request{
			Principal: eval.Principal{Service: c.Service}, Action: c.Action, Resource: c.Resource,
			Context: servicekeys.Context(c.Service, c.Action, c.Origin),
		})
		if decision == eval.Allow {
			return nil
		}
	}
	return protocol.Errorf("AccessDenied", "User: %s is not authorized to perform: %s on resource: %s because no "+
		"resource-based policy allows the %s action", c.Service, c.Action, c.Resource, c.Action).WithStatus(403)
}

// AllowsCaller reports whether the policy of a resource allows the caller of a
// call from another account.
func AllowsCaller(policy string, call *protocol.Call, action, resource string, context map[string][]string) bool {
	doc, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		return false
	}
	return eval.Documents([]iampolicy.Document{doc}, eval.Request{
		Principal: eval.Principal{Account: call.Account, ARN: call.Caller.ARN},
		Action:    action, Resource: resource, Context: context,
	}) == eval.Allow
}
