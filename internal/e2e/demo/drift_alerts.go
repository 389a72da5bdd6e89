package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"permstack/internal/awsapi/pause"
	"permstack/internal/cfn/stacks"
	"permstack/internal/drift/monitor"
	"permstack/internal/installation"
	"permstack/internal/notify"
)

// Mail is a message as the alert topic sends it by e-mail.
type Mail struct{ Subject, Text string }

// checkDriftAlerts changes the access manually and checks the mails that the
// customer receives.
func (run *runner) checkDriftAlerts(ctx context.Context) error {
	live, err := run.readGrants(ctx, run.site.Connection)
	if err != nil {
		return err
	}
	role := live.roles[0].name
	f, err := run.newDriftFunction(ctx)
	if err != nil {
		return err
	}
	if err := f.expectNoMail(ctx); err != nil {
		return err
	}
	run.out.passed("the drift check runs and finds no drift")

	arn := run.site.tamperPolicyARN()
	if _, err := run.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
		return fmt.Errorf("attach %s to role %s: %w", arn, role, err)
	}
	run.out.note("attaching %s to %s", run.site.TamperPolicy, role)
	if err := f.expectMail(ctx, "GRANTS MORE: 1 new"); err != nil {
		return err
	}
	if err := f.expectNoMail(ctx); err != nil {
		return err
	}
	run.out.passed("it runs again and does not repeat the mail")

	if _, err := run.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
		return fmt.Errorf("detach %s from role %s: %w", arn, role, err)
	}
	run.out.note("detaching it")
	if err := f.expectMail(ctx, "RESOLVED: 1, all in sync"); err != nil {
		return err
	}
	return f.mails.close(ctx)
}

// printMail prints a mail in a frame.
func (run *runner) printMail(m Mail) {
	run.out.note("┌ %s", m.Subject)
	for _, line := range strings.Split(strings.TrimSpace(m.Text), "\n") {
		run.out.note("%s", strings.TrimRight("│ "+line, " "))
	}
	run.out.note("└")
}

// driftFunction is the drift check of the launched stack, and a queue that receives
// what it publishes.
type driftFunction struct {
	run    *runner
	name   string
	lambda *lambda.Client
	mails  *queue
}

func (run *runner) newDriftFunction(ctx context.Context) (*driftFunction, error) {
	stack, err := stacks.Describe(ctx, run.stacks, run.site.Stack)
	if err != nil {
		return nil, err
	}
	if stack == nil {
		return nil, fmt.Errorf("stack %s does not exist", run.site.Stack)
	}
	outputs := stacks.Outputs(stack)
	f := &driftFunction{run: run, lambda: lambda.NewFromConfig(run.site.Config)}
	f.name = installation.Output(outputs, "DriftFunction")
	topic := installation.Output(outputs, "AlertTopicArn")
	f.mails, err = subscribeQueue(ctx, run.site.Config, run.site.AlertQueue, topic, run.site.Tags)
	if err != nil {
		return nil, err
	}
	run.out.note("the customer subscribes a queue to the alert topic %s", topic)
	return f, f.announceSubscription(ctx)
}

// announceSubscription runs the check until it sends nothing: a new subscription of
// the alert topic is announced once, unless it precedes the first check.
func (f *driftFunction) announceSubscription(ctx context.Context) error {
	for range 3 {
		result, err := f.invoke(ctx)
		if err != nil || result.Notified == 0 {
			return err
		}
		if _, err := f.receive(ctx, result.Notified); err != nil {
			return err
		}
	}
	return errors.New("the drift check sends a message in every run, although nothing was changed")
}

// expectNoMail invokes the drift check and returns an error if it sends a mail.
func (f *driftFunction) expectNoMail(ctx context.Context) error {
	result, err := f.invoke(ctx)
	if err != nil {
		return err
	}
	if result.Notified > 0 {
		mails, err := f.receive(ctx, result.Notified)
		return errors.Join(fmt.Errorf("the drift check sent %d mails, want none: %+v", result.Notified, mails), err)
	}
	return nil
}

// expectMail invokes the drift check, prints the mail that it sends, and returns an
// error unless it is one with this text in its subject. IAM may show a change late, so
// the check may be repeated.
func (f *driftFunction) expectMail(ctx context.Context, subject string) error {
	for attempt := range f.run.site.Attempts {
		if attempt > 0 {
			if err := pause.For(ctx, 5*time.Second); err != nil {
				return err
			}
		}
		result, err := f.invoke(ctx)
		if err != nil {
			return err
		}
		var mails []Mail
		if result.Notified == 0 {
			// Where an event of the change has started a check, that one has sent the mail.
			mails, err = f.received(ctx, subject)
		} else {
			mails, err = f.receive(ctx, result.Notified)
		}
		if err != nil {
			return err
		}
		if result.Notified == 0 && len(mails) == 0 {
			continue
		}
		if len(mails) != 1 || !strings.Contains(mails[0].Subject, subject) {
			return fmt.Errorf("the drift check sent %d mails, want one with subject %q: %+v", len(mails), subject, mails)
		}
		f.run.out.passed("the drift check runs and sends this mail:")
		f.run.printMail(mails[0])
		return nil
	}
	return fmt.Errorf("the drift check sent no mail, want one with subject %q", subject)
}

// received returns the mails with this text in their subject that are in the queue, without waiting.
func (f *driftFunction) received(ctx context.Context, subject string) ([]Mail, error) {
	messages, err := f.mails.receive(ctx, 0)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(driftMails(messages), func(m Mail) bool { return !strings.Contains(m.Subject, subject) }), nil
}

// driftMails returns the mails of the drift check's messages. Alarms publish to the same topic, and are ignored.
func driftMails(messages []notification) []Mail {
	var out []Mail
	for _, m := range messages {
		var message notify.Message
		if err := json.Unmarshal([]byte(m.Message), &message); err == nil && message.Schema == notify.Schema {
			out = append(out, Mail{m.Subject, message.Text()})
		}
	}
	return out
}

// receive waits for that many messages of the function.
func (f *driftFunction) receive(ctx context.Context, want int) ([]Mail, error) {
	var mails []Mail
	for range 6 {
		messages, err := f.mails.receive(ctx, deliveryWait)
		if err != nil {
			return nil, err
		}
		mails = append(mails, driftMails(messages)...)
		if len(mails) >= want {
			return mails, nil
		}
	}
	return nil, fmt.Errorf("the drift check published %d messages, of which queue %s received %d",
		want, f.mails.name, len(mails))
}

// invoke invokes the function as `aws lambda invoke` does.
func (f *driftFunction) invoke(ctx context.Context) (monitor.Result, error) {
	var result monitor.Result
	defer f.run.waiting("the drift check runs since %s", time.Now().Format(time.TimeOnly))()
	out, err := f.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &f.name, Payload: []byte("{}")})
	if err != nil {
		return result, fmt.Errorf("invoke function %s: %w", f.name, err)
	}
	if out.FunctionError != nil {
		return result, fmt.Errorf("invoke function %s: %s: %s", f.name, *out.FunctionError, out.Payload)
	}
	if err := json.Unmarshal(out.Payload, &result); err != nil {
		return result, fmt.Errorf("read the result of function %s: %w", f.name, err)
	}
	return result, nil
}

// ParseMail returns the e-mail form of a message of the alert topic.
func ParseMail(subject, body string) Mail {
	var byProtocol map[string]string
	if err := json.Unmarshal([]byte(body), &byProtocol); err != nil {
		return Mail{subject, body}
	}
	return Mail{subject, byProtocol[notify.EmailProtocol]}
}
