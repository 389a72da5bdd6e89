package interop

import (
	"strings"
	"testing"
)

// samCLI is the SAM CLI for the commands of one test, which are forks of one Python process.
type samCLI struct {
	t *testing.T
	pythonProcess
}

// startSAM starts the CLI of PERMSTACK_SAM in a folder. Its virtual environment has the Python that it runs in.
func startSAM(t *testing.T, program, dir string, env []string) *samCLI {
	t.Helper()
	return &samCLI{t, startPython(t, "the SAM CLI", program, dir, env, "sam.py", t.TempDir())}
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
	if err := s.do(call, &reply); err != nil {
		s.t.Fatalf("sam %s: %v", strings.Join(args, " "), err)
	}
	if reply.Status != 0 {
		s.t.Fatalf("sam %s: status %d\n%s", strings.Join(args, " "), reply.Status, tail(reply.Output))
	}
	return reply.Output
}
