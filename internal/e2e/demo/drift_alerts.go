package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/notify"
)

// Mail is a message as the alert topic sends it by e-mail.
type Mail struct{ Subject, Text string }

// adminPolicyARN is what somebody attaches to the role.
const adminPolicyARN = "arn:aws:iam::aws:policy/AdministratorAccess"

// checkDriftAlerts lets somebody change the access by hand, and reads what the customer
// is told of it.
func (run *runner) checkDriftAlerts(ctx context.Context) error {
	live, err := run.granted(ctx, connection)
	if err != nil {
		return err
	}
	role := live.roles[0].name
	w, err := run.newDriftFunction(ctx)
	if err != nil {
		return err
	}
	if err := w.expectMails(ctx, 0, ""); err != nil {
		return err
	}
	run.out.passed("the drift check runs and has nothing to tell")

	arn := adminPolicyARN
	if _, err := run.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
		return fmt.Errorf("attach %s to role %s: %w", arn, role, err)
	}
	run.out.note("somebody attaches AdministratorAccess to %s", role)
	if err := w.expectMails(ctx, 1, "GRANTS MORE: 1 new"); err != nil {
		return err
	}
	run.out.passed("the drift check runs, and this is mailed:")
	run.printMail(w.lastMail)
	if err := w.expectMails(ctx, 0, ""); err != nil {
		return err
	}
	run.out.passed("it runs again and does not repeat itself")

	if _, err := run.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
		return fmt.Errorf("detach %s from role %s: %w", arn, role, err)
	}
	run.out.note("somebody detaches it")
	if err := w.expectMails(ctx, 1, "RESOLVED: 1, all in sync"); err != nil {
		return err
	}
	run.out.passed("the drift check runs, and this is mailed:")
	run.printMail(w.lastMail)
	return nil
}

// printMail shows a mail within a frame of its own.
func (run *runner) printMail(m Mail) {
	run.out.note("┌ %s", m.Subject)
	for _, line := range strings.Split(strings.TrimSpace(m.Text), "\n") {
		run.out.note("%s", strings.TrimRight("│ "+line, " "))
	}
	run.out.note("└")
}

// driftFunction is the drift check of the launched stack.
type driftFunction struct {
	run         *runner
	name, topic string
	seen        int
	lastMail    Mail
}

func (run *runner) newDriftFunction(ctx context.Context) (*driftFunction, error) {
	name := stackName
	out, err := run.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return nil, fmt.Errorf("describe stack %s: %w", name, err)
	}
	w := &driftFunction{run: run}
	for _, o := range out.Stacks[0].Outputs {
		switch *o.OutputKey {
		case "DriftFunction":
			w.name = *o.OutputValue
		case "AlertTopicArn":
			w.topic = *o.OutputValue
		}
	}
	w.seen = len(run.options.Mails(w.topic))
	return w, nil
}

// expectMails lets the check run and wants so many mails, the last with what in its subject.
func (w *driftFunction) expectMails(ctx context.Context, want int, what string) error {
	if err := w.invoke(ctx); err != nil {
		return err
	}
	all := w.run.options.Mails(w.topic)
	got := all[w.seen:]
	w.seen = len(all)
	if len(got) != want {
		return fmt.Errorf("the drift check sent %d messages, not %d: %+v", len(got), want, got)
	}
	if want == 0 {
		return nil
	}
	if w.lastMail = got[len(got)-1]; !strings.Contains(w.lastMail.Subject, what) {
		return fmt.Errorf("the drift check says %q, not %q", w.lastMail.Subject, what)
	}
	return nil
}

// invoke invokes the function as `aws lambda invoke` does.
func (w *driftFunction) invoke(ctx context.Context) error {
	url := w.run.options.Endpoint + "/2015-03-31/functions/" + w.name + "/invocations"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte("{}")))
	if err != nil {
		return fmt.Errorf("invoke function %s: %w", w.name, err)
	}
	// The embedded AWS reads account and Region of a signature and verifies none.
	request.Header.Set(
		"Authorization",
		"AWS4-HMAC-SHA256 Credential="+account+"/20260101/"+region+"/lambda/aws4_request, SignedHeaders=host, Signature=0",
	)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("invoke function %s: %w", w.name, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("invoke function %s: %w", w.name, err)
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("X-Amz-Function-Error") != "" {
		return fmt.Errorf("invoke function %s: %s: %s", w.name, answer.Status, body)
	}
	return nil
}

// ParseMail reads what e-mail gets of a message of the alert topic.
func ParseMail(subject, body string) Mail {
	var byProtocol map[string]string
	if err := json.Unmarshal([]byte(body), &byProtocol); err != nil {
		return Mail{subject, body}
	}
	return Mail{subject, byProtocol[notify.EmailProtocol]}
}
