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
)

// signature stands in the response URL; it must reach no log.
const signature = "s1gnatur3-of-the-response-url"

// logicalID is the custom resource's.
const logicalID = "PermissionStack"

// parent is the stack that holds the custom resource, and CloudFormation as far
// as it deals with that. (CloudFormation User Guide, "Custom resources",
// "Custom resource request types".)
type parent struct {
	w        *world
	n        int     // parents so far
	id       string  // StackId
	resource string  // physical id of the custom resource
	state    *choice // what is deployed; nil: nothing
	requests int
	stackID  string   // of a parent stack that stands; "" where only its id is needed
	others   holdings // what belongs to somebody else
	told     string   // what the customer was told is left behind, or in the way
	left     bool     // something was left behind
	failed   bool     // an event failed
	heardOf  int      // messages that are older than the tampering
	drifted  bool     // somebody changed the account by hand, which no event speaks of
	mended   bool     // a person had to ask again
	sent     [][]byte // events
	problems []string
}

func (p *parent) broke(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// reply is what CloudFormation learns of an event.
type reply struct {
	answered bool
	ok       bool
	reason   string
}

// send hands an event to the function and holds the answer against the rules.
func (p *parent) send(kind cfn.RequestType, now, old *choice) reply {
	w := p.w
	p.requests++
	url := fmt.Sprintf("%s/answers/%d?X-Amz-Signature=%s", w.answersTo, p.requests, signature)
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
		p.broke("%s: %v", kind, err)
		return reply{}
	}
	w.tape.news() // of this event alone
	w.wait(inProgress(kind))
	killed, err := w.invoke(payload)
	answers := w.inbox.take(url)
	news := w.tape.news()
	defer w.wait(complete(kind))
	p.sent = append(p.sent, payload)
	undeliverable := w.tape.breaks(Answer)
	w.tape.handled()
	if w.log.told != "" {
		p.broke("%s: %s", kind, w.log.told)
	}

	answers = slices.CompactFunc(answers, func(a, b []byte) bool { return string(a) == string(b) })
	said := w.log.leftBehind()
	if len(answers) == 0 {
		p.told += said // nobody heard the answer: the customer reads the log
		switch {
		case killed, undeliverable:
		default:
			p.broke("%s: no answer (%v)", kind, err)
		}
		if !slices.Contains(news, KillSoon) { // CloudFormation waits for an hour, or ServiceTimeout
			p.settle()
		}
		return reply{}
	}
	if len(answers) > 1 {
		p.broke("%s: %d different answers: %q", kind, len(answers), answers)
	}
	r := p.judge(kind, requestID, answers[0], now)
	if slices.Contains(news, Twice) {
		p.repeat(kind, payload, url, answers)
	}
	return r
}

// repeat delivers an event a second time before CloudFormation has taken note of
// the first answer.
func (p *parent) repeat(kind cfn.RequestType, payload []byte, url string, answers [][]byte) {
	killed, err := p.w.invoke(payload)
	switch {
	case killed: // by another fault; nobody waits for its answer
		p.w.inbox.take(url)
		return
	case err != nil:
		p.broke("%s, delivered again: %v", kind, err)
	}
	if again := p.w.inbox.take(url); len(again) != 1 || status(again[0]) != status(answers[0]) && p.w.tape.struck() == 1 {
		p.broke("%s, delivered again: answered %q after %q", kind, again, answers)
	}
}

// redeliverEvents delivers every event of the life again when all is over, as Lambda may:
// each is refused, and changes nothing.
func (p *parent) redeliverEvents() {
	ctx := context.Background()
	was, err := p.w.digest(ctx)
	if err != nil {
		p.broke("%v", err)
	}
	for _, payload := range p.sent {
		var e cfn.Event
		if err := json.Unmarshal(payload, &e); err != nil {
			p.broke("%v", err)
		}
		if _, err := p.w.invoke(payload); err != nil {
			p.broke("%s, delivered late: %v", e.RequestType, err)
		}
		if answers := p.w.inbox.take(e.ResponseURL); len(answers) != 1 || status(answers[0]) != string(cfn.StatusFailed) {
			p.broke("%s, delivered late: answered %q", e.RequestType, answers)
		}
	}
	p.settle()
	p.w.writes.Add(1) // look anew
	if is, err := p.w.digest(ctx); err != nil || is != was {
		p.broke("what was delivered late changed the account: %v", err)
	}
	p.sent = nil
}

func status(answer []byte) string {
	var a cfn.Response
	_ = json.Unmarshal(answer, &a)
	return string(a.Status)
}

// judge holds an answer against the protocol and against the account.
func (p *parent) judge(kind cfn.RequestType, requestID string, body []byte, now *choice) reply {
	var a cfn.Response
	if err := json.Unmarshal(body, &a); err != nil {
		p.broke("%s: the answer is no JSON: %s", kind, body)
		return reply{}
	}
	switch {
	case len(body) > 4096:
		p.broke("%s: the answer has %d bytes", kind, len(body))
	case strings.Contains(string(body), secret):
		p.broke("%s: the answer tells the external id", kind)
	case a.RequestID != requestID, a.StackID != p.id, a.LogicalResourceID != logicalID, a.PhysicalResourceID == "":
		p.broke("%s: the answer is for something else: %s", kind, body)
	case p.resource != "" && a.PhysicalResourceID != p.resource:
		p.broke("%s: the physical id became %s, which makes CloudFormation delete %s", kind, a.PhysicalResourceID, p.resource)
	}
	p.resource = a.PhysicalResourceID
	r := reply{answered: true, ok: a.Status == cfn.StatusSuccess, reason: a.Reason}
	if !r.ok {
		p.failed = true
		p.told += " " + a.Reason
	}
	switch {
	case r.ok:
		if kind == cfn.RequestDelete {
			now = nil
		}
		if left, _ := a.Data["LeftBehind"].(string); left != "" && left != "nothing" {
			p.told += " " + left
		}
		p.holds(fmt.Sprintf("%s answered SUCCESS, but", kind), now)
	case a.Reason == "":
		p.broke("%s: FAILED without a reason", kind)
	case strings.Contains(a.Reason, "Nothing of this installation was left behind"):
		p.holds("Create said that nothing was left behind, but", nil)
	}
	return r
}

// holds checks that the account holds a choice, and what belongs to others.
func (p *parent) holds(when string, c *choice) {
	if p.drifted {
		return
	}
	ctx := context.Background()
	have, err := p.w.holdings(ctx)
	if err != nil {
		p.broke("%v", err)
		return
	}
	want := maps.Clone(p.others)
	if c != nil {
		more, err := c.wanted()
		if err != nil {
			p.broke("%v", err)
			return
		}
		maps.Copy(want, more)
	}
	p.tolerate(have, want)
	for _, d := range have.differs(want) {
		p.broke("%s %s", when, d)
	}
	stacks, err := p.w.standing(ctx)
	if err != nil {
		p.broke("%v", err)
		return
	}
	for _, s := range stacks {
		if *s.StackName == parentName {
			continue
		}
		status := string(s.StackStatus)
		if c == nil || !slices.Contains([]string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}, status) {
			p.broke("%s stack %s is %s (%s)", when, *s.StackName, status, aws.ToString(s.StackStatusReason))
		}
	}
}

// tolerate takes from what the account holds the things that CloudFormation
// could not delete and forgot, where the customer was told of each by name and
// where a role among them lets nobody in, unless it was made by an update that
// failed: that has what the new state asks for.
func (p *parent) tolerate(have, want holdings) {
	p.lookUp()
	for name, text := range have {
		thing := name[strings.LastIndexAny(name, " /")+1:]
		if _, wanted := want[name]; wanted || !strings.Contains(p.told, thing) {
			continue
		}
		p.left = true
		delete(have, name)
		if strings.HasPrefix(name, "role ") && !p.failed && text != emptied {
			p.broke("%s was left behind and still lets in: %s", name, text)
		}
	}
}

// lookUp is the customer who was told to look into a stack's events for what is
// left behind, because the function could not.
func (p *parent) lookUp() {
	for _, name := range permissionStacks {
		if !strings.Contains(p.told, "the events of stack "+name) && !strings.Contains(p.told, "the events cannot be read\",\"") {
			continue
		}
		events, err := p.w.failedDeletions(context.Background(), name)
		if err != nil {
			p.broke("%v", err)
		}
		p.told += " " + events
	}
}

// emptied is a role that trusts nobody and holds nothing.
const emptied = "trust " + nobody + " boundary  []"

// normalizeFindings deletes by hand what was left behind.
func (p *parent) tidy() {
	if p.told == "" {
		return
	}
	p.lookUp()
	if err := p.w.tidy(context.Background(), p.told, p.others); err != nil {
		p.broke("%v", err)
	}
	p.told = ""
}

// waitUntilStable lets CloudFormation finish what is under way.
func (p *parent) settle() {
	if err := p.w.settle(context.Background()); err != nil {
		p.broke("%v", err)
	}
}

// rest checks the account when all has been done: exactly the state, no orphan,
// and never any access beside the old and the new.
func (p *parent) rest(when string) {
	p.settle()
	p.holds(when, p.state)
	p.owners(when)
	for _, b := range p.w.guard.report() {
		p.broke("%s: %s", when, b)
	}
}

// owners checks that everything belongs to a stack, and every stack to the parent.
func (p *parent) owners(when string) {
	ctx := context.Background()
	stacks, err := p.w.standing(ctx)
	if err != nil {
		p.broke("%v", err)
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
			p.broke("%s: stack %s is %s and its parent is gone", when, *s.StackName, s.StackStatus)
		}
	}
	have, err := p.w.holdings(ctx)
	if err != nil {
		p.broke("%v", err)
		return
	}
	owned, err := p.w.owned(ctx, stacks)
	if err != nil {
		p.broke("%v", err)
		return
	}
	p.tolerate(have, p.others)
	for name := range p.others {
		delete(have, name)
	}
	for _, o := range have.orphans(owned) {
		p.broke("%s: %s", when, o)
	}
}

// launch creates the parent. Where the event fails, CloudFormation deletes what
// was made; where that fails too, a person deletes the stack again.
func (p *parent) launch(c choice) bool {
	p.n++
	p.id, p.resource = parentID(p.n), ""
	if p.stackID != "" {
		p.id = p.stackID
	}
	if err := p.w.serveParent(p.id); err != nil {
		p.broke("%v", err)
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
		p.again(cfn.RequestDelete, &c, nil)
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
		p.again(cfn.RequestUpdate, &old, &c)
	}
	return false
}

// remove deletes the parent; where the event fails, a person deletes it again.
func (p *parent) remove() bool {
	c := *p.state
	if r := p.send(cfn.RequestDelete, &c, nil); !r.ok {
		p.again(cfn.RequestDelete, &c, nil)
	}
	p.state = nil
	return true
}

// again is the person's repeat when the cause is mended: it must succeed.
func (p *parent) again(kind cfn.RequestType, now, old *choice) {
	p.w.tape.mend()
	p.mended = true
	var r reply
	for range 3 { // as long as they are told of something to delete by hand
		told := p.told != ""
		p.tidy()
		if r = p.send(kind, now, old); r.ok || !told {
			break
		}
	}
	if !r.ok {
		p.broke("%s, asked for again when the cause was mended, failed: %s", kind, r.reason)
	}
}

// createConflictingRole makes a role that is in the way, as somebody else's.
func (p *parent) createConflictingRole(name string) error {
	_, err := p.w.iam.CreateRole(context.Background(), &iam.CreateRoleInput{RoleName: &name, Path: aws.String("/"), AssumeRolePolicyDocument: aws.String(nobody)})
	if err != nil {
		return fmt.Errorf("create role %s: %w", name, err)
	}
	p.w.clock.Advance(time.Hour)
	p.w.writes.Add(1)
	p.others["role /"+name] = emptied
	return nil
}

func (p *parent) vacate(name string) error {
	if _, err := p.w.iam.DeleteRole(context.Background(), &iam.DeleteRoleInput{RoleName: &name}); err != nil {
		return fmt.Errorf("delete role %s: %w", name, err)
	}
	p.w.writes.Add(1)
	delete(p.others, "role /"+name)
	return nil
}
