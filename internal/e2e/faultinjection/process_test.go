package faultinjection

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"permstack/internal/fakeaws/lambdaruntime"
	"permstack/internal/iampolicy/policytest"
)

// TestProcess injects faults into the function as it is deployed: its own process,
// Lambda's Runtime API, HTTP and the real clock. Killed means SIGKILL.
func TestProcess(t *testing.T) {
	policytest.RequireSlow(t, "it builds the function and waits as long as AWS")
	program := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-o", program, "permstack/functions/provisioner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tests := []struct {
		scenario string
		caller   Caller
		action   string
		kind     Kind
	}{
		{"create", Function, "cloudformation:CreateStack", Kind{ResponseLost, Once}},
		{"create", Function, "cloudformation:CreateStack", Kind{KillBefore, Once}},
		{"create", Function, "cloudformation:CreateStack", Kind{KillDuring, Once}},
		{"create", Function, "cloudformation:DescribeStacks", Kind{InternalError, Once}},
		{"create", Response, "response", Kind{ResponseLost, Once}},
		{"create", Response, "response", Kind{InternalError, Once}},
		{"update", Function, "cloudformation:UpdateStack", Kind{KillAfter, Once}},
		{"update", Function, "cloudformation:UpdateStack", Kind{Denied, UntilHandled}},
		{"update", Function, "cloudformation:GetTemplate", Kind{Throttled, Once}},
		{"update", StackRole, "iam:CreatePolicyVersion", Kind{InternalError, UntilHandled}},
		{"delete", Function, "cloudformation:DeleteStack", Kind{KillDuring, Once}},
		{"delete", Response, "response", Kind{KillAfter, Once}},
	}
	for _, tc := range tests {
		t.Run(tc.scenario+"/"+tc.action+"/"+tc.kind.String(), func(t *testing.T) {
			t.Parallel()
			fault := Fault{Point{Caller: tc.caller, Action: tc.action}, tc.kind}
			env, err := newEnvironment(fault)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(env.close)
			env.asProcess(t, program)
			p := &parent{env: env, thirdParty: snapshot{}}
			scenario := scenarioNamed(t, tc.scenario)
			outcome, _, err := scenario.execute(p)
			if err != nil {
				t.Fatal(err)
			}
			p.convergeOn(scenario.nextChoice)
			for _, problem := range p.problems {
				t.Errorf("%s, %s: %s", outcome, fault, problem)
			}
			if env.injector.injectedFaults() == 0 {
				t.Error("the fault was not injected")
			}
		})
	}
}

// asProcess runs the function as a process that reaches the environment over HTTP.
func (env *environment) asProcess(t *testing.T, program string) {
	t.Helper()
	env.gate.unblock() // time is real here
	server := httptest.NewServer(http.HandlerFunc(env.serve))
	t.Cleanup(server.Close)
	env.responseURL = server.URL
	runtime, err := lambdaruntime.Start(t.Context(), lambdaruntime.Config{
		Argv: []string{program}, FunctionName: "provisioner", Region: region, MemoryMB: 256,
		Timeout: 15 * time.Minute, InitTimeout: time.Minute, Output: env.log,
		Env: map[string]string{"STACK_ROLE_ARN": env.stackRole, "AWS_ENDPOINT_URL": server.URL},
		Credentials: func() lambdaruntime.Credentials {
			c := env.functionSession()
			return lambdaruntime.Credentials{
				AccessKeyID:     c.AccessKeyID,
				SecretAccessKey: c.SecretAccessKey,
				SessionToken:    c.SessionToken,
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runtime.Close() })
	env.run = func(i *invocation, payload []byte) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		defer context.AfterFunc(i.ctx, cancel)()
		go func() {
			select {
			case <-i.killed:
				cancel() // the runtime kills the process
			case <-ctx.Done():
			}
		}()
		result, err := runtime.Invoke(ctx, payload)
		if err == nil && result.FunctionError != "" {
			err = errors.New(string(result.Payload))
		}
		return err
	}
}

// serve serves AWS over HTTP: a call that fails in the transport closes its
// connection.
func (env *environment) serve(out http.ResponseWriter, r *http.Request) {
	env.mu.Lock()
	i := env.current
	env.mu.Unlock()
	l := &faultyTransport{env: env, caller: Function, invocation: i, next: inner{env.cloud.Handler()}}
	if strings.HasPrefix(r.URL.Path, "/responses/") {
		l.caller, l.next = Response, env.inbox
		r.URL.Scheme, r.URL.Host = "http", r.Host
	}
	res, err := l.RoundTrip(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer res.Body.Close()
	for k, v := range res.Header {
		out.Header()[k] = v
	}
	out.WriteHeader(res.StatusCode)
	_, _ = io.Copy(out, res.Body)
}

// inner passes a call to the embedded AWS.
type inner struct{ handler http.Handler }

func (n inner) RoundTrip(r *http.Request) (*http.Response, error) {
	record := httptest.NewRecorder()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	n.handler.ServeHTTP(record, r)
	return record.Result(), nil
}
