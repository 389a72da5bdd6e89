package cloudformation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/cloudformation"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/protocol"
)

const (
	account = "111122223333"
	region  = "eu-central-1"
)

var customFunction = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "custom")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bootstrap")
	if out, err := exec.Command("go", "build", "-o", path, "./testdata/custom").CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := customFunction(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

type harness struct {
	t      *testing.T
	cloud  *fakeaws.Cloud
	engine *cloudformation.Engine
	cfn    *cfn.Client
	iam    *iam.Client
	sns    *sns.Client
	log    string
	output chan string // output of the custom resource's function
}

// Write receives the output of the function.
func (h *harness) Write(p []byte) (int, error) {
	select {
	case h.output <- string(p):
	default:
	}
	return len(p), nil
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{
		t: t, cloud: fakeaws.New(fakeaws.Options{}), log: filepath.Join(t.TempDir(), "log"), output: make(chan string, 1),
	}
	endpoint, err := h.cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	functions := lambda.New(lambda.Options{
		Code: func(lambda.Code) ([]string, string, []string, error) {
			path, err := customFunction()
			return []string{path}, "", []string{"LOG=" + h.log}, err
		},
		Credentials: h.cloud.FunctionCredentials, Assumable: h.cloud.AssumableBy,
		Output:   func(*lambda.Function) io.Writer { return h },
		Endpoint: func() string { return endpoint }, RetryDelay: time.Millisecond,
	})
	h.engine = cloudformation.New(cloudformation.Deps{
		ConfigFor: h.cloud.ConfigFor, ConfigCaller: h.cloud.ConfigCaller, Assumable: h.cloud.AssumableBy,
		Authorize: h.cloud.Authorize,
		Endpoint:  func() string { return endpoint }, Lambda: functions,
	})
	h.cloud.Register(h.engine.Definition())
	h.cloud.Mount(cloudformation.ResponsePrefix, h.engine.ResponseHandler())
	t.Cleanup(func() {
		_ = h.engine.Close()
		_ = functions.Close()
		_ = h.cloud.Close()
	})
	cfg := h.cloud.Config(account, region)
	h.cfn, h.iam, h.sns = cfn.NewFromConfig(cfg), iam.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	return h
}

func (h *harness) wait(name, want string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Minute)
	defer cancel()
	status, reason, err := h.engine.Wait(ctx, account, region, name)
	if err != nil || status != want {
		h.t.Fatalf("stack %s is %s (%s) %v, want %s\n%s",
			name, status, reason, err, want, strings.Join(h.events(name), "\n"))
	}
}

// events returns the events, oldest first, as "id STATUS reason".
func (h *harness) events(name string) []string {
	var out []string
	pages := cfn.NewDescribeStackEventsPaginator(h.cfn, &cfn.DescribeStackEventsInput{StackName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(h.t.Context())
		if err != nil {
			return append(out, err.Error())
		}
		for _, ev := range page.StackEvents {
			text := fmt.Sprint(*ev.LogicalResourceId, " ", ev.ResourceStatus, " ", aws.ToString(ev.ResourceStatusReason))
			out = append(out, strings.TrimSpace(text))
		}
	}
	slices.Reverse(out) // AWS lists the newest first
	return out
}

func (h *harness) create(name, body string, change ...func(*cfn.CreateStackInput)) string {
	h.t.Helper()
	in := &cfn.CreateStackInput{
		StackName: &name, TemplateBody: &body, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	for _, f := range change {
		f(in)
	}
	out, err := h.cfn.CreateStack(h.t.Context(), in)
	if err != nil {
		h.t.Fatal(err)
	}
	return *out.StackId
}

func (h *harness) update(name, body string, change ...func(*cfn.UpdateStackInput)) error {
	in := &cfn.UpdateStackInput{
		StackName: &name, TemplateBody: &body, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	for _, f := range change {
		f(in)
	}
	_, err := h.cfn.UpdateStack(h.t.Context(), in)
	return err
}

func (h *harness) delete(name string) {
	h.t.Helper()
	if _, err := h.cfn.DeleteStack(h.t.Context(), &cfn.DeleteStackInput{StackName: &name}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) describe(name string) types.Stack {
	h.t.Helper()
	out, err := h.cfn.DescribeStacks(h.t.Context(), &cfn.DescribeStacksInput{StackName: &name})
	if err != nil {
		h.t.Fatal(err)
	}
	return out.Stacks[0]
}

func (h *harness) stackOutput(name, key string) string {
	for _, o := range h.describe(name).Outputs {
		if *o.OutputKey == key {
			return *o.OutputValue
		}
	}
	return ""
}

// requests returns the requests to the custom resource's function.
func (h *harness) requests() []string {
	b, _ := os.ReadFile(h.log)
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// breakCall makes an API action fail for the rest of the test.
func (h *harness) breakCall(action string, fails func(*protocol.Call) bool) {
	h.cloud.SetIntercept(func(c *protocol.Call) error {
		if c.Service+":"+c.Action == action && (fails == nil || fails(c)) {
			return protocol.Errorf("AccessDenied", "configured to deny %s", action).WithStatus(403)
		}
		return nil
	})
}

// wantInOrder checks that each text begins some event, in this order.
func wantInOrder(t *testing.T, got []string, want ...string) {
	t.Helper()
	i := 0
	for _, g := range got {
		if i < len(want) && strings.HasPrefix(g, want[i]) {
			i++
		}
	}
	if i < len(want) {
		t.Errorf("no event %q in its place in\n%s", want[i], strings.Join(got, "\n"))
	}
}
