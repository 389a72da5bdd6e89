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
)

// TestProcess breaks calls of the function as it is deployed: its own process,
// Lambda's Runtime API, real HTTP and the real clock. Killed means SIGKILL.
func TestProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: it builds the function and takes seconds")
	}
	program := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "permstack/functions/provisioner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tests := []struct {
		life   string
		side   Side
		action string
		kind   Kind
	}{
		{"create", Function, "cloudformation:CreateStack", Kind{Lost, Once}},
		{"create", Function, "cloudformation:CreateStack", Kind{Kill, Once}},
		{"create", Function, "cloudformation:CreateStack", Kind{KillSoon, Once}},
		{"create", Function, "cloudformation:DescribeStacks", Kind{Failing, Once}},
		{"create", Answer, "answer", Kind{Lost, Once}},
		{"create", Answer, "answer", Kind{Failing, Once}},
		{"update", Function, "cloudformation:UpdateStack", Kind{KillAfter, Once}},
		{"update", Function, "cloudformation:UpdateStack", Kind{Denied, Event}},
		{"update", Function, "cloudformation:GetTemplate", Kind{Throttled, Once}},
		{"update", Stacks, "iam:CreatePolicyVersion", Kind{Failing, Event}},
		{"delete", Function, "cloudformation:DeleteStack", Kind{KillSoon, Once}},
		{"delete", Answer, "answer", Kind{KillAfter, Once}},
	}
	for _, tc := range tests {
		t.Run(tc.life+"/"+tc.action+"/"+tc.kind.String(), func(t *testing.T) {
			t.Parallel()
			fault := Fault{Point{Side: tc.side, Action: tc.action}, tc.kind}
			w, err := newWorld(fault)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(w.close)
			w.asProcess(t, program)
			p := &parent{w: w, others: holdings{}}
			life := lifeNamed(t, tc.life)
			outcome, _, err := life.through(p)
			if err != nil {
				t.Fatal(err)
			}
			p.convergeOn(life.target)
			for _, problem := range p.problems {
				t.Errorf("%s, %s: %s", outcome, fault, problem)
			}
			if w.tape.struck() == 0 {
				t.Error("the fault was not met")
			}
		})
	}
}

// asProcess runs the function as a process that reaches the world over HTTP.
func (w *world) asProcess(t *testing.T, program string) {
	t.Helper()
	w.gate.lift() // time is real here
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	w.answersTo = server.URL
	runtime, err := lambdaruntime.Start(t.Context(), lambdaruntime.Config{
		Argv: []string{program}, FunctionName: "provisioner", Region: region, MemoryMB: 256,
		Timeout: 2 * time.Minute, InitTimeout: time.Minute, Output: w.log,
		Env: map[string]string{"STACK_ROLE_ARN": w.stackRole, "AWS_ENDPOINT_URL": server.URL},
		Credentials: func() lambdaruntime.Credentials {
			c := w.functionSession()
			return lambdaruntime.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runtime.Close() })
	w.run = func(i *invocation, payload []byte) error {
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

// serve is AWS over real HTTP: a call that breaks on the wire ends its connection.
func (w *world) serve(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	i := w.current
	w.mu.Unlock()
	l := &line{w: w, side: Function, inv: i, next: inner{w.cloud.Handler()}}
	if strings.HasPrefix(r.URL.Path, "/answers/") {
		l.side, l.next = Answer, w.inbox
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

// inner hands a call on to the embedded AWS.
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
