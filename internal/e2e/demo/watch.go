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

// somebody is what somebody attaches to the role.
const somebody = "arn:aws:iam::aws:policy/AdministratorAccess"

// watch lets somebody change the access by hand, and reads what the customer
// is told of it.
func (t *trial) watch(ctx context.Context) error {
	live, err := t.granted(ctx, connection)
	if err != nil {
		return err
	}
	role := live.roles[0].name
	w, err := t.watcher(ctx)
	if err != nil {
		return err
	}
	if err := w.tells(ctx, 0, ""); err != nil {
		return err
	}
	t.say.held("the drift check runs and has nothing to tell")

	arn := somebody
	if _, err := t.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
		return fmt.Errorf("attach %s to role %s: %w", arn, role, err)
	}
	t.say.note("somebody attaches AdministratorAccess to %s", role)
	if err := w.tells(ctx, 1, "GRANTS MORE: 1 new"); err != nil {
		return err
	}
	t.say.held("the drift check runs, and this is mailed:")
	t.mail(w.last)
	if err := w.tells(ctx, 0, ""); err != nil {
		return err
	}
	t.say.held("it runs again and does not repeat itself")

	if _, err := t.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
		return fmt.Errorf("detach %s from role %s: %w", arn, role, err)
	}
	t.say.note("somebody detaches it")
	if err := w.tells(ctx, 1, "RESOLVED: 1, all in sync"); err != nil {
		return err
	}
	t.say.held("the drift check runs, and this is mailed:")
	t.mail(w.last)
	return nil
}

// mail shows a mail within a frame of its own.
func (t *trial) mail(m Mail) {
	t.say.note("┌ %s", m.Subject)
	for _, line := range strings.Split(strings.TrimSpace(m.Text), "\n") {
		t.say.note("%s", strings.TrimRight("│ "+line, " "))
	}
	t.say.note("└")
}

// watcher is the drift check of the launched stack.
type watcher struct {
	t               *trial
	function, topic string
	read            int
	last            Mail
}

func (t *trial) watcher(ctx context.Context) (*watcher, error) {
	name := stackName
	out, err := t.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return nil, fmt.Errorf("describe stack %s: %w", name, err)
	}
	w := &watcher{t: t}
	for _, o := range out.Stacks[0].Outputs {
		switch *o.OutputKey {
		case "DriftFunction":
			w.function = *o.OutputValue
		case "AlertTopicArn":
			w.topic = *o.OutputValue
		}
	}
	w.read = len(t.o.Mails(w.topic))
	return w, nil
}

// tells lets the check run and wants so many mails, the last with what in its subject.
func (w *watcher) tells(ctx context.Context, want int, what string) error {
	if err := w.run(ctx); err != nil {
		return err
	}
	all := w.t.o.Mails(w.topic)
	got := all[w.read:]
	w.read = len(all)
	if len(got) != want {
		return fmt.Errorf("the drift check sent %d messages, not %d: %+v", len(got), want, got)
	}
	if want == 0 {
		return nil
	}
	if w.last = got[len(got)-1]; !strings.Contains(w.last.Subject, what) {
		return fmt.Errorf("the drift check says %q, not %q", w.last.Subject, what)
	}
	return nil
}

// run invokes the function as `aws lambda invoke` does.
func (w *watcher) run(ctx context.Context) error {
	url := w.t.o.Endpoint + "/2015-03-31/functions/" + w.function + "/invocations"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte("{}")))
	if err != nil {
		return fmt.Errorf("invoke function %s: %w", w.function, err)
	}
	// The embedded AWS reads account and Region of a signature and verifies none.
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260101/"+region+"/lambda/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("invoke function %s: %w", w.function, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("invoke function %s: %w", w.function, err)
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("X-Amz-Function-Error") != "" {
		return fmt.Errorf("invoke function %s: %s: %s", w.function, answer.Status, body)
	}
	return nil
}

// MailOf reads what e-mail gets of a message of the alert topic.
func MailOf(subject, body string) Mail {
	var byProtocol map[string]string
	if err := json.Unmarshal([]byte(body), &byProtocol); err != nil {
		return Mail{subject, body}
	}
	return Mail{subject, byProtocol[notify.EmailProtocol]}
}
