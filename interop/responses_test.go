package interop

import "testing"

// TestResponses runs responses.py, which compares the responses of the embedded AWS
// with botocore's models.
func TestResponses(t *testing.T) {
	python := tool(t, "PERMSTACK_PYTHON")
	if _, stderr, err := runProgram(t, environment("http://127.0.0.1:1", "111111111111", "us-east-1"), python, "-c",
		"import boto3"); err != nil {
		t.Skipf("skipped: %s cannot import boto3: %s", python, stderr)
	}
	endpoint := startLocal(t, buildCommand(t))
	stdout, stderr, err := runProgram(t, environment(endpoint, "555555555555", "us-east-1"), python, "interop/responses.py")
	if err != nil {
		t.Errorf("responses.py: %v\n%s%s", err, stdout, stderr)
	}
	t.Log(stdout)
}
