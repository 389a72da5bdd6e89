package interop

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// awsCLI is the AWS CLI for the commands of one test, in one Python process.
type awsCLI struct {
	t        *testing.T
	endpoint string
	in       *json.Encoder
	out      *json.Decoder
}

// startAWSCLI starts the CLI of PERMSTACK_AWS_CLI. Its virtual environment has the Python that it runs in.
func startAWSCLI(t *testing.T, endpoint string) *awsCLI {
	t.Helper()
	python := filepath.Join(filepath.Dir(tool(t, "PERMSTACK_AWS_CLI")), "python")
	cmd := exec.Command(python, "interop/aws.py")
	cmd.Dir, cmd.Env = root, environment(endpoint, "111111111111", "us-east-1")
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
			t.Errorf("the AWS CLI's process: %v\n%s", err, stderr.String())
		}
	})
	return &awsCLI{t: t, endpoint: endpoint, in: json.NewEncoder(stdin), out: json.NewDecoder(stdout)}
}

// at returns the CLI in one account and Region.
func (a *awsCLI) at(account, region string) cli {
	return cli{a, environment(a.endpoint, account, region), account + " " + region}
}

// call runs one command.
func (a *awsCLI) call(env, args []string) (stdout, stderr string, status int) {
	a.t.Helper()
	variables := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		variables[name] = value
	}
	var reply struct {
		Status         int
		Stdout, Stderr string
	}
	if err := a.in.Encode(map[string]any{"env": variables, "args": args}); err != nil {
		a.t.Fatalf("aws %s: %v", strings.Join(args, " "), err)
	}
	if err := a.out.Decode(&reply); err != nil {
		a.t.Fatalf("aws %s: %v", strings.Join(args, " "), err)
	}
	return reply.Stdout, reply.Stderr, reply.Status
}
