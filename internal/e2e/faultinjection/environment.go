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
	"permstack/internal/awsapi/livestate"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws"
	engine "permstack/internal/fakeaws/cloudformation"
	"permstack/internal/fakeaws/simclock"
	"permstack/internal/installation"
)

// Names of the environment. The account id is that of AWS's documentation.
const (
	account    = "123456789012"
	region     = "us-east-1"
	parentName = "backup"
	secret     = "example-external-id-5f0c"
)

// environment is one AWS account with the functions and their roles.
type environment struct {
	cloud    *fakeaws.Cloud
	engine   *engine.Engine
	clock    *simclock.Clock
	gate     *gate
	turns    *turns
	injector *injector
	access   *accessInvariant
	inbox    *inbox
	log      *functionLog

	responseURL             string // prefix of response URLs
	run                     func(*invocation, []byte) error
	functionRole, stackRole string
	checkRole               string
	cfn                     *cloudformation.Client
	live                    *livestate.Reader
	iam                     *iam.Client
	sns                     *sns.Client
	events                  *eventbridge.Client

	writes   atomic.Int64 // calls that may have changed the account
	cached   snapshot     // the snapshot after cachedAt writes
	cachedAt int64

	mu             sync.Mutex
	current        *invocation
	parent         string                // StackId, in the function's environment
	parents        []installation.Parent // every parent that was launched
	resourceStatus string                // of the parent's custom resource
}

// startTime is when every scenario starts. It is long past, because deadlines of
// contexts use the real clock and must not seem to have expired.
var startTime = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

// newEnvironment creates an account with the roles of template.yaml.
func newEnvironment(faults ...Fault) (*environment, error) {
	env := &environment{
		clock: simclock.New(startTime), gate: newGate(), turns: newTurns(), injector: newInjector(faults...),
		inbox:       &inbox{responses: map[string][][]byte{}},
		log:         &functionLog{secrets: []string{secret, signature}},
		responseURL: "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
		run: func(i *invocation, payload []byte) error {
			_, err := i.handler().Invoke(i.ctx, payload)
			return err
		},
	}
	env.cloud = fakeaws.New(fakeaws.Options{Clock: env.clock.Now, Intercept: intercept})
	env.access = &accessInvariant{iam: env.cloud.IAM(), asFirstParent: env.asFirstParent}
	env.engine = engine.New(engine.Deps{
		ConfigFor: env.configFor, ConfigCaller: env.cloud.ConfigCaller,
		Assumable: env.cloud.AssumableBy, Clock: env.clock.Now,
		Begin: env.beginOperation,
	})
	env.cloud.Register(env.engine.Definition())
	cfg := env.cloud.Config(account, region)
	env.live = livestate.NewReader(cfg)
	env.cfn, env.iam = cloudformation.NewFromConfig(cfg), iam.NewFromConfig(cfg)
	env.sns, env.events = sns.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	for _, c := range []choice{oldChoice, newChoice} {
		if err := env.access.allowChoice(c); err != nil {
			return nil, err
		}
	}
	return env, env.createRoles(parentID(1))
}

func (env *environment) close() {
	env.gate.unblock()
	_ = env.engine.Close()
}

// configFor is how CloudFormation calls the services with the stack role.
func (env *environment) configFor(account, region, role string) aws.Config {
	if role == "" {
		return env.cloud.Config(account, region)
	}
	cfg := env.cloud.ConfigAs(account, region, role)
	cfg.HTTPClient = &http.Client{
		Transport: &faultyTransport{env: env, caller: StackRole, next: cfg.HTTPClient.(*http.Client).Transport},
	}
	cfg.Retryer = func() aws.Retryer { return env.retryer(3) } // the SDK's default
	return cfg
}

// beginOperation blocks an operation of CloudFormation until the gate is open and
// every earlier operation has ended, so that calls have the same order in every run.
func (env *environment) beginOperation(ctx context.Context, n int) (end func()) {
	env.turns.wait(n)
	select {
	case <-env.gate.unblocked():
	case <-ctx.Done():
	}
	return env.turns.end
}

func (env *environment) functionSession() aws.Credentials {
	return env.cloud.FunctionCredentials(account, env.functionRole, provisionerARN)
}

func (env *environment) setCurrent(i *invocation) {
	env.mu.Lock()
	defer env.mu.Unlock()
	env.current = i
}

// killDuringOperation kills the function while CloudFormation works, and lets
// CloudFormation continue when the next event waits for it.
func (l *faultyTransport) killDuringOperation(ctx context.Context) error {
	l.env.mu.Lock()
	i := l.env.current
	l.env.mu.Unlock()
	if i == nil {
		return nil
	}
	i.kill()
	<-i.finished
	select {
	case <-l.env.gate.unblocked():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// waitForStacks lets CloudFormation work until no operation is in progress.
func (env *environment) waitForStacks(ctx context.Context) error {
	defer env.gate.unblock()()
	return env.waitUntilIdle(ctx)
}

func (env *environment) waitUntilIdle(ctx context.Context) error {
	for _, name := range append(env.permissionStacks(), parentName) {
		if _, _, err := env.engine.Wait(ctx, account, region, name); err != nil {
			return fmt.Errorf("wait for stack %s: %w", name, err)
		}
	}
	return nil
}

// permissionStacks returns the names of the permission stacks of every parent that
// was launched: parents differ in their ids, not in their name.
func (env *environment) permissionStacks() []string {
	env.mu.Lock()
	defer env.mu.Unlock()
	var out []string
	for _, p := range env.parents {
		out = append(out, p.StackNames()...)
	}
	return out
}

// asFirstParent returns a text with the UUIDs of all parents replaced by the one of
// the first, for which choice.synthesize computes what is expected.
func (env *environment) asFirstParent(text string) string {
	env.mu.Lock()
	defer env.mu.Unlock()
	for _, p := range env.parents {
		text = strings.ReplaceAll(text, p.StackMarker(), firstParent.StackMarker())
		text = strings.ReplaceAll(text, "_"+p.ShortID(), "_"+firstParent.ShortID())
	}
	return text
}

var firstParent = func() installation.Parent {
	p, err := installation.ParseParent(parentID(1))
	if err != nil {
		panic(err) // a constant
	}
	return p
}()

// parentID returns the id of the nth parent stack.
func parentID(n int) string {
	return fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%08d-2222-3333-4444-555555555555",
		region, account, parentName, n)
}

// serveParent makes the function belong to a parent stack, as a launch does.
func (env *environment) serveParent(id string) error {
	env.mu.Lock()
	same := env.parent == id
	env.parent = id
	known := slices.ContainsFunc(env.parents, func(p installation.Parent) bool { return p.ID == id })
	parent, err := installation.ParseParent(id)
	if err == nil && !known {
		env.parents = append(env.parents, parent)
	}
	env.mu.Unlock()
	if err != nil {
		return err
	}
	if same {
		return nil
	}
	bound, err := bindTemplate(id)
	if err != nil {
		return err
	}
	return env.putPolicies(bound, "ProvisionerRole")
}

// roleNameInARN returns the name of a role in its ARN.
func roleNameInARN(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

const installerPath = "/permstack/us-east-1/main/installer/"

var provisionerARN = functionARN(parentName + "-Provisioner-1A2B3C")

func functionARN(name string) string {
	return "arn:aws:lambda:" + region + ":" + account + ":function:" + name
}

func roleARN(id string) string {
	return "arn:aws:iam::" + account + ":role" + installerPath + parentName + "-" + id + "-1A2B3C"
}

// bindTemplate returns template.yaml as a customer launches it.
func bindTemplate(stackID string) (*cfntemplate.Resolved, error) {
	template, err := parsedTemplate()
	if err != nil {
		return nil, fmt.Errorf("read template.yaml: %w", err)
	}
	return template.ResolveParameters(cfntemplate.Environment{
		Parameters: map[string]string{
			"ControlPlaneRoleArn": controlPlane, "ExternalId": secret, "OnDrift": "revert", "ResourceTags": "team=storage",
		},
		Pseudo: cfntemplate.Pseudo{AccountID: account, Region: region, StackName: parentName, StackID: stackID},
	})
}

var parsedTemplate = sync.OnceValues(
	func() (*cfntemplate.Template, error) { return cfntemplate.Parse(permstack.Template) },
)

// roleARNs resolves the references of the template's roles.
type roleARNs struct{}

func (roleARNs) Ref(id string) (any, error) {
	switch id {
	case "DriftState":
		return stateParameter, nil
	case "VendorCeiling":
		return ceilingARN, nil
	}
	return "arn:aws:sns:" + region + ":" + account + ":" + parentName + "-" + id, nil
}

func (roleARNs) GetAtt(id, _ string) (any, error) {
	if id == "Provisioner" {
		return provisionerARN, nil
	}
	return roleARN(id), nil
}

func text(v any) *string {
	data, err := json.Marshal(v)
	if err != nil { // values of templates always marshal
		panic(err)
	}
	return aws.String(string(data))
}

// inbox receives responses for CloudFormation: a bucket that accepts PUT requests
// to presigned URLs.
type inbox struct {
	mu        sync.Mutex
	responses map[string][][]byte // by URL
}

// RoundTrip receives a response.
func (b *inbox) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPut {
		return nil, errors.New("a response must be a PUT request")
	}
	status := http.StatusOK
	switch Failure(r.Header.Get(faultHeader)) {
	case Throttled:
		status = http.StatusServiceUnavailable
	case Denied:
		status = http.StatusForbidden
	case InternalError:
		status = http.StatusInternalServerError
	default:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		b.mu.Lock()
		b.responses[r.URL.String()] = append(b.responses[r.URL.String()], body)
		b.mu.Unlock()
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

// take returns and removes what was put to a URL.
func (b *inbox) take(url string) [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.responses[url]
	delete(b.responses, url)
	return out
}
