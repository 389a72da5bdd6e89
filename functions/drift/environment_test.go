package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack"
	"permstack/internal/drift/monitor"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/lambdaruntime"
	"permstack/internal/fakeaws/standalone"
	"permstack/internal/notify"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
	secret  = "e2e-external-id-7b0c9a52"
	role    = "ClumioIAMRole-eu-central-1-main"
	admin   = "arn:aws:iam::aws:policy/AdministratorAccess"
)

// root holds both functions' bootstraps, built as build.sh builds them.
var root = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "functions")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"drift", "provisioner"} {
		cmd := exec.Command(
			"go",
			"build",
			"-o",
			filepath.Join(dir, "functions", name, "bootstrap"),
			"permstack/functions/"+name,
		)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", errors.New(string(out))
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := root(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// environment is an account in which template.yaml was launched.
type environment struct {
	t      *testing.T
	aws    *standalone.Server
	stacks *cloudformation.Client
	iam    *iam.Client
	ssm    *ssm.Client
	logs   *lockedBuffer

	function, topic, parameter, stackID string
	read                                int // number of messages that newMessages returned
}

// lockedBuffer is a buffer that processes and a test may use concurrently.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func launch(t *testing.T, parameters map[string]string) *environment {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	w := &environment{t: t, logs: &lockedBuffer{}}
	w.aws, err = standalone.Start("127.0.0.1:0", standalone.Options{
		BuiltIn: []string{"/bin/sh", "-c", `exec "` + dir + `/functions/$0/bootstrap"`}, // and the name of the function
		Names:   []string{"drift", "provisioner"}, FunctionLog: w.logs,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.aws.Close() })
	cfg := w.aws.Config(account, region)
	w.stacks, w.iam, w.ssm = cloudformation.NewFromConfig(cfg), iam.NewFromConfig(cfg), ssm.NewFromConfig(cfg)
	url, err := w.aws.UploadTemplate(t.Context(), "template.yaml", permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	in := &cloudformation.CreateStackInput{
		StackName: aws.String("backup"), TemplateURL: &url,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam}, Parameters: values(parameters),
	}
	if _, err := w.stacks.CreateStack(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	w.waitUntilStable(types.StackStatusCreateComplete)
	if _, err := sns.NewFromConfig(cfg).ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{
		TopicArn: &w.topic, Token: aws.String("any"),
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

func values(more map[string]string) []types.Parameter {
	all := map[string]string{
		"ControlPlaneRoleArn": "arn:aws:iam::210987654321:role/Control",
		"ExternalId":          secret,
		"NotificationEmail":   "security@example.com",
	}
	for k, v := range more {
		all[k] = v
	}
	var out []types.Parameter
	for k, v := range all {
		out = append(out, types.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(v)})
	}
	return out
}

func (w *environment) update(parameters map[string]string) {
	w.t.Helper()
	_, err := w.stacks.UpdateStack(w.t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("backup"), UsePreviousTemplate: aws.Bool(true),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam}, Parameters: values(parameters),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.waitUntilStable(types.StackStatusUpdateComplete)
}

// waitUntilStable waits until the stack has a status and reads its outputs.
func (w *environment) waitUntilStable(want types.StackStatus) {
	w.t.Helper()
	waiter := cloudformation.NewStackCreateCompleteWaiter(
		w.stacks,
		func(o *cloudformation.StackCreateCompleteWaiterOptions) {
			o.MinDelay, o.MaxDelay = 20*time.Millisecond, 50*time.Millisecond
			o.Retryable = func(_ context.Context, _ *cloudformation.DescribeStacksInput,
				out *cloudformation.DescribeStacksOutput, err error) (bool, error) {
				return err == nil && strings.HasSuffix(string(out.Stacks[0].StackStatus), "_IN_PROGRESS"), err
			}
		},
	)
	out, err := waiter.WaitForOutput(
		w.t.Context(),
		&cloudformation.DescribeStacksInput{StackName: aws.String("backup")},
		20*time.Second,
	)
	if err != nil {
		w.t.Fatal(err)
	}
	s := out.Stacks[0]
	if s.StackStatus != want {
		w.t.Fatalf("stack %s: %s\n%s", s.StackStatus, aws.ToString(s.StackStatusReason), w.logs)
	}
	w.stackID = *s.StackId
	for _, o := range s.Outputs {
		switch *o.OutputKey {
		case "AlertTopicArn":
			w.topic = *o.OutputValue
		case "DriftFunction":
			w.function = lambda.Resolve(account, region, *o.OutputValue)
		}
	}
	f, err := w.aws.Functions.Get(w.function)
	if err != nil {
		w.t.Fatal(err)
	}
	w.parameter = f.Environment["STATE_PARAMETER"]
}

// run invokes the function once.
func (w *environment) run() monitor.Result {
	w.t.Helper()
	result := w.invoke()
	if result.FunctionError != "" {
		w.t.Fatalf("the run failed: %s\n%s", result.Payload, w.logs)
	}
	var out monitor.Result
	if err := json.Unmarshal(result.Payload, &out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *environment) invoke() lambdaruntime.Result {
	w.t.Helper()
	result, err := w.aws.Functions.Invoke(w.t.Context(), w.function, []byte(`{"source":"aws.events"}`))
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// newMessages returns the messages since its last call, in JSON and as e-mail.
func (w *environment) newMessages() (messages []notify.Message, mails []string) {
	w.t.Helper()
	all := w.aws.SNS().Messages(w.topic)
	for _, m := range all[w.read:] {
		var byProtocol map[string]string
		if err := json.Unmarshal([]byte(m.Body), &byProtocol); err != nil {
			w.t.Fatal(err)
		}
		var message notify.Message
		if err := json.Unmarshal([]byte(byProtocol["default"]), &message); err != nil {
			w.t.Fatal(err)
		}
		if message.Subject != m.Subject || m.Attributes["status"].StringValue != string(message.Status) ||
			m.Attributes["direction"].StringValue != string(message.Direction) {
			w.t.Errorf("subject and attributes of %+v", m)
		}
		messages, mails = append(messages, message), append(mails, byProtocol["email"])
	}
	w.read = len(all)
	return messages, mails
}

// expectMessages runs the function once and expects exactly these subjects, up to
// " - ".
func (w *environment) expectMessages(want ...string) []notify.Message {
	w.t.Helper()
	w.run()
	messages, mails := w.newMessages()
	var got []string
	for _, m := range messages {
		what, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, "permstack: "), " - ")
		got = append(got, what)
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		w.t.Errorf("messages %q, want %q\n%s", got, want, strings.Join(mails, "\n"))
	}
	return messages
}

func (w *environment) attach(arn string) {
	w.t.Helper()
	if _, err := w.iam.AttachRolePolicy(
		w.t.Context(),
		&iam.AttachRolePolicyInput{RoleName: aws.String(role), PolicyArn: &arn},
	); err != nil {
		w.t.Fatal(err)
	}
}

func (w *environment) detach(arn string) {
	w.t.Helper()
	if _, err := w.iam.DetachRolePolicy(
		w.t.Context(),
		&iam.DetachRolePolicyInput{RoleName: aws.String(role), PolicyArn: &arn},
	); err != nil {
		w.t.Fatal(err)
	}
}
