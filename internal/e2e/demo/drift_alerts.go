package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/cfn/stacks"
	"permstack/internal/notify"
)

// Mail is a message as the alert topic sends it by e-mail.
type Mail struct{ Subject, Text string }

// adminPolicyARN is the policy that is attached to the role manually.
const adminPolicyARN = "arn:aws:iam::aws:policy/AdministratorAccess"

// checkDriftAlerts changes the access manually and checks the mails that the
// customer receives.
func (run *runner) checkDriftAlerts(ctx context.Context) error {
	live, err := run.readGrants(ctx, connection)
	if err != nil {
		return err
	}
	role := live.roles[0].name
	f, err := run.newDriftFunction(ctx)
	if err != nil {
		return err
	}
	if err := f.expectMails(ctx, 0, ""); err != nil {
		return err
	}
	run.out.passed("the drift check runs and finds no drift")

	arn := adminPolicyARN
	if _, err := run.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
		return fmt.Errorf("attach %s to role %s: %w", arn, role, err)
	}
	run.out.note("attaching AdministratorAccess to %s", role)
	if err := f.expectMails(ctx, 1, "GRANTS MORE: 1 new"); err != nil {
		return err
	}
	run.out.passed("the drift check runs and sends this mail:")
	run.printMail(f.lastMail)
	if err := f.expectMails(ctx, 0, ""); err != nil {
		return err
	}
	run.out.passed("it runs again and does not repeat the mail")

	if _, err := run.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
		return fmt.Errorf("detach %s from role %s: %w", arn, role, err)
	}
	run.out.note("detaching it")
	if err := f.expectMails(ctx, 1, "RESOLVED: 1, all in sync"); err != nil {
		return err
	}
	run.out.passed("the drift check runs and sends this mail:")
	run.printMail(f.lastMail)
	return nil
}

// printMail prints a mail in a frame.
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
	stack, err := stacks.Describe(ctx, run.stacks, stackName)
	if err != nil {
		return nil, err
	}
	if stack == nil {
		return nil, fmt.Errorf("stack %s does not exist", stackName)
	}
	outputs := stacks.Outputs(stack)
	f := &driftFunction{run: run, name: outputs["DriftFunction"], topic: outputs["AlertTopicArn"]}
	f.seen = len(run.options.Mails(f.topic))
	return f, nil
}

// expectMails invokes the drift check and returns an error unless it sends that
// many mails, the last one with this text in its subject.
func (f *driftFunction) expectMails(ctx context.Context, want int, what string) error {
	if err := f.invoke(ctx); err != nil {
		return err
	}
	all := f.run.options.Mails(f.topic)
	got := all[f.seen:]
	f.seen = len(all)
	if len(got) != want {
		return fmt.Errorf("the drift check sent %d mails, want %d: %+v", len(got), want, got)
	}
	if want == 0 {
		return nil
	}
	if f.lastMail = got[len(got)-1]; !strings.Contains(f.lastMail.Subject, what) {
		return fmt.Errorf("the drift check sent a mail with subject %q, want one with %q", f.lastMail.Subject, what)
	}
	return nil
}

// invoke invokes the function as `aws lambda invoke` does.
func (f *driftFunction) invoke(ctx context.Context) error {
	url := f.run.options.Endpoint + "/2015-03-31/functions/" + f.name + "/invocations"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte("{}")))
	if err != nil {
		return fmt.Errorf("invoke function %s: %w", f.name, err)
	}
	// The embedded AWS reads the account and Region of a signature and does not verify it.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260101/"+region+
		"/lambda/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("invoke function %s: %w", f.name, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("invoke function %s: %w", f.name, err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("X-Amz-Function-Error") != "" {
		return fmt.Errorf("invoke function %s: %s: %s", f.name, response.Status, body)
	}
	return nil
}

// ParseMail returns the e-mail form of a message of the alert topic.
func ParseMail(subject, body string) Mail {
	var byProtocol map[string]string
	if err := json.Unmarshal([]byte(body), &byProtocol); err != nil {
		return Mail{subject, body}
	}
	return Mail{subject, byProtocol[notify.EmailProtocol]}
}
