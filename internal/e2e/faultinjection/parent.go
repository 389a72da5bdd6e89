package faultinjection

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/provisioner"
)

// signature stands in the response URL; it must reach no log.
const signature = "s1gnatur3-of-the-response-url"

// logicalID is the custom resource's.
const logicalID = "PermissionStack"

// parent is the stack that holds the custom resource, and CloudFormation as far
// as it deals with that. (CloudFormation User Guide, "Custom resources",
// "Custom resource request types".)
type parent struct {
	env             *environment
	count           int     // parents so far
	id              string  // StackId
	resource        string  // physical id of the custom resource
	state           *choice // what is deployed; nil: nothing
	requests        int
	stackID         string   // of a parent stack that stands; "" where only its id is needed
	thirdParty      snapshot // what belongs to somebody else
	reported        string   // what the customer was told is left behind, or in the way
	leftBehind      bool     // something was left behind
	failed          bool     // an event failed
	earlierMessages int      // messages that are older than the tampering
	drifted         bool     // somebody changed the account by hand, which no event speaks of
	retried         bool     // a person had to ask again
	events          [][]byte // events
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

// send hands an event to the function and holds the answer against the rules.
func (p *parent) send(kind cfn.RequestType, now, old *choice) eventResult {
	env := p.env
	p.requests++
	url := fmt.Sprintf("%s/answers/%d?X-Amz-Signature=%s", env.responseURL, p.requests, signature)
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
	env.injector.takeInjected() // of this event alone
	env.setParentStatus(inProgress(kind))
	killed, err := env.invoke(payload)
	answers := env.inbox.take(url)
	news := env.injector.takeInjected()
	defer env.setParentStatus(complete(kind))
	p.events = append(p.events, payload)
	undeliverable := env.injector.isInjecting(Response)
	env.injector.endEvent()
	if env.log.leak != "" {
		p.problemf("%s: %s", kind, env.log.leak)
	}

	answers = slices.CompactFunc(answers, func(a, b []byte) bool { return string(a) == string(b) })
	said := env.log.takeLeftBehind()
	if len(answers) == 0 {
		p.reported += said // nobody heard the answer: the customer reads the log
		switch {
		case killed, undeliverable:
		default:
			p.problemf("%s: no answer (%v)", kind, err)
		}
		if !slices.Contains(news, KillDuring) { // CloudFormation waits for an hour, or ServiceTimeout
			p.waitForStacks()
		}
		return eventResult{}
	}
	if len(answers) > 1 {
		p.problemf("%s: %d different answers: %q", kind, len(answers), answers)
	}
	r := p.checkResponse(kind, requestID, answers[0], now)
	if slices.Contains(news, Redelivered) {
		p.redeliver(kind, payload, url, answers)
	}
	return r
}

// redeliver delivers an event a second time before CloudFormation has taken note of
// the first answer.
func (p *parent) redeliver(kind cfn.RequestType, payload []byte, url string, answers [][]byte) {
	killed, err := p.env.invoke(payload)
	switch {
	case killed: // by another fault; nobody waits for its answer
		p.env.inbox.take(url)
		return
	case err != nil:
		p.problemf("%s, delivered again: %v", kind, err)
	}
	if again := p.env.inbox.take(url); len(again) != 1 ||
		responseStatus(again[0]) != responseStatus(answers[0]) && p.env.injector.injectedFaults() == 1 {
		p.problemf("%s, delivered again: answered %q after %q", kind, again, answers)
	}
}

// redeliverEvents delivers every event of the life again when all is over, as Lambda may:
// each is refused, and changes nothing.
func (p *parent) redeliverEvents() {
	ctx := context.Background()
	was, err := p.env.fingerprint(ctx)
	if err != nil {
		p.problemf("%v", err)
	}
	for _, payload := range p.events {
		var e cfn.Event
		if err := json.Unmarshal(payload, &e); err != nil {
			p.problemf("%v", err)
		}
		if _, err := p.env.invoke(payload); err != nil {
			p.problemf("%s, delivered late: %v", e.RequestType, err)
		}
		if answers := p.env.inbox.take(e.ResponseURL); len(answers) != 1 ||
			responseStatus(answers[0]) != string(cfn.StatusFailed) {
			p.problemf("%s, delivered late: answered %q", e.RequestType, answers)
		}
	}
	p.waitForStacks()
	p.env.writes.Add(1) // look anew
	if is, err := p.env.fingerprint(ctx); err != nil || is != was {
		p.problemf("what was delivered late changed the account: %v", err)
	}
	p.events = nil
}

func responseStatus(answer []byte) string {
	var a cfn.Response
	_ = json.Unmarshal(answer, &a)
	return string(a.Status)
}

// checkResponse holds an answer against the protocol and against the account.
func (p *parent) checkResponse(kind cfn.RequestType, requestID string, body []byte, now *choice) eventResult {
	var a cfn.Response
	if err := json.Unmarshal(body, &a); err != nil {
		p.problemf("%s: the answer is no JSON: %s", kind, body)
		return eventResult{}
	}
	switch {
	case len(body) > 4096:
		p.problemf("%s: the answer has %d bytes", kind, len(body))
	case strings.Contains(string(body), secret):
		p.problemf("%s: the answer tells the external id", kind)
	case a.RequestID != requestID, a.StackID != p.id, a.LogicalResourceID != logicalID, a.PhysicalResourceID == "":
		p.problemf("%s: the answer is for something else: %s", kind, body)
	case p.resource != "" && a.PhysicalResourceID != p.resource:
		p.problemf(
			"%s: the physical id became %s, which makes CloudFormation delete %s",
			kind,
			a.PhysicalResourceID,
			p.resource,
		)
	}
	p.resource = a.PhysicalResourceID
	r := eventResult{answered: true, ok: a.Status == cfn.StatusSuccess, reason: a.Reason}
	if !r.ok {
		p.failed = true
		p.reported += " " + a.Reason
	}
	switch {
	case r.ok:
		if kind == cfn.RequestDelete {
			now = nil
		}
		if left, _ := a.Data["LeftBehind"].(string); left != "" && left != "nothing" {
			p.reported += " " + left
		}
		p.checkSnapshot(fmt.Sprintf("%s answered SUCCESS, but", kind), now)
	case a.Reason == "":
		p.problemf("%s: FAILED without a reason", kind)
	case strings.Contains(a.Reason, "Nothing of this installation was left behind"):
		p.checkSnapshot("Create said that nothing was left behind, but", nil)
	}
	return r
}

// checkSnapshot checks that the account holds a choice, and what belongs to others.
func (p *parent) checkSnapshot(when string, c *choice) {
	if p.drifted {
		return
	}
	ctx := context.Background()
	have, err := p.env.takeSnapshot(ctx)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	want := maps.Clone(p.thirdParty)
	if c != nil {
		more, err := c.expectedSnapshot()
		if err != nil {
			p.problemf("%v", err)
			return
		}
		maps.Copy(want, more)
	}
	p.excludeReported(have, want)
	for _, d := range have.diff(want) {
		p.problemf("%s %s", when, d)
	}
	stacks, err := p.env.existingStacks(ctx)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	for _, s := range stacks {
		if *s.StackName == parentName {
			continue
		}
		status := string(s.StackStatus)
		if c == nil ||
			!slices.Contains([]string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}, status) {
			p.problemf("%s stack %s is %s (%s)", when, *s.StackName, status, aws.ToString(s.StackStatusReason))
		}
	}
}

// excludeReported takes from what the account holds the things that CloudFormation
// could not delete and forgot, where the customer was told of each by name and
// where a role among them lets nobody in, unless it was made by an update that
// failed: that has what the new state asks for.
func (p *parent) excludeReported(have, want snapshot) {
	p.readFailedDeletions()
	for name, text := range have {
		thing := name[strings.LastIndexAny(name, " /")+1:]
		if _, wanted := want[name]; wanted || !strings.Contains(p.reported, thing) {
			continue
		}
		p.leftBehind = true
		delete(have, name)
		if strings.HasPrefix(name, "role ") && !p.failed && text != emptyRole {
			p.problemf("%s was left behind and still lets in: %s", name, text)
		}
	}
}

// readFailedDeletions is the customer who was told to look into a stack's events for what is
// leftBehind behind, because the function could not.
func (p *parent) readFailedDeletions() {
	for _, name := range permissionStacks {
		if !strings.Contains(p.reported, "the events of stack "+name) &&
			!strings.Contains(p.reported, provisioner.LogLeftoversUnknown) {
			continue
		}
		events, err := p.env.failedDeletions(context.Background(), name)
		if err != nil {
			p.problemf("%v", err)
		}
		p.reported += " " + events
	}
}

// emptyRole is a role that trusts nobody and holds nothing.
const emptyRole = "trust " + denyAllTrust + " boundary  []"

// normalizeFindings deletes by hand what was left behind.
func (p *parent) cleanUpManually() {
	if p.reported == "" {
		return
	}
	p.readFailedDeletions()
	if err := p.env.cleanUpManually(context.Background(), p.reported, p.thirdParty); err != nil {
		p.problemf("%v", err)
	}
	p.reported = ""
}

// waitUntilStable lets CloudFormation finish what is under way.
func (p *parent) waitForStacks() {
	if err := p.env.waitForStacks(context.Background()); err != nil {
		p.problemf("%v", err)
	}
}

// checkAtRest checks the account when all has been done: exactly the state, no orphan,
// and never any access beside the old and the new.
func (p *parent) checkAtRest(when string) {
	p.waitForStacks()
	p.checkSnapshot(when, p.state)
	p.checkOwnership(when)
	for _, b := range p.env.access.takeViolations() {
		p.problemf("%s: %s", when, b)
	}
}

// checkOwnership checks that everything belongs to a stack, and every stack to the parent.
func (p *parent) checkOwnership(when string) {
	ctx := context.Background()
	stacks, err := p.env.existingStacks(ctx)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	for _, s := range stacks {
		if *s.StackName == parentName {
			continue
		}
		owner := ""
		for _, t := range s.Tags {
			if *t.Key == "permstack:parent" {
				owner = *t.Value
			}
		}
		if owner != p.id || p.state == nil {
			p.problemf("%s: stack %s is %s and its parent is gone", when, *s.StackName, s.StackStatus)
		}
	}
	have, err := p.env.takeSnapshot(ctx)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	owned, err := p.env.ownedResources(ctx, stacks)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	p.excludeReported(have, p.thirdParty)
	for name := range p.thirdParty {
		delete(have, name)
	}
	for _, o := range have.orphans(owned) {
		p.problemf("%s: %s", when, o)
	}
}

// launch creates the parent. Where the event fails, CloudFormation deletes what
// was made; where that fails too, a person deletes the stack again.
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
	if p.resource == "" { // without an answer CloudFormation makes up a name
		p.resource = fmt.Sprintf("%s-%s-1A2B3C", parentName, logicalID)
	}
	if r := p.send(cfn.RequestDelete, &c, nil); !r.ok {
		p.retryManually(cfn.RequestDelete, &c, nil)
	}
	return false
}

// update changes the parent; where the event fails, CloudFormation asks for the
// old properties, and where that fails too, a person has the rollback continued.
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

// deleteStack deletes the parent; where the event fails, a person deletes it again.
func (p *parent) remove() bool {
	c := *p.state
	if r := p.send(cfn.RequestDelete, &c, nil); !r.ok {
		p.retryManually(cfn.RequestDelete, &c, nil)
	}
	p.state = nil
	return true
}

// retryManually is the person's repeat when the cause is mended: it must succeed.
func (p *parent) retryManually(kind cfn.RequestType, now, old *choice) {
	p.env.injector.repair()
	p.retried = true
	var r eventResult
	for range 3 { // as long as they are told of something to delete by hand
		told := p.reported != ""
		p.cleanUpManually()
		if r = p.send(kind, now, old); r.ok || !told {
			break
		}
	}
	if !r.ok {
		p.problemf("%s, asked for again when the cause was mended, failed: %s", kind, r.reason)
	}
}

// createConflictingRole makes a role that is in the way, as somebody else's.
func (p *parent) createConflictingRole(name string) error {
	_, err := p.env.iam.CreateRole(
		context.Background(),
		&iam.CreateRoleInput{
			RoleName:                 &name,
			Path:                     aws.String("/"),
			AssumeRolePolicyDocument: aws.String(denyAllTrust),
		},
	)
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
