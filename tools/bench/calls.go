package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/fakeaws/standalone"
)

// counter is a proxy between the functions and the embedded AWS that counts calls.
type counter struct {
	*httptest.Server
	mu    sync.Mutex
	calls map[string]int
}

func newCounter(to string) (*counter, error) {
	target, err := url.Parse(to)
	if err != nil {
		return nil, fmt.Errorf("read endpoint: %w", err)
	}
	c := &counter{calls: map[string]int{}}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		c.mu.Lock()
		c.calls[operation(r, string(body))]++
		c.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	return c, nil
}

// operation returns the name of a call, or "response" for one to the response URL of a custom resource.
func operation(r *http.Request, body string) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndex(target, ".")+1:]
	}
	if form, err := url.ParseQuery(body); err == nil && form.Get("Action") != "" {
		return form.Get("Action")
	}
	return "response"
}

// take returns the counts since the last take, and a list of them.
func (c *counter) take() (calls, writes int, words string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for _, name := range slices.Sorted(maps.Keys(c.calls)) {
		n := c.calls[name]
		if name != "response" {
			calls += n
		}
		if slices.Contains([]string{"CreateStack", "UpdateStack", "DeleteStack", "ContinueUpdateRollback"}, name) {
			writes += n
		}
		list = append(list, fmt.Sprintf("%d %s", n, name))
	}
	c.calls = map[string]int{}
	return calls, writes, strings.Join(list, ", ")
}

// benchCalls runs a scenario and counts the calls of the functions.
func benchCalls(permstack string) error {
	aws1, err := standalone.Start(
		"127.0.0.1:0",
		standalone.Options{
			ForeignCode: true,
			BuiltIn:     []string{permstack, "lambda-function"},
			Names:       []string{"provisioner", "drift"},
		},
	)
	if err != nil {
		return err
	}
	defer aws1.Close()
	direct := aws1.Endpoint
	count, err := newCounter(direct)
	if err != nil {
		return err
	}
	defer count.Close()
	aws1.Endpoint = count.URL // what the functions connect to
	template, err := os.ReadFile("template.yaml")
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	client := cloudformation.NewFromConfig(aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: &direct,
		Credentials:  credentials.NewStaticCredentialsProvider("123456789012", "local", ""),
	})
	l := scenario{client: client, count: count, body: string(template), laptop: aws1}
	rows := [][]string{{"what", "API calls", "writes", "which"}}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"launch (everything but SQL Server)", l.launch},
		{"an update that changes nothing", func(ctx context.Context) error {
			return l.update(ctx,
				map[string]string{"LogRetentionDays": "30"})
		}},
		{"the custom resource updated again, nothing changed", l.again},
		{"an update that drops an asset", func(ctx context.Context) error {
			return l.update(ctx,
				map[string]string{"ProtectRDS": "no"})
		}},
		{"a drift check, nothing found", l.drift},
		{"delete", l.remove},
	} {
		count.take()
		if err := step.do(context.Background()); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		calls, writes, words := count.take()
		rows = append(rows, []string{step.what, fmt.Sprint(calls), fmt.Sprint(writes), words})
	}
	fmt.Print("API calls of the functions in a scenario on the embedded AWS\n\n")
	table(rows...)
	return nil
}

// scenario is a stack of template.yaml.
type scenario struct {
	client *cloudformation.Client
	count  *counter
	laptop *standalone.Server
	body   string
	last   map[string]string
}

const stackName = "backup"

func (l *scenario) parameters(edit map[string]string) []types.Parameter {
	if l.last == nil {
		l.last = map[string]string{
			"ProtectEC2": "yes", "ProtectRDS": "yes", "ProtectDynamoDB": "yes", "ProtectS3": "yes", "ExternalId": "example",
			"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "DataPlaneAccountId": "444455556666",
		}
	}
	maps.Copy(l.last, edit)
	var out []types.Parameter
	for k, v := range l.last {
		out = append(out, types.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(v)})
	}
	return out
}

func (l *scenario) launch(ctx context.Context) error {
	url, err := l.laptop.UploadTemplate(ctx, "template.yaml", []byte(l.body))
	if err != nil {
		return err
	}
	_, err = l.client.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String(stackName), TemplateURL: &url, Parameters: l.parameters(nil),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	if err != nil {
		return err
	}
	return cloudformation.NewStackCreateCompleteWaiter(l.client, quickly).
		Wait(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(stackName)}, time.Minute)
}

func quickly(o *cloudformation.StackCreateCompleteWaiterOptions) {
	o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
}

func (l *scenario) update(ctx context.Context, edit map[string]string) error {
	url, err := l.laptop.UploadTemplate(ctx, "template.yaml", []byte(l.body))
	if err != nil {
		return err
	}
	_, err = l.client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: aws.String(stackName), TemplateURL: &url, Parameters: l.parameters(edit),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	if err != nil {
		return err
	}
	return cloudformation.NewStackUpdateCompleteWaiter(l.client, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	}).Wait(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(stackName)}, time.Minute)
}

// again updates the custom resource without a change of access: its ServiceTimeout
// changes, which is a change for CloudFormation and which permstack does not read.
func (l *scenario) again(ctx context.Context) error {
	l.body = strings.Replace(l.body, "ServiceTimeout: 960", "ServiceTimeout: 961", 1)
	return l.update(ctx, nil)
}

func (l *scenario) drift(ctx context.Context) error {
	out, err := l.client.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{
		StackName: aws.String(stackName), LogicalResourceId: aws.String("Drift"),
	})
	if err != nil {
		return err
	}
	arn := "arn:aws:lambda:us-east-1:123456789012:function:" + aws.ToString(out.StackResourceDetail.PhysicalResourceId)
	result, err := l.laptop.Functions.Invoke(ctx, arn, []byte(`{"source":"aws.events"}`))
	if err == nil && result.FunctionError != "" {
		var failure struct{ ErrorMessage string }
		_ = json.Unmarshal(result.Payload, &failure)
		err = fmt.Errorf("%s: %s", result.FunctionError, failure.ErrorMessage)
	}
	return err
}

func (l *scenario) remove(ctx context.Context) error {
	_, err := l.client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: aws.String(stackName)})
	if err != nil {
		return err
	}
	return cloudformation.NewStackDeleteCompleteWaiter(l.client, func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	}).Wait(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(stackName)}, time.Minute)
}
