package interop

import "testing"

// TestResponses runs responses.py, which compares the responses of the embedded AWS
// with botocore's models.
func TestResponses(t *testing.T) {
	t.Parallel()
	python := tool(t, "PERMSTACK_PYTHON")
	endpoint := startLocal(t, buildCommand(t))
	env := environment(endpoint, "555555555555", "us-east-1")
	if _, stderr, err := runProgram(t, env, python, "-c", "import boto3"); err != nil {
		t.Skipf("skipped: %s cannot import boto3: %s", python, stderr)
	}
	stdout, stderr, err := runProgram(t, env, python, "interop/responses.py")
	if err != nil {
		t.Errorf("responses.py: %v\n%s%s", err, stdout, stderr)
	}
	t.Log(stdout)
}
