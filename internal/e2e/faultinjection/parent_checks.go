package faultinjection

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/provisioner"
)

// redeliver delivers an event a second time before CloudFormation has processed the
// first response.
func (p *parent) redeliver(kind cfn.RequestType, payload []byte, url string, responses [][]byte) {
	killed, err := p.env.invoke(payload)
	switch {
	case killed: // by another fault
		p.env.inbox.take(url)
		return
	case err != nil:
		p.problemf("%s, redelivered: %v", kind, err)
	}
	if again := p.env.inbox.take(url); len(again) != 1 ||
		responseStatus(again[0]) != responseStatus(responses[0]) && p.env.injector.injectedFaults() == 1 {
		p.problemf("%s, redelivered: got response %q after %q", kind, again, responses)
	}
}

// redeliverEvents delivers every event of the scenario again after its end, as
// Lambda may: each must be rejected and change nothing.
func (p *parent) redeliverEvents() {
	ctx := context.Background()
	before, err := p.env.fingerprint(ctx)
	if err != nil {
		p.problemf("%v", err)
	}
	for _, payload := range p.events {
		var e cfn.Event
		if err := json.Unmarshal(payload, &e); err != nil {
			p.problemf("%v", err)
		}
		if _, err := p.env.invoke(payload); err != nil {
			p.problemf("%s, redelivered at the end: %v", e.RequestType, err)
		}
		if responses := p.env.inbox.take(e.ResponseURL); len(responses) != 1 ||
			responseStatus(responses[0]) != string(cfn.StatusFailed) {
			p.problemf("%s, redelivered at the end: got response %q, want FAILED", e.RequestType, responses)
		}
	}
	p.waitForStacks()
	p.env.writes.Add(1) // discard the cached snapshot
	if after, err := p.env.fingerprint(ctx); err != nil || after != before {
		p.problemf("a redelivered event changed the account: %v", err)
	}
	p.events = nil
}

func responseStatus(response []byte) string {
	var a cfn.Response
	_ = json.Unmarshal(response, &a)
	return string(a.Status)
}

// checkResponse checks a response against the protocol and the account.
func (p *parent) checkResponse(kind cfn.RequestType, requestID string, body []byte, now *choice) eventResult {
	var a cfn.Response
	if err := json.Unmarshal(body, &a); err != nil {
		p.problemf("%s: the response is not JSON: %s", kind, body)
		return eventResult{}
	}
	switch {
	case len(body) > 4096:
		p.problemf("%s: the response has %d bytes", kind, len(body))
	case strings.Contains(string(body), secret):
		p.problemf("%s: the response contains the external id", kind)
	case a.RequestID != requestID, a.StackID != p.id, a.LogicalResourceID != logicalID, a.PhysicalResourceID == "":
		p.problemf("%s: the response is for another event: %s", kind, body)
	case p.resource != "" && a.PhysicalResourceID != p.resource:
		p.problemf("%s: the physical id changed to %s, which makes CloudFormation delete %s",
			kind, a.PhysicalResourceID, p.resource)
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
		p.checkSnapshot(fmt.Sprintf("%s returned SUCCESS, but", kind), now)
	case a.Reason == "":
		p.problemf("%s: FAILED without a reason", kind)
	case strings.Contains(a.Reason, "Nothing of this installation was left behind"):
		p.checkSnapshot("Create reported that nothing was left behind, but", nil)
	}
	return r
}

// checkSnapshot checks that the account has exactly what a choice grants, and the
// resources of third parties.
func (p *parent) checkSnapshot(when string, c *choice) {
	if p.drifted {
		return
	}
	ctx := context.Background()
	current, err := p.env.takeSnapshot(ctx)
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
	p.excludeReported(current, want)
	for _, d := range current.diff(want) {
		p.problemf("%s %s", when, d)
	}
	existing, err := p.env.existingStacks(ctx)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	for _, s := range existing {
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

// excludeReported removes from the snapshot the resources that CloudFormation could
// not delete and abandoned, if each was reported to the customer by name. A role
// among them must not trust anyone or have policies, unless a failed update created
// it: that role has what the new state grants.
func (p *parent) excludeReported(current, want snapshot) {
	p.readFailedDeletions()
	for name, text := range current {
		if _, expected := want[name]; expected || !strings.Contains(p.reported, nameInKey(name)) {
			continue
		}
		p.leftBehind = true
		delete(current, name)
		if strings.HasPrefix(name, "role ") && !p.failed && text != strippedRole {
			p.problemf("%s was left behind and is not stripped: %s", name, text)
		}
	}
}

// readFailedDeletions acts for the customer who was instructed to search a stack's events for
// resources that were left behind, because the function could not read them.
func (p *parent) readFailedDeletions() {
	for _, name := range p.env.permissionStacks() {
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

// Texts of roles that trust nobody and have no policies.
const (
	emptyRole    = "trust " + denyAllTrust + " boundary  []"                   // of a third party
	strippedRole = "trust " + denyAllTrust + " boundary " + ceilingARN + " []" // of a removed permission stack
)

// cleanUpManually deletes manually what was reported to be left behind.
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

// waitForStacks lets CloudFormation complete its operations.
func (p *parent) waitForStacks() {
	if err := p.env.waitForStacks(context.Background()); err != nil {
		p.problemf("%v", err)
	}
}

// checkAtRest checks the account after all operations: it has exactly the expected
// state, no orphan, and no role ever had other access than that of the old or the
// new state.
func (p *parent) checkAtRest(when string) {
	p.waitForStacks()
	p.checkSnapshot(when, p.state)
	p.checkOwnership(when)
	for _, b := range p.env.access.takeViolations() {
		p.problemf("%s: %s", when, b)
	}
}

// checkOwnership checks that every resource belongs to a stack, and every stack to
// the parent.
func (p *parent) checkOwnership(when string) {
	ctx := context.Background()
	existing, err := p.env.existingStacks(ctx)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	for _, s := range existing {
		if *s.StackName == parentName {
			continue
		}
		owner := stacks.Tags(&s)[installation.ParentTag]
		if owner != p.id || p.state == nil {
			p.problemf("%s: stack %s is %s, but its parent does not exist", when, *s.StackName, s.StackStatus)
		}
	}
	current, err := p.env.takeSnapshot(ctx)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	owned, err := p.env.ownedResources(ctx, existing)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	p.excludeReported(current, p.thirdParty)
	for name := range p.thirdParty {
		delete(current, name)
	}
	for _, o := range current.orphans(owned) {
		p.problemf("%s: %s", when, o)
	}
}
