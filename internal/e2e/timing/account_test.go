package timing

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/pause"
	"permstack/internal/drift/driftlambda"
	"permstack/internal/fakeaws"
	engine "permstack/internal/fakeaws/cloudformation"
	"permstack/internal/fakeaws/events"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/lambdaruntime"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/policies"
	"permstack/internal/provisioner/provisionerlambda"
)

const (
	accountID  = "123456789012"
	region     = "us-east-1"
	parentName = "backup"
	// coldStart is the time until a new function runs its first event.
	coldStart = time.Second
)

// account is an embedded AWS whose CloudFormation takes AWS's time, in one process
// and without sockets, so that a synctest bubble can simulate its clock.
type account struct {
	t      *testing.T
	cloud  *fakeaws.Cloud
	stacks *engine.Engine
	// functions are those of the stacks.
	functions *lambda.Registry
	cfn       *cloudformation.Client
	body      []byte        // the template behind every URL
	set       *policies.Set // the first that the function synthesized in the last operation
}

func newAccount(t *testing.T) *account { return newAccountWith(t, fakeaws.Options{}) }

// newAccountWith returns an account of an embedded AWS with options. With Options.Trail, events start the drift check.
func newAccountWith(t *testing.T, o fakeaws.Options) *account {
	a := &account{t: t, cloud: fakeaws.New(o)}
	a.cloud.SetIAMPropagation(fakeaws.UsualIAMDelay)
	functions := lambda.New(lambda.Options{Run: a.runFunction, Assumable: a.cloud.AssumableBy})
	a.functions = functions
	a.stacks = engine.New(engine.Deps{
		ConfigFor: a.cloud.ConfigFor, ConfigCaller: a.cloud.ConfigCaller, Assumable: a.cloud.AssumableBy,
		Endpoint: func() string { return "http://responses.invalid" }, Lambda: functions,
		Fetch: func(*protocol.Call, string) ([]byte, error) { return a.body, nil },
		Waits: engine.AWSWaits,
		Emit:  a.emit(o.Trail),
	})
	a.cloud.Register(a.stacks.Definition())
	a.cloud.Register(functions.Definition())
	if o.Trail {
		a.cloud.Events().SetTargets(events.Targets{
			SNS: a.cloud.SNS().PublishAsService, SQS: a.cloud.SQS().SendAsService, Lambda: functions.InvokeAsService,
			Forward: a.cloud.AllowForward,
		})
	}
	a.cfn = cloudformation.NewFromConfig(a.cloud.Config(accountID, region))
	t.Cleanup(func() {
		if err := a.stacks.Close(); err != nil {
			t.Error(err)
		}
		if err := functions.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// emit returns the function that emits CloudFormation's events; nil if nothing is started by events.
func (a *account) emit(started bool) func(account, region string, e events.Event) {
	if !started {
		return nil
	}
	return a.cloud.Events().Emit
}

// runFunction runs a function as it is deployed. Without Options.Trail no event starts the drift check.
func (a *account) runFunction(ctx context.Context, f *lambda.Function, payload []byte) (lambdaruntime.Result, error) {
	time.Sleep(coldStart)
	if f.Environment["STATE_PARAMETER"] != "" {
		return a.runDrift(ctx, f, payload)
	}
	settings := provisionerlambda.ReadSettings(func(name string) string { return f.Environment[name] })
	handler := provisionerlambda.Handler(settings, a.cloud.ConfigAsFunction(f.Account, f.Region, f.Role, f.ARN()),
		provisionerlambda.Options{
			ResponseClient: &http.Client{Transport: responses{a.stacks.ResponseHandler()}},
			Synthesize: func(s policies.Selection, e policies.Environment) (set policies.Set, err error) {
				if set, err = policies.Synthesize(s, e); err == nil && a.set == nil {
					a.set = &set
				}
				return set, err
			},
		})
	out, err := handler.Invoke(ctx, payload)
	if err != nil {
		return lambdaruntime.Result{FunctionError: err.Error()}, nil
	}
	return lambdaruntime.Result{Payload: out}, nil
}

// runDrift runs the drift check.
func (a *account) runDrift(ctx context.Context, f *lambda.Function, payload []byte) (lambdaruntime.Result, error) {
	settings, err := driftlambda.ReadSettings(func(name string) string { return f.Environment[name] })
	if err != nil {
		return lambdaruntime.Result{}, err
	}
	cfg := a.cloud.ConfigAsFunction(f.Account, f.Region, f.Role, f.ARN())
	handle := driftlambda.Handler(settings, cfg, io.Discard, time.Now, pause.For)
	result, err := handle(ctx, payload)
	if err != nil {
		return lambdaruntime.Result{FunctionError: err.Error()}, nil
	}
	out, err := json.Marshal(result)
	return lambdaruntime.Result{Payload: out}, err
}

// responses delivers the responses of custom resources without a network.
type responses struct{ handler http.Handler }

// RoundTrip delivers a response.
func (r responses) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, httptest.NewRequest(req.Method, req.URL.Path, bytes.NewReader(body)))
	return w.Result(), nil
}

// create creates a stack and returns how long that takes.
func (a *account) create(name string, body []byte, parameters map[string]string) time.Duration {
	a.t.Helper()
	a.body = body
	return a.measure(name, "CREATE_COMPLETE", func(ctx context.Context) error {
		_, err := a.cfn.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName: &name, TemplateURL: templateURL, Parameters: parameterList(parameters), Capabilities: capabilities,
		})
		return err
	})
}

// update updates a stack and returns how long that takes.
func (a *account) update(name string, body []byte, parameters, tags map[string]string) time.Duration {
	a.t.Helper()
	a.body = body
	return a.measure(name, "UPDATE_COMPLETE", func(ctx context.Context) error {
		_, err := a.cfn.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: &name, TemplateURL: templateURL, Parameters: parameterList(parameters), Capabilities: capabilities,
			Tags: tagList(tags),
		})
		return err
	})
}

// remove deletes a stack and returns how long that takes.
func (a *account) remove(name string) time.Duration {
	a.t.Helper()
	return a.measure(name, "", func(ctx context.Context) error {
		_, err := a.cfn.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name})
		return err
	})
}

func (a *account) measure(name, want string, request func(context.Context) error) time.Duration {
	a.t.Helper()
	a.set = nil
	began := time.Now()
	if err := request(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	status, reason, err := a.stacks.Wait(a.t.Context(), accountID, region, name)
	if err != nil || status != want {
		a.t.Fatalf("stack %s: got status %s (%s), %v; want %q\n%s", name, status, reason, err, want, a.failures(name))
	}
	return time.Since(began)
}

// failures returns the reasons of failed resources.
func (a *account) failures(name string) string {
	out, err := a.cfn.DescribeStackEvents(a.t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &name})
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, e := range out.StackEvents {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			lines = append(lines, aws.ToString(e.LogicalResourceId)+": "+aws.ToString(e.ResourceStatusReason))
		}
	}
	return strings.Join(lines, "\n")
}

// driftFunction returns the ARN of the drift check's function.
func (a *account) driftFunction() string {
	a.t.Helper()
	id := a.id(parentName)
	return "arn:aws:lambda:" + region + ":" + accountID + ":function:permstack-drift-" + id[strings.LastIndex(id, "/")+1:]
}

// id returns the id of a stack.
func (a *account) id(name string) string {
	a.t.Helper()
	out, err := a.cfn.DescribeStacks(a.t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		a.t.Fatal(err)
	}
	return *out.Stacks[0].StackId
}

// template returns the template of a stack.
func (a *account) template(name string) string {
	a.t.Helper()
	out, err := a.cfn.GetTemplate(a.t.Context(), &cloudformation.GetTemplateInput{StackName: &name})
	if err != nil {
		a.t.Fatal(err)
	}
	return *out.TemplateBody
}

// since returns when a resource reached a status, after the stack's first event.
func (a *account) since(name, logicalID string, status types.ResourceStatus) time.Duration {
	a.t.Helper()
	pages := cloudformation.NewDescribeStackEventsPaginator(a.cfn,
		&cloudformation.DescribeStackEventsInput{StackName: &name})
	var at, first time.Time
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		for _, e := range page.StackEvents {
			first = *e.Timestamp
			if *e.LogicalResourceId == logicalID && e.ResourceStatus == status {
				at = *e.Timestamp
			}
		}
	}
	if at.IsZero() {
		a.t.Fatalf("stack %s: resource %s was never %s", name, logicalID, status)
	}
	return at.Sub(first)
}

var (
	templateURL  = aws.String("https://templates.s3.us-east-1.amazonaws.com/template.yaml")
	capabilities = []types.Capability{types.CapabilityCapabilityNamedIam}
)

func parameterList(values map[string]string) []types.Parameter {
	var out []types.Parameter
	for k, v := range values {
		out = append(out, types.Parameter{ParameterKey: &k, ParameterValue: &v})
	}
	return out
}

func tagList(values map[string]string) []types.Tag {
	var out []types.Tag
	for k, v := range values {
		out = append(out, types.Tag{Key: &k, Value: &v})
	}
	return out
}
