package faultinjection

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/awsapi/lambdaenv"
	"permstack/internal/drift/driftlambda"
	"permstack/internal/drift/monitor"
	"permstack/internal/installation"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

const (
	alertTopicPrefix = "permstack-alerts-"
	stateParameter   = parentName + "-DriftState"
	rogueStatement   = `{"Effect":"Allow","Action":"*","Resource":"*"}`
)

// alertTopic returns the name of the alert topic, which the policies of the drift check's role contain.
func (p *parent) alertTopic() string {
	return alertTopicPrefix + p.stackID[strings.LastIndexByte(p.stackID, '/')+1:]
}

// createParentStack creates the parent stack as far as the drift check reads it,
// once in an environment.
func (p *parent) createParentStack() error {
	if p.stackID != "" {
		return nil
	}
	ctx := context.Background()
	body := fmt.Sprintf(`{"Resources":{"AlertTopic":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":
		{"Fn::Join":["",[%q,{"Fn::Select":[2,{"Fn::Split":["/",{"Ref":"AWS::StackId"}]}]}]]}}},
		"DriftState":{"Type":"AWS::SSM::Parameter","Properties":{"Name":%q,"Type":"String","Value":%q}}}}`,
		alertTopicPrefix, stateParameter, notify.FirstState)
	name := parentName
	out, err := p.env.cfn.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &body})
	if err != nil {
		return fmt.Errorf("create stack %s: %w", name, err)
	}
	p.stackID = *out.StackId
	if err := p.env.waitForStacks(ctx); err != nil {
		return err
	}
	bound, err := bindTemplate(p.stackID)
	if err != nil {
		return err
	}
	if p.env.checkRole, err = p.env.createRole(bound, "DriftRole"); err != nil {
		return err
	}
	p.env.writes.Add(1)
	have, err := p.env.takeSnapshot(ctx)
	p.thirdParty["topic "+p.alertTopic()] = have["topic "+p.alertTopic()]
	return err
}

// tamper changes the access manually: it adds access, removes access and disables
// an event rule.
func (p *parent) tamper() {
	ctx := context.Background()
	if reply := p.invokeDrift(false); reply != nil {
		p.problemf("the check before the tampering: %v", reply)
	}
	role, err := roleName(oldChoice, "IAMRole")
	if err == nil {
		_, err = p.env.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
			RoleName:       &role,
			PolicyName:     aws.String("Rogue"),
			PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":` + rogueStatement + `}`),
		})
	}
	if err == nil {
		arn := "arn:aws:iam::" + account + ":policy/permstack/" + region + "/" + connection +
			"/" + tamperedPolicy + "-" + region + "-" + connection
		_, err = p.env.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
	}
	if err == nil {
		_, err = p.env.events.DisableRule(ctx,
			&eventbridge.DisableRuleInput{Name: aws.String(tamperedRule + "-" + region + "-" + connection)})
	}
	if err != nil {
		p.problemf("tamper: %v", err)
	}
	p.env.writes.Add(1)
	p.env.access.allowStatement(role, rogueStatement)
	p.earlierMessages = len(p.env.cloud.SNS().Messages(""))
	p.env.clock.Advance(time.Hour)
}

// runDriftChecks invokes the check with a fault, again as Lambda does if it failed,
// and then twice as the schedule does. Whatever failed, every change is reported in
// the end, nothing else is reported, and only a revert changes the account.
func (p *parent) runDriftChecks(revert bool) {
	ctx := context.Background()
	tampered, err := p.env.takeSnapshot(ctx)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	for range 3 { // Lambda invokes it up to twice more
		failed := p.invokeDrift(revert)
		p.env.injector.endEvent()
		if failed == nil {
			break
		}
	}
	p.waitForStacks()
	p.env.injector.repair()
	p.env.injector.arm(false)
	p.runScheduled(revert)
	if revert && p.hasFailedStack() {
		// The stack has a failed status, which every run reports: a person continues
		// the rollback with an update to the same choice.
		p.retried = true
		p.drifted = true
		if r := p.send(cfn.RequestUpdate, p.state, p.state); !r.ok {
			p.problemf("Update, repeated by a person after a failed revert, failed: %s", r.reason)
		}
		p.drifted = false
		p.runScheduled(revert)
	}
	p.checkMessages(revert)
	have, err := p.env.takeSnapshot(ctx)
	if err != nil {
		p.problemf("%v", err)
		return
	}
	if revert {
		p.checkSnapshot("after the revert:", p.state)
		return
	}
	for _, d := range have.diff(tampered) {
		p.problemf("the drift check changed the account: %s", d)
	}
	p.undoTampering()
}

// hasFailedStack reports whether a permission stack has a failed status.
func (p *parent) hasFailedStack() bool {
	stacks, err := p.env.existingStacks(context.Background())
	if err != nil {
		p.problemf("%v", err)
	}
	return slices.ContainsFunc(stacks,
		func(s types.Stack) bool { return strings.HasSuffix(string(s.StackStatus), "_FAILED") })
}

// runScheduled invokes the check twice, as the schedule does.
func (p *parent) runScheduled(revert bool) {
	for n := range 2 {
		p.env.clock.Advance(20 * time.Minute) // longer than the lease of a run
		if err := p.invokeDrift(revert); err != nil {
			p.problemf("run %d after the fault: %v", n+1, err)
		}
	}
	p.waitForStacks()
}

// undoTampering restores manually what tamper changed.
func (p *parent) undoTampering() {
	ctx := context.Background()
	role, err := roleName(oldChoice, "IAMRole")
	if err == nil {
		_, err = p.env.iam.DeleteRolePolicy(ctx,
			&iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: aws.String("Rogue")})
	}
	if err == nil {
		arn := "arn:aws:iam::" + account + ":policy/permstack/" + region + "/" + connection +
			"/" + tamperedPolicy + "-" + region + "-" + connection
		_, err = p.env.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
	}
	if err == nil {
		_, err = p.env.events.EnableRule(ctx,
			&eventbridge.EnableRuleInput{Name: aws.String(tamperedRule + "-" + region + "-" + connection)})
	}
	if err != nil {
		p.problemf("undo the tampering: %v", err)
	}
	p.env.writes.Add(1)
}

// messages returns the messages that were sent to the alert topic since the
// tampering.
func (p *parent) messages() []notify.Message {
	var out []notify.Message
	for _, m := range p.env.cloud.SNS().Messages("")[p.earlierMessages:] {
		var forms map[string]string
		var message notify.Message
		err := json.Unmarshal([]byte(m.Body), &forms)
		if err == nil {
			err = json.Unmarshal([]byte(forms["default"]), &message)
		}
		if err != nil {
			p.problemf("a message cannot be decoded: %v", err)
		}
		if strings.Contains(m.Body, secret) {
			p.problemf("a message contains the external id")
		}
		out = append(out, message)
	}
	return out
}

func (p *parent) lastMessage() notify.Message {
	if all := p.messages(); len(all) > 0 {
		return all[len(all)-1]
	}
	return notify.Message{}
}

// checkMessages compares the messages with the tampering: every change must be
// reported, as a finding or, after a revert whose message was lost, as resolved.
func (p *parent) checkMessages(revert bool) {
	reported := map[string]bool{}
	for _, m := range p.messages() {
		for _, f := range m.Findings {
			if f.Direction == finding.Unreadable || f.LogicalID == "" { // a whole stack with an operation in progress
				continue
			}
			reported[f.LogicalID] = true
			if !slices.Contains(tamperedResources, f.LogicalID) {
				p.problemf("reported without a change: %s %s %s", f.LogicalID, f.Kind, f.Subject)
			}
		}
		for _, r := range m.Resolved {
			id, _, _ := strings.Cut(r.What, ":")
			reported[id] = true
		}
	}
	for _, id := range tamperedResources {
		if !reported[id] {
			p.problemf("%s was not reported", id)
		}
	}
	last := p.lastMessage()
	allReverted := last.Reverted != nil && len(last.Reverted.Done) > 0 && len(last.Reverted.Failed) == 0
	switch {
	case !revert && last.Status != notify.Drifted:
		p.problemf("the last message has status %q, although the drift persists", last.Status)
	case revert && last.Status != notify.InSync && !allReverted &&
		!p.env.injector.hasInjected("ssm:PutParameter "): // without the state it is unknown what is resolved
		p.problemf("the last message has status %q, although everything was reverted", last.Status)
	}
}

var tamperedResources = []string{tamperedRole, tamperedRule}

// invokeDrift invokes the drift function once and returns the error that Lambda sees.
func (p *parent) invokeDrift(revert bool) error {
	env := p.env
	i := env.newInvocation()
	defer i.cancel()
	p.requests++
	handle, err := i.driftHandler(p.stackID, revert)
	if err != nil {
		return err
	}
	env.setCurrent(i)
	request := lambdacontext.LambdaContext{AwsRequestID: fmt.Sprintf("run-%d", p.requests)}
	_, err = handle(lambdacontext.NewContext(i.ctx, &request), nil)
	env.setCurrent(nil)
	close(i.finished)
	if i.isKilled() {
		return errKilled
	}
	return err
}

// driftHandler is the deployed drift function with the faults' transport and clock.
func (i *invocation) driftHandler(
	parentStack string,
	revert bool,
) (func(context.Context, json.RawMessage) (monitor.Result, error), error) {
	env := i.env
	parent, err := installation.ParseParent(parentStack)
	if err != nil {
		return nil, err
	}
	driftARN := functionARN("permstack-drift-" + parent.ID[strings.LastIndexByte(parent.ID, '/')+1:])
	cfg := env.cloud.ConfigAsFunction(account, region, env.checkRole, driftARN)
	cfg.HTTPClient = &http.Client{
		Transport: &faultyTransport{
			env:        env,
			caller:     DriftCheck,
			invocation: i,
			next:       cfg.HTTPClient.(*http.Client).Transport,
		},
	}
	cfg.Retryer = func() aws.Retryer { return env.retryer(lambdaenv.Attempts) }
	settings := driftlambda.Settings{
		Parent: parent, TopicARN: "arn:aws:sns:" + region + ":" + account + ":" + alertTopicPrefix +
			parent.ID[strings.LastIndexByte(parent.ID, '/')+1:],
		Parameter: stateParameter, Revert: revert,
	}
	return driftlambda.Handler(settings, cfg, env.log, env.clock.Now, i.sleep), nil
}

// requestTarget returns what a call of the check reads or changes, without parts
// that differ between runs.
func requestTarget(r *http.Request, body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Header.Get("X-Amz-Target") != "" {
		var request struct{ Name, Rule, ResourceARN string }
		_ = json.Unmarshal(body, &request)
		return strings.TrimRight(" "+request.Name+request.Rule+request.ResourceARN, " ")
	}
	var out []string
	for _, name := range []string{
		"StackName", "LogicalResourceId", "RoleName", "PolicyName", "PolicyArn", "VersionId", "InstanceProfileName",
		"TopicArn", "ResourceArn",
	} {
		if v := form.Get(name); v != "" {
			if strings.HasPrefix(v, "arn:aws:cloudformation:") { // with a random part
				v = strings.Split(v, "/")[1]
			}
			out = append(out, arnResource(v))
		}
	}
	return stackUUID.ReplaceAllString(strings.TrimRight(" "+strings.Join(out, " "), " "), "UUID")
}

// stackUUID is the random part of a stack's ID, which the names of the permission stacks contain.
var stackUUID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
