package lambda

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/protocol"
)

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) { b.mu.Lock(); defer b.mu.Unlock(); return b.b.Write(p) }
func (b *buffer) String() string              { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

func registry(t *testing.T) (*Registry, *buffer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	if out, err := exec.Command("go", "build", "-o", path,
		"../lambdaruntime/testdata/bootstrap").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	log := &buffer{}
	r := New(Options{
		Code: func(c Code) ([]string, string, []string, error) {
			if c.Path != "code" {
				return nil, "", nil, errors.New("no such code")
			}
			return []string{path}, "", nil, nil
		},
		Credentials: func(account, role, function string) aws.Credentials {
			return aws.Credentials{AccessKeyID: account + " " + role + " " + function}
		},
		Endpoint:   func() string { return "http://here" },
		Output:     func(*Function) io.Writer { return log },
		RetryDelay: time.Millisecond,
	})
	t.Cleanup(func() { _ = r.Close() })
	return r, log
}

func function() Function {
	return Function{
		Account:     "111122223333",
		Region:      "eu-central-1",
		Name:        "f",
		Role:        "arn:aws:iam::111122223333:role/r",
		Code:        Code{Path: "code"},
		Timeout:     30,
		Environment: map[string]string{"V": "1"},
	}
}

func code(err error) string {
	var e *protocol.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestLife(t *testing.T) {
	r, _ := registry(t)
	f, err := r.Create(function())
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:lambda:eu-central-1:111122223333:function:f"; f.ARN() != want || f.MemoryMB != 128 {
		t.Errorf("%s with %d MB, want %s", f.ARN(), f.MemoryMB, want)
	}
	if _, err := r.Create(function()); code(err) != "ResourceConflictException" {
		t.Errorf("second Create: %v", err)
	}
	ask := func(name, want string) {
		t.Helper()
		result, err := r.Invoke(t.Context(), f.ARN(), []byte(`{"Do":"env","Env":"`+name+`"}`))
		if err != nil || string(result.Payload) != `"`+want+`"` {
			t.Errorf("%s: %v %s, want %q", name, err, result.Payload, want)
		}
	}
	ask("V", "1")
	ask("AWS_ENDPOINT_URL", "http://here")
	ask("AWS_ACCESS_KEY_ID", "111122223333 arn:aws:iam::111122223333:role/r arn:aws:lambda:eu-central-1:111122223333:function:f")
	changed := function()
	changed.Environment = map[string]string{"V": "2"}
	if _, err := r.Update(changed); err != nil {
		t.Fatal(err)
	}
	ask("V", "2")
	zero := 0
	changed.Reserved = &zero
	if _, err := r.Update(changed); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Invoke(t.Context(), f.ARN(), nil); code(err) != "TooManyRequestsException" {
		t.Errorf("reserved concurrency 0: %v", err)
	}
	if err := r.Delete(f.ARN()); err != nil {
		t.Error(err)
	}
	for _, err := range []error{r.Delete(f.ARN()), r.InvokeAsync(f.ARN(), nil)} {
		if code(err) != "ResourceNotFoundException" {
			t.Errorf("after Delete: %v", err)
		}
	}
}

func TestRetries(t *testing.T) {
	for retries, want := range map[int]int{-1: 3, 0: 1, 1: 2} {
		t.Run(fmt.Sprint(retries, " retries"), func(t *testing.T) {
			r, log := registry(t)
			f, err := r.Create(function())
			if err != nil {
				t.Fatal(err)
			}
			if retries >= 0 {
				_ = r.Change(f.ARN(), func(f *Function) error { f.AsyncRetries = &retries; return nil })
			}
			if err := r.InvokeAsync(f.ARN(), []byte(`{"Do":"fail"}`)); err != nil {
				t.Fatal(err)
			}
			r.Idle()
			_ = r.Close()
			if n := strings.Count(log.String(), "as instructed"); n != want {
				t.Errorf("%d retries: %d attempts, want %d", retries, n, want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	r, _ := registry(t)
	for name, spoil := range map[string]func(*Function){
		"name":     func(f *Function) { f.Name = "no good" },
		"role":     func(f *Function) { f.Role = "r" },
		"timeout":  func(f *Function) { f.Timeout = 901 },
		"memory":   func(f *Function) { f.MemoryMB = 1 },
		"reserved": func(f *Function) { f.Environment = map[string]string{"AWS_REGION": "x"} },
		"large":    func(f *Function) { f.Environment = map[string]string{"X": strings.Repeat("x", 5000)} },
	} {
		t.Run(name, func(t *testing.T) {
			f := function()
			spoil(&f)
			if _, err := r.Create(f); code(err) == "" {
				t.Errorf("%v", err)
			}
		})
	}
	f := function()
	f.Code.Path = "other"
	made, err := r.Create(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Invoke(t.Context(), made.ARN(), nil); code(err) != "InvalidRuntimeException" {
		t.Errorf("code that does not exist: got error %v", err)
	}
}

func TestInvoke(t *testing.T) {
	r, _ := registry(t)
	if _, err := r.Create(function()); err != nil {
		t.Fatal(err)
	}
	h := r.Handler(func(*http.Request) (account, region string) { return "111122223333", "eu-central-1" })
	for _, tt := range []struct {
		method, path, body, kind string
		status                   int
		want, functionError      string
	}{
		{"POST", "f/invocations", `{"Do":"env","Env":"V"}`, "", 200, `"1"`, ""},
		{"POST", "arn:aws:lambda:eu-central-1:111122223333:function:f/invocations", `{"Do":"fail"}`, "", 200, "as instructed",
			"Unhandled"},
		{"POST", "f/invocations", `{}`, "Event", 202, "", ""},
		{"POST", "g/invocations", `{}`, "", 404, "Function not found", ""},
		{"DELETE", "f", "", "", 501, "does not have", ""},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			q := httptest.NewRequest(tt.method, Prefix+tt.path, strings.NewReader(tt.body))
			q.Header.Set("X-Amz-Invocation-Type", tt.kind)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, q)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) ||
				w.Header().Get("X-Amz-Function-Error") != tt.functionError {
				t.Errorf("%s %s: %d %s %s", tt.method, tt.path, w.Code, w.Body, w.Header())
			}
		})
	}
}
