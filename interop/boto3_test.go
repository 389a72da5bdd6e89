package interop

import "testing"

// TestBoto3 runs scenario.py, the same scenario with boto3 and its waiters.
func TestBoto3(t *testing.T) {
	t.Parallel()
	python := tool(t, "PERMSTACK_PYTHON")
	if _, stderr, err := runProgram(t, environment("http://127.0.0.1:1", "111111111111", "us-east-1"), python, "-c",
		"import boto3"); err != nil {
		t.Skipf("skipped: %s cannot import boto3: %s", python, stderr)
	}
	endpoint := startLocal(t, buildCommand(t))
	stdout, stderr, err := runProgram(t, environment(endpoint, "333333333333", "us-west-2"), python, "interop/scenario.py")
	if err != nil {
		t.Errorf("scenario.py: %v\n%s%s", err, stdout, stderr)
	}
}
