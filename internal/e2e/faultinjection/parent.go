package faultinjection

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// signature is part of the response URL; it must not appear in a log.
const signature = "s1gnatur3-of-the-response-url"

// logicalID is the logical id of the custom resource.
const logicalID = "PermissionStack"

// parent is the stack that contains the custom resource, and CloudFormation as far
// as it handles that resource (CloudFormation User Guide, "Custom resources",
// "Custom resource request types").
type parent struct {
	env             *environment
	count           int     // parents so far
	id              string  // StackId
	resource        string  // physical id of the custom resource
	state           *choice // what is deployed; nil: nothing
	requests        int
	stackID         string   // of a parent stack that exists; "" if only its id is needed
	thirdParty      snapshot // resources of third parties
	reported        string   // what was reported to the customer as left behind or conflicting
	leftBehind      bool     // a resource was left behind
	failed          bool     // an event failed
	earlierMessages int      // messages from before the tampering
	drifted         bool     // the account was changed manually, so it differs from the state
	retried         bool     // a person had to repeat an event
	events          [][]byte // sent so far
	problems        []string
}

func (p *parent) problemf(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// eventResult is what CloudFormation learns of an event.
type eventResult struct {
	answered bool
	ok       bool
	reason   string
}

// send sends an event to the function and checks the response against the
// invariants.
func (p *parent) send(kind cfn.RequestType, now, old *choice) eventResult {
	env := p.env
	p.requests++
	url := fmt.Sprintf("%s/responses/%d?X-Amz-Signature=%s", env.responseURL, p.requests, signature)
	requestID := fmt.Sprintf("request-%d", p.requests)
	event := map[string]any{
		"RequestType": kind, "RequestId": requestID, "ResponseURL": url, "ResourceType": "Custom::PermissionStack",
		"LogicalResourceId": logicalID, "StackId": p.id, "ResourceProperties": now.properties(),
	}
	if kind != cfn.RequestCreate {
		event["PhysicalResourceId"] = p.resource
	}
	if old != nil {
		event["OldResourceProperties"] = old.properties()
	}
	payload, err := json.Marshal(event)
	if err != nil {
		p.problemf("%s: %v", kind, err)
		return eventResult{}
	}
	env.injector.takeInjected() // drop those of earlier events
	env.setParentStatus(inProgress(kind))
	killed, err := env.invoke(payload)
	responses := env.inbox.take(url)
	injected := env.injector.takeInjected()
	defer env.setParentStatus(complete(kind))
	p.events = append(p.events, payload)
	undeliverable := env.injector.isInjecting(Response)
	env.injector.endEvent()
	if env.log.leak != "" {
		p.problemf("%s: %s", kind, env.log.leak)
	}

	responses = slices.CompactFunc(responses, func(a, b []byte) bool { return string(a) == string(b) })
	logged := env.log.takeLeftBehind()
	if len(responses) == 0 {
		p.reported += logged // without a response the customer reads the log
		switch {
		case killed, undeliverable:
		default:
			p.problemf("%s: no response (%v)", kind, err)
		}
		if !slices.Contains(injected, KillDuring) { // CloudFormation waits for an hour, or ServiceTimeout
			p.waitForStacks()
		}
		return eventResult{}
	}
	if len(responses) > 1 {
		p.problemf("%s: %d different responses: %q", kind, len(responses), responses)
	}
	r := p.checkResponse(kind, requestID, responses[0], now)
	if slices.Contains(injected, Redelivered) {
		p.redeliver(kind, payload, url, responses)
	}
	return r
}

// launch creates the parent. If the event fails, CloudFormation deletes it again;
// if that fails too, a person deletes the stack again.
func (p *parent) launch(c choice) bool {
	p.count++
	p.id, p.resource = parentID(p.count), ""
	if p.stackID != "" {
		p.id = p.stackID
	}
	if err := p.env.serveParent(p.id); err != nil {
		p.problemf("%v", err)
	}
	r := p.send(cfn.RequestCreate, &c, nil)
	if r.ok {
		p.state = &c
		return true
	}
	if p.resource == "" { // without a response CloudFormation generates an id
		p.resource = fmt.Sprintf("%s-%s-1A2B3C", parentName, logicalID)
	}
	if r := p.send(cfn.RequestDelete, &c, nil); !r.ok {
		p.retryManually(cfn.RequestDelete, &c, nil)
	}
	return false
}

// update updates the parent. If the event fails, CloudFormation sends the old
// properties; if that fails too, a person continues the rollback.
func (p *parent) update(c choice) bool {
	old := *p.state
	if p.send(cfn.RequestUpdate, &c, &old).ok {
		p.state = &c
		return true
	}
	if r := p.send(cfn.RequestUpdate, &old, &c); !r.ok {
		p.retryManually(cfn.RequestUpdate, &old, &c)
	}
	return false
}

// remove deletes the parent. If the event fails, a person deletes it again.
func (p *parent) remove() bool {
	c := *p.state
	if r := p.send(cfn.RequestDelete, &c, nil); !r.ok {
		p.retryManually(cfn.RequestDelete, &c, nil)
	}
	p.state = nil
	return true
}

// retryManually is the person who repeats an event when the cause is removed: it
// must succeed.
func (p *parent) retryManually(kind cfn.RequestType, now, old *choice) {
	p.env.injector.repair()
	p.retried = true
	var r eventResult
	for range 3 { // while resources to delete manually are reported
		reported := p.reported != ""
		p.cleanUpManually()
		if r = p.send(kind, now, old); r.ok || !reported {
			break
		}
	}
	if !r.ok {
		p.problemf("%s, repeated by a person after the cause was removed, failed: %s", kind, r.reason)
	}
}

// createConflictingRole creates a role of a third party.
func (p *parent) createConflictingRole(name string) error {
	_, err := p.env.iam.CreateRole(context.Background(), &iam.CreateRoleInput{
		RoleName:                 &name,
		Path:                     aws.String("/"),
		AssumeRolePolicyDocument: aws.String(denyAllTrust),
	})
	if err != nil {
		return fmt.Errorf("create role %s: %w", name, err)
	}
	p.env.clock.Advance(time.Hour)
	p.env.writes.Add(1)
	p.thirdParty["role /"+name] = emptyRole
	return nil
}

func (p *parent) deleteConflictingRole(name string) error {
	if _, err := p.env.iam.DeleteRole(context.Background(), &iam.DeleteRoleInput{RoleName: &name}); err != nil {
		return fmt.Errorf("delete role %s: %w", name, err)
	}
	p.env.writes.Add(1)
	delete(p.thirdParty, "role /"+name)
	return nil
}
