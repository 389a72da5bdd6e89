package interop

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// samCLI is the SAM CLI for the commands of one test, which are forks of one Python process.
type samCLI struct {
	t   *testing.T
	in  *json.Encoder
	out *json.Decoder
}

// startSAM starts the CLI of PERMSTACK_SAM in a folder. Its virtual environment has the Python that it runs in.
func startSAM(t *testing.T, program, dir string, env []string) *samCLI {
	t.Helper()
	script, err := filepath.Abs("sam.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(program), "python"), script, t.TempDir())
	cmd.Dir, cmd.Env = dir, env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the SAM CLI's process: %v\n%s", err, stderr.String())
		}
	})
	return &samCLI{t: t, in: json.NewEncoder(stdin), out: json.NewDecoder(stdout)}
}

// run runs a command and returns its output; it fails the test if the command fails.
func (s *samCLI) run(args ...string) string {
	s.t.Helper()
	return s.answer(nil, args...)
}

// answer runs a command on a terminal, with answers to some of its prompts; the others get their defaults.
func (s *samCLI) answer(answers map[string]string, args ...string) string {
	s.t.Helper()
	call := struct {
		Args    []string          `json:"args"`
		Answers map[string]string `json:"answers"`
	}{args, answers}
	var reply struct {
		Status int
		Output string
	}
	err := s.in.Encode(call)
	if err == nil {
		err = s.out.Decode(&reply)
	}
	if err != nil {
		s.t.Fatalf("sam %s: %v", strings.Join(args, " "), err)
	}
	if reply.Status != 0 {
		s.t.Fatalf("sam %s: status %d\n%s", strings.Join(args, " "), reply.Status, tail(reply.Output))
	}
	return reply.Output
}
