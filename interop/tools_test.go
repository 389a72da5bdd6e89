package interop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// root is the root folder of the repository.
const root = ".."

// tool returns the program that an environment variable names, and skips the test if there is none.
func tool(t *testing.T, variable string) string {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		t.Skipf("skipped: %s names no program (./build.sh test installs it and sets this)", variable)
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("skipped: %s: %v", variable, err)
	}
	return program
}

// built is the command line for all tests of a run, in a folder that TestMain removes.
var built struct {
	sync.Once
	dir string
	err error
}

// buildCommand builds the command line from source.
func buildCommand(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "permstack-interop-"); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", built.dir, "./cmd/permstack")
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("build the command: %v", built.err)
	}
	return filepath.Join(built.dir, "permstack")
}

// startLocal runs `permstack local` until the test ends and returns its endpoint.
func startLocal(t *testing.T, program string, flags ...string) string {
	t.Helper()
	cmd := exec.Command(program, append([]string{"local", "--listen", "127.0.0.1:0"}, flags...)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			default:
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		if err := cmd.Wait(); err != nil {
			t.Errorf("permstack local did not stop cleanly: %v\n%s", err, stderr.String())
		}
	})
	deadline := time.After(5 * time.Minute)
	for {
		select {
		case line := <-lines:
			for _, word := range strings.Fields(line) {
				if url := strings.TrimRight(word, "."); strings.HasPrefix(url, "http://127.0.0.1:") {
					return url
				}
			}
		case <-drained:
			t.Fatalf("permstack local ended: %s", stderr.String())
		case <-deadline:
			t.Fatalf("permstack local has not printed an endpoint: %s", stderr.String())
		}
	}
}

// environment returns a minimal environment with the endpoint, and the account as credentials.
func environment(endpoint, account, region string) []string {
	env := []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_ACCESS_KEY_ID=" + account, "AWS_SECRET_ACCESS_KEY=local",
		"AWS_DEFAULT_REGION=" + region, "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
	if folder, err := filepath.Abs("python"); err == nil {
		env = append(env, "PYTHONPATH="+folder)
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// runProgram runs a program in the root folder and returns its output.
func runProgram(t *testing.T, env []string, program string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = root, env
	var outBuffer, errBuffer bytes.Buffer
	cmd.Stdout, cmd.Stderr = &outBuffer, &errBuffer
	err = cmd.Run()
	return outBuffer.String(), errBuffer.String(), err
}
