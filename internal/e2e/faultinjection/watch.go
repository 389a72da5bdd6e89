package faultinjection

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
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
	alertTopic     = parentName + "-AlertTopic"
	stateParameter = parentName + "-DriftState"
	rogueStatement = `{"Effect":"Allow","Action":"*","Resource":"*"}`
)

// stand makes the parent stack, as far as the drift check looks at it; once in a
// world.
func (p *parent) stand() error {
	if p.stackID != "" {
		return nil
	}
	ctx := context.Background()
	body := fmt.Sprintf(`{"Resources":{"AlertTopic":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":%q}},
		"DriftState":{"Type":"AWS::SSM::Parameter","Properties":{"Name":%q,"Type":"String","Value":%q}}}}`, alertTopic, stateParameter, notify.FirstState)
	name := parentName
	out, err := p.w.cfn.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &body})
	if err != nil {
		return fmt.Errorf("create stack %s: %w", name, err)
	}
	p.stackID = *out.StackId
	if err := p.w.settle(ctx); err != nil {
		return err
	}
	bound, err := bindTemplate(p.stackID)
	if err != nil {
		return err
	}
	if p.w.checkRole, err = p.w.makeRole(bound, "DriftRole"); err != nil {
		return err
	}
	p.w.writes.Add(1)
	have, err := p.w.holdings(ctx)
	p.others["topic "+alertTopic] = have["topic "+alertTopic]
	return err
}

// tamper changes the access by hand: more of it, less of it, and an event rule
// that is silent. What it makes counts as others' until it is put right.
func (p *parent) tamper() {
	ctx := context.Background()
	if reply := p.check(false); reply != nil {
		p.broke("the first look: %v", reply)
	}
	role, err := roleOf(before, "IAMRole")
	if err == nil {
		_, err = p.w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: aws.String("Rogue"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":` + rogueStatement + `}`)})
	}
	if err == nil {
		arn := "arn:aws:iam::" + account + ":policy/permstack/ClumioS3BackupPolicy-" + region + "-" + connection
		_, err = p.w.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
	}
	if err == nil {
		_, err = p.w.events.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("ClumioS3ApiRule-" + region + "-" + connection)})
	}
	if err != nil {
		p.broke("tamper: %v", err)
	}
	p.w.writes.Add(1)
	p.w.guard.allow(role, rogueStatement)
	p.heardOf = len(p.w.cloud.SNS().Messages(""))
	p.w.clock.Advance(time.Hour)
}

// look lets the check run with a fault, again as Lambda does where it failed, and
// then twice as the schedule does. Whatever broke, everything is told in the end,
// nothing is told that is not so, and nothing but a revert changes the account.
func (p *parent) look(revert bool) {
	ctx := context.Background()
	tampered, err := p.w.holdings(ctx)
	if err != nil {
		p.broke("%v", err)
		return
	}
	for range 3 { // Lambda tries twice more
		failed := p.check(revert)
		p.w.tape.handled()
		if failed == nil {
			break
		}
	}
	p.settle()
	p.w.tape.mend()
	p.w.tape.arm(false)
	p.scheduled(revert)
	if revert && p.stuck() {
		// The stack did not come to rest well, which every run tells: a person has
		// the rollback finished, by the same choice again.
		p.mended = true
		p.drifted = true
		if r := p.send(cfn.RequestUpdate, p.state, p.state); !r.ok {
			p.broke("Update, asked for by a person after a revert that failed, failed: %s", r.reason)
		}
		p.drifted = false
		p.scheduled(revert)
	}
	p.heard(revert)
	have, err := p.w.holdings(ctx)
	if err != nil {
		p.broke("%v", err)
		return
	}
	if revert {
		p.holds("after the revert", p.state)
		return
	}
	for _, d := range have.differs(tampered) {
		p.broke("the check changed the account: %s", d)
	}
	p.untamper()
}

// stuck tells whether a permission stack did not come to rest well.
func (p *parent) stuck() bool {
	stacks, err := p.w.standing(context.Background())
	if err != nil {
		p.broke("%v", err)
	}
	return slices.ContainsFunc(stacks, func(s types.Stack) bool { return strings.HasSuffix(string(s.StackStatus), "_FAILED") })
}

// scheduled lets the check run twice, as the schedule does.
func (p *parent) scheduled(revert bool) {
	for n := range 2 {
		p.w.clock.Advance(20 * time.Minute) // longer than a lease
		if err := p.check(revert); err != nil {
			p.broke("run %d after the fault: %v", n+1, err)
		}
	}
	p.settle()
}

// untamper puts right by hand what tamper did.
func (p *parent) untamper() {
	ctx := context.Background()
	role, err := roleOf(before, "IAMRole")
	if err == nil {
		_, err = p.w.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: aws.String("Rogue")})
	}
	if err == nil {
		arn := "arn:aws:iam::" + account + ":policy/permstack/ClumioS3BackupPolicy-" + region + "-" + connection
		_, err = p.w.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
	}
	if err == nil {
		_, err = p.w.events.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: aws.String("ClumioS3ApiRule-" + region + "-" + connection)})
	}
	if err != nil {
		p.broke("put right by hand: %v", err)
	}
	p.w.writes.Add(1)
}

// messages are those that were sent to the alert topic since the tampering.
func (p *parent) messages() []notify.Message {
	var out []notify.Message
	for _, m := range p.w.cloud.SNS().Messages("")[p.heardOf:] {
		var forms map[string]string
		var message notify.Message
		err := json.Unmarshal([]byte(m.Body), &forms)
		if err == nil {
			err = json.Unmarshal([]byte(forms["default"]), &message)
		}
		if err != nil {
			p.broke("a message that cannot be read: %v", err)
		}
		if strings.Contains(m.Body, secret) {
			p.broke("a message tells the external id")
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

// heard holds the messages against what was tampered with: each of it is told, as
// there or, after a revert whose message was lost, as resolved.
func (p *parent) heard(revert bool) {
	told := map[string]bool{}
	for _, m := range p.messages() {
		for _, f := range m.Findings {
			if f.Direction == finding.Unreadable || f.LogicalID == "" { // a whole stack that is not at rest
				continue
			}
			told[f.LogicalID] = true
			if !slices.Contains(tamperedWith, f.LogicalID) {
				p.broke("told of what is not so: %s %s %s", f.LogicalID, f.Kind, f.Subject)
			}
		}
		for _, r := range m.Resolved {
			id, _, _ := strings.Cut(r.What, ":")
			told[id] = true
		}
	}
	for _, id := range tamperedWith {
		if !told[id] {
			p.broke("nobody was told of %s", id)
		}
	}
	last := p.lastMessage()
	allBack := last.Reverted != nil && len(last.Reverted.Done) > 0 && len(last.Reverted.Failed) == 0
	switch {
	case !revert && last.Status != notify.Drifted:
		p.broke("the last message says %q, and the difference stands", last.Status)
	case revert && last.Status != notify.InSync && !allBack && !p.w.tape.broke("ssm:PutParameter "): // where the state was lost, nobody knows what is resolved
		p.broke("the last message says %q, and all is put right", last.Status)
	}
}

var tamperedWith = []string{"ClumioIAMRole", "ClumioS3ApiRule"}

// check invokes the drift function once and returns the error that Lambda sees.
func (p *parent) check(revert bool) error {
	w := p.w
	i := &invocation{w: w, until: w.clock.Now().Add(limit), killed: make(chan struct{}), buried: make(chan struct{})}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	defer i.cancel()
	p.requests++
	handle, err := i.driftHandler(p.stackID, revert)
	if err != nil {
		return err
	}
	w.setCurrent(i)
	request := lambdacontext.LambdaContext{AwsRequestID: fmt.Sprintf("run-%d", p.requests)}
	_, err = handle(lambdacontext.NewContext(i.ctx, &request), nil)
	w.setCurrent(nil)
	close(i.buried)
	if i.dead() {
		return errKilled
	}
	return err
}

// driftHandler is the deployed drift function with the faults' transport and clock.
func (i *invocation) driftHandler(parentStack string, revert bool) (func(context.Context, json.RawMessage) (monitor.Result, error), error) {
	w := i.w
	parent, err := installation.ParseParent(parentStack)
	if err != nil {
		return nil, err
	}
	cfg := w.cloud.ConfigWith(region, w.cloud.SessionCredentials(account, w.checkRole, "drift"))
	cfg.HTTPClient = &http.Client{Transport: &line{w: w, side: Check, inv: i, next: cfg.HTTPClient.(*http.Client).Transport}}
	cfg.Retryer = func() aws.Retryer { return w.retryer(lambdaenv.Attempts) }
	settings := driftlambda.Settings{
		Parent: parent, TopicARN: "arn:aws:sns:" + region + ":" + account + ":" + alertTopic,
		Parameter: stateParameter, Revert: revert,
	}
	return driftlambda.Handler(settings, cfg, w.log, w.clock.Now, i.sleep), nil
}

// whatOf says what a call of the check asks for, without what differs from run
// to run.
func whatOf(r *http.Request, body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Header.Get("X-Amz-Target") != "" {
		var asked struct{ Name, Rule, ResourceARN string }
		_ = json.Unmarshal(body, &asked)
		return strings.TrimRight(" "+asked.Name+asked.Rule+asked.ResourceARN, " ")
	}
	var out []string
	for _, name := range []string{"StackName", "LogicalResourceId", "RoleName", "PolicyName", "PolicyArn", "VersionId", "InstanceProfileName", "TopicArn", "ResourceArn"} {
		if v := form.Get(name); v != "" {
			if strings.HasPrefix(v, "arn:aws:cloudformation:") { // with a random part
				v = strings.Split(v, "/")[1]
			}
			out = append(out, lastPart(v))
		}
	}
	return strings.TrimRight(" "+strings.Join(out, " "), " ")
}
