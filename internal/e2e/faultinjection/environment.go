package faultinjection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws"
	engine "permstack/internal/fakeaws/cloudformation"
	"permstack/internal/installation"
)

// Where a life is lived. The numbers are those of AWS's documentation.
const (
	account    = "123456789012"
	region     = "us-east-1"
	parentName = "backup"
	secret     = "example-external-id-5f0c"
)

// world is one AWS account with the function and its roles.
type world struct {
	cloud  *fakeaws.Cloud
	stacks *engine.Engine
	clock  *clock
	gate   *gate
	tape   *tape
	guard  *guard
	inbox  *inbox
	log    *secretive

	answersTo               string // the begin of response URLs
	run                     func(*invocation, []byte) error
	functionRole, stackRole string
	checkRole               string
	cfn                     *cloudformation.Client
	iam                     *iam.Client
	sns                     *sns.Client
	events                  *eventbridge.Client

	writes atomic.Int64 // calls that may have changed the account
	seen   holdings     // what it held after seenAt of them
	seenAt int64

	mu             sync.Mutex
	current        *invocation
	parent         string // StackId, in the function's environment
	resourceStatus string // of the parent's custom resource
}

// begin is when every life begins: long ago, for the deadlines of contexts are of
// the real clock and must not seem to be past.
var begin = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

// newWorld makes an account in which the template's roles stand.
func newWorld(faults ...Fault) (*world, error) {
	w := &world{
		clock: &clock{now: begin}, gate: newGate(), tape: newTape(faults...), inbox: &inbox{answers: map[string][][]byte{}},
		log: &secretive{hidden: []string{secret, signature}}, answersTo: "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
		run: func(i *invocation, payload []byte) error {
			_, err := i.handler().Invoke(i.ctx, payload)
			return err
		},
	}
	w.cloud = fakeaws.New(fakeaws.Options{Clock: w.clock.Now, Intercept: intercept})
	w.guard = &guard{iam: w.cloud.IAM()}
	w.stacks = engine.New(engine.Deps{
		ConfigFor: w.configFor, ConfigCaller: w.cloud.ConfigCaller, Assumable: w.cloud.AssumableBy, Clock: w.clock.Now,
		Begin: func(ctx context.Context) {
			select {
			case <-w.gate.opened():
			case <-ctx.Done():
			}
		},
	})
	w.cloud.Register(w.stacks.Definition())
	cfg := w.cloud.Config(account, region)
	w.cfn, w.iam, w.sns, w.events = cloudformation.NewFromConfig(cfg), iam.NewFromConfig(cfg), sns.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	for _, c := range []choice{before, after} {
		if err := w.guard.permit(c); err != nil {
			return nil, err
		}
	}
	return w, w.makeRoles(parentID(1))
}

func (w *world) close() {
	w.gate.lift()
	_ = w.stacks.Close()
}

// configFor is how CloudFormation reaches the services with the stack role.
func (w *world) configFor(account, region, role string) aws.Config {
	if role == "" {
		return w.cloud.Config(account, region)
	}
	cfg := w.cloud.ConfigAs(account, region, role)
	cfg.HTTPClient = &http.Client{Transport: &line{w: w, side: Stacks, next: cfg.HTTPClient.(*http.Client).Transport}}
	cfg.Retryer = func() aws.Retryer { return w.retryer(3) } // the SDK's default
	return cfg
}

func (w *world) functionSession() aws.Credentials {
	return w.cloud.SessionCredentials(account, w.functionRole, "provisioner")
}

func (w *world) setCurrent(i *invocation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = i
}

// holdUp kills the function while CloudFormation works, and lets CloudFormation
// go on when the next event waits for it.
func (l *line) holdUp(ctx context.Context) error {
	l.w.mu.Lock()
	i := l.w.current
	l.w.mu.Unlock()
	if i == nil {
		return nil
	}
	i.kill()
	<-i.buried
	select {
	case <-l.w.gate.opened():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle lets CloudFormation work until nothing is under way.
func (w *world) settle(ctx context.Context) error {
	defer w.gate.lift()()
	return w.idle(ctx)
}

func (w *world) idle(ctx context.Context) error {
	for _, name := range append(slices.Clone(permissionStacks), parentName) {
		if _, _, err := w.stacks.Wait(ctx, account, region, name); err != nil {
			return fmt.Errorf("wait for stack %s: %w", name, err)
		}
	}
	return nil
}

// permissionStacks are the names of every parent's permission stacks: parents
// differ in their ids, not in their name.
var permissionStacks = installation.Parent{Name: parentName}.StackNames()

// parentID makes the id of the nth parent stack.
func parentID(n int) string {
	return fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%08d-2222-3333-4444-555555555555", region, account, parentName, n)
}

// serveParent makes the function one of a parent stack's, as a launch does.
func (w *world) serveParent(id string) error {
	w.mu.Lock()
	same := w.parent == id
	w.parent = id
	w.mu.Unlock()
	if same {
		return nil
	}
	bound, err := bindTemplate(id)
	if err != nil {
		return err
	}
	return w.putPolicies(bound, "ProvisionerRole")
}

// makeRoles makes two of the roles of template.yaml, with their rights as they
// are in the account of a customer.
func (w *world) makeRoles(parent string) error {
	w.parent = parent
	bound, err := bindTemplate(parent)
	if err == nil {
		w.functionRole, err = w.makeRole(bound, "ProvisionerRole")
	}
	if err == nil {
		w.stackRole, err = w.makeRole(bound, "StackRole")
	}
	return err
}

func (w *world) makeRole(bound *cfntemplate.Bound, id string) (arn string, err error) {
	arn = roleARN(id)
	properties, err := bound.Properties(id, roleARNs{})
	if err != nil {
		return "", fmt.Errorf("read %s of template.yaml: %w", id, err)
	}
	name := lastOf(arn)
	if _, err := w.iam.CreateRole(context.Background(), &iam.CreateRoleInput{
		RoleName: &name, Path: aws.String(installerPath), AssumeRolePolicyDocument: text(properties["AssumeRolePolicyDocument"]),
	}); err != nil {
		return "", fmt.Errorf("create role %s: %w", name, err)
	}
	return arn, w.putPolicies(bound, id)
}

func (w *world) putPolicies(bound *cfntemplate.Bound, id string) error {
	name := lastOf(roleARN(id))
	properties, err := bound.Properties(id, roleARNs{})
	if err != nil {
		return fmt.Errorf("read %s of template.yaml: %w", id, err)
	}
	for _, p := range properties["Policies"].([]any) {
		policy := p.(map[string]any)
		if _, err := w.iam.PutRolePolicy(context.Background(), &iam.PutRolePolicyInput{
			RoleName: &name, PolicyName: aws.String(policy["PolicyName"].(string)), PolicyDocument: text(policy["PolicyDocument"]),
		}); err != nil {
			return fmt.Errorf("put policy of role %s: %w", name, err)
		}
	}
	return nil
}

// lastOf is the name of a role in its ARN.
func lastOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

const installerPath = "/permstack/installer/"

func roleARN(id string) string {
	return "arn:aws:iam::" + account + ":role" + installerPath + parentName + "-" + id + "-1A2B3C"
}

// bindTemplate is template.yaml as a customer launches it.
func bindTemplate(stackID string) (*cfntemplate.Bound, error) {
	template, err := parsedTemplate()
	if err != nil {
		return nil, fmt.Errorf("read template.yaml: %w", err)
	}
	return template.Bind(cfntemplate.Environment{
		Parameters: map[string]string{"ControlPlaneRoleArn": controlPlane, "ExternalId": secret, "OnDrift": "revert"},
		Pseudo:     cfntemplate.Pseudo{AccountID: account, Region: region, StackName: parentName, StackID: stackID},
	})
}

var parsedTemplate = sync.OnceValues(func() (*cfntemplate.Template, error) { return cfntemplate.Parse(permstack.Template) })

// roleARNs resolves what the roles of the template refer to.
type roleARNs struct{}

func (roleARNs) Ref(id string) (any, error) {
	if id == "DriftState" {
		return stateParameter, nil
	}
	return "arn:aws:sns:" + region + ":" + account + ":" + parentName + "-" + id, nil
}

func (roleARNs) GetAtt(id, _ string) (any, error) { return roleARN(id), nil }

func text(v any) *string {
	data, err := json.Marshal(v)
	if err != nil { // values of templates always marshal
		panic(err)
	}
	return aws.String(string(data))
}

// inbox is where answers for CloudFormation arrive: a bucket that takes what is
// put to a presigned URL.
type inbox struct {
	mu      sync.Mutex
	answers map[string][][]byte // by URL
}

// RoundTrip takes an answer.
func (b *inbox) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPut {
		return nil, errors.New("an answer is a PUT")
	}
	status := http.StatusOK
	switch Break(r.Header.Get(faultHeader)) {
	case Throttled:
		status = http.StatusServiceUnavailable
	case Denied:
		status = http.StatusForbidden
	case Failing:
		status = http.StatusInternalServerError
	default:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		b.mu.Lock()
		b.answers[r.URL.String()] = append(b.answers[r.URL.String()], body)
		b.mu.Unlock()
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

// take gives what was put to a URL, and forgets it.
func (b *inbox) take(url string) [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.answers[url]
	delete(b.answers, url)
	return out
}
