package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"permstack/internal/fakeaws/standalone"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/release"
)

// startAccount starts an embedded AWS in the place of AWS, to which the environment
// refers, and works in an empty directory.
func startAccount(t *testing.T) *standalone.Server {
	t.Helper()
	options, err := standaloneOptions()
	if err != nil {
		t.Fatal(err)
	}
	server, err := standalone.Start("127.0.0.1:0", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.Endpoint, "AWS_ACCESS_KEY_ID": "210987654321", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_REGION": "eu-west-1", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	t.Chdir(t.TempDir())
	build := buildFunctions
	t.Cleanup(func() { buildFunctions = build })
	buildFunctions = func(_ context.Context, _ string, names []string) (map[string][]byte, error) {
		zips := map[string][]byte{}
		for _, name := range names {
			var zip bytes.Buffer
			if err := release.PackProgram(&zip, strings.NewReader("not the program of "+name+"\n")); err != nil {
				return nil, err
			}
			zips[name] = zip.Bytes()
		}
		return zips, nil
	}
	return server
}

// stacks returns how many stacks exist in the account.
func stacks(t *testing.T, server *standalone.Server) int {
	t.Helper()
	client := cloudformation.NewFromConfig(server.Config("210987654321", "eu-west-1"))
	out, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Stacks)
}

// execute runs a command line that has nothing to read.
func execute(ctx context.Context, args ...string) (status int, output string) {
	var out bytes.Buffer
	status = run(ctx, args, &out, &out)
	return status, out.String()
}

func TestTryAWS(t *testing.T) {
	policytest.RequireSlow(t, "it launches and deletes stacks")
	server := startAccount(t)
	status, out := execute(t.Context(), "try", "--aws", "--assets", "ec2")
	if status != exitNotRun || !strings.Contains(out, "not confirmed: nothing was changed") ||
		!strings.Contains(out, "Cost: below") {
		t.Errorf("without a confirmation: got status %d\n%s", status, out)
	}
	if n := stacks(t, server); n > 0 {
		t.Errorf("without a confirmation: %d stacks exist", n)
	}
	status, out = execute(t.Context(), "try", "--aws", "--yes", "--assets", "ec2")
	if status != exitOK || !strings.Contains(out, "Every step succeeded") ||
		!strings.Contains(out, "Nothing of the run remains.") {
		t.Fatalf("got status %d\n%s", status, out)
	}
	files, err := filepath.Glob("try-aws-*.json")
	if err != nil || len(files) != 1 {
		t.Fatalf("got recordings %v, %v, want one", files, err)
	}
	if status, out = execute(t.Context(), "local", "--compare", files[0]); status != exitOK {
		t.Errorf("compare: got status %d\n%s", status, out)
	}
}

// TestTryAWSFails ends a run by a step that fails, and one by a context that ends.
func TestTryAWSFails(t *testing.T) {
	server := startAccount(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	interrupt()
	if status, out := execute(ctx, "try", "--aws", "--yes", "--assets", "ec2"); status != exitNotRun {
		t.Errorf("interrupted: got status %d\n%s", status, out)
	}
	t.Setenv("AWS_REGION", "eu-nowhere-1")
	if status, out := execute(t.Context(), "try", "--aws", "--yes"); status != exitNotRun ||
		!strings.Contains(out, `unknown Region "eu-nowhere-1"`) {
		t.Errorf("unknown Region: got status %d\n%s", status, out)
	}
	t.Setenv("AWS_REGION", "eu-west-1")
	status, out := execute(t.Context(), "try", "--aws", "--clean-up", "--yes")
	if status != exitOK || !strings.Contains(out, "Nothing of permstack try remains") {
		t.Errorf("clean-up: got status %d\n%s", status, out)
	}
	if n := stacks(t, server); n > 0 {
		t.Errorf("%d stacks remain", n)
	}
}

// TestTry executes the demo of a profile that template.yaml does not have.
func TestTry(t *testing.T) {
	policytest.RequireSlow(t, "it launches stacks")
	t.Parallel()
	status, out := execute(t.Context(), "try", "--profile", "aws-backup", "--assets", "efs")
	if status != exitOK || !strings.Contains(out, "BackupServiceRole") ||
		!strings.Contains(out, "Every step succeeded") {
		t.Errorf("got status %d, want %d with every step:\n%s", status, exitOK, out)
	}
	status, out = execute(t.Context(), "try", "--profile", "acme")
	if want := "choose one of aws-backup, clumio, cpm, veeam"; status != exitNotRun || !strings.Contains(out, want) {
		t.Errorf("got status %d, want %d with %q:\n%s", status, exitNotRun, want, out)
	}
}
