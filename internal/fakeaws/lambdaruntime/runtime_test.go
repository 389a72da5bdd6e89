package lambdaruntime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var bootstrap = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bootstrap")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bootstrap")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", path, "./testdata/bootstrap").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := bootstrap(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func run(t *testing.T, c Config) *Runtime {
	t.Helper()
	path, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	c.Argv, c.FunctionName, c.FunctionARN, c.Region = []string{path}, "f", "arn:f", "eu-central-1"
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	r, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func invoke(t *testing.T, r *Runtime, payload string) Result {
	t.Helper()
	result, err := r.Invoke(t.Context(), []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestInvoke(t *testing.T) {
	var log bytes.Buffer
	r := run(t, Config{
		Output:      &log,
		Env:         map[string]string{"MINE": "yes"},
		MemoryMB:    256,
		Credentials: func() Credentials { return Credentials{"id", "secret", "token"} },
	})
	type reply struct {
		Count, PID int
		ARN        string
	}
	var first, second reply
	_ = json.Unmarshal(invoke(t, r, `{}`).Payload, &first)
	_ = json.Unmarshal(invoke(t, r, `{}`).Payload, &second)
	if first.Count != 1 || second.Count != 2 || first.PID != second.PID || first.ARN != "arn:f" {
		t.Errorf("got %+v, %+v, want one warm process", first, second)
	}
	for name, want := range map[string]string{
		"MINE": "yes", "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_REGION": "eu-central-1", "_HANDLER": "bootstrap",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_ACCESS_KEY_ID": "id", "AWS_SESSION_TOKEN": "token", "HOME": "",
	} {
		if got := string(invoke(t, r, `{"Do":"env","Env":"`+name+`"}`).Payload); got != `"`+want+`"` {
			t.Errorf("%s is %s, want %q", name, got, want)
		}
	}
	var left int64
	_ = json.Unmarshal(invoke(t, r, `{"Do":"deadline"}`).Payload, &left)
	if left <= 0 || left > 30_000 {
		t.Errorf("%d ms to the deadline, want at most 30000", left)
	}
	_ = r.Close()
	if !strings.Contains(log.String(), "a line of the log") {
		t.Errorf("log %q", log.String())
	}
	if _, err := r.Invoke(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name, do string
		config   Config
		want     []string
	}{
		{"error", "fail", Config{}, []string{`"errorMessage":"as instructed"`}},
		{"panic", "panic", Config{}, []string{`"errorMessage":"as instructed"`, "stackTrace"}},
		{"exit", "exit", Config{}, []string{"Runtime.ExitError", "Runtime exited with error: exit status 3"}},
		{
			"timeout",
			"hang",
			Config{Timeout: 300 * time.Millisecond},
			[]string{"Sandbox.Timedout", "Task timed out after 0.30 seconds"},
		},
		{"init", "", Config{Env: map[string]string{"INIT": "fail"}}, []string{"Runtime.ExitError", "exit status 4"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := run(t, tt.config)
			result := invoke(t, r, `{"Do":"`+tt.do+`"}`)
			if result.FunctionError != "Unhandled" {
				t.Errorf("FunctionError %q", result.FunctionError)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(result.Payload), want) {
					t.Errorf("payload %s, want %s", result.Payload, want)
				}
			}
			if tt.name == "init" {
				return
			}
			if again := invoke(t, r, `{}`); again.FunctionError != "" {
				t.Errorf("the next invocation fails: %s", again.Payload)
			}
		})
	}
}

func TestSerialAndCancelled(t *testing.T) {
	r := run(t, Config{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if result, err := r.Invoke(context.Background(), nil); err != nil || result.FunctionError != "" {
				t.Errorf("%v %s", err, result.Payload)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := r.Invoke(ctx, []byte(`{"Do":"hang"}`))
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if again := invoke(t, r, `{}`); again.FunctionError != "" {
		t.Errorf("the invocation after a cancelled one fails: %s", again.Payload)
	}
}

func TestMaxAge(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	r := run(t, Config{MaxAge: time.Hour, Clock: clock})
	first := invoke(t, r, `{}`).Payload
	mu.Lock()
	now = now.Add(2 * time.Hour)
	mu.Unlock()
	second := invoke(t, r, `{}`).Payload
	if !bytes.Contains(first, []byte(`"count":1`)) || !bytes.Contains(second, []byte(`"count":1`)) {
		t.Errorf("got %s, %s, want two processes", first, second)
	}
}

func TestStartRefuses(t *testing.T) {
	for _, argv := range [][]string{nil, {filepath.Join(t.TempDir(), "absent")}} {
		t.Run(fmt.Sprint(argv), func(t *testing.T) {
			if _, err := Start(t.Context(), Config{Argv: argv}); err == nil {
				t.Error("got no error")
			}
		})
	}
}
