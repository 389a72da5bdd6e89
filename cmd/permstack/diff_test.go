package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"permstack/internal/iampolicy/policytest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// TestDiffDeployedStack launches the stack on the embedded AWS and compares it
// with this release, with more access and with less.
func TestDiffDeployedStack(t *testing.T) {
	policytest.RequireSlow(t, "it launches stacks")
	program := filepath.Join(t.TempDir(), "permstack")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v: %s", err, out)
	}
	url := startLocal(t, program)
	client := cloudformation.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "local", ""),
	})
	in := &cloudformation.CreateStackInput{
		StackName: aws.String("backup"), TemplateURL: aws.String(url + "/permstack-local-templates/" + launchTemplate),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	for key, value := range map[string]string{
		"ExternalId": "very-secret", "ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control",
		"ConnectionId": "c-1", "DataPlaneAccountId": "444455556666", "ProtectS3": "yes",
	} {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &key, ParameterValue: &value})
	}
	if _, err := client.CreateStack(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	wait := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 200*time.Millisecond, 200*time.Millisecond
	})
	err := wait.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: in.StackName}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		choice string
		status int
		want   string
	}{
		{"", exitOK, "No change"},
		{"clumio:ec2", exitOK, "access does not grow"},
		{"clumio:ec2,s3,rds", exitFound, "access grows"},
	} {
		t.Run("B="+c.choice, func(t *testing.T) {
			args := []string{"diff", "--stack", "backup"}
			if c.choice != "" {
				args = append(args, c.choice)
			}
			cmd := exec.Command(program, args...)
			cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+url, "AWS_REGION=eu-west-1",
				"AWS_ACCESS_KEY_ID=123456789012", "AWS_SECRET_ACCESS_KEY=local")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			status := 0
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				status = exit.ExitCode()
			}
			if status != c.status || !strings.Contains(stdout.String(), c.want) {
				t.Errorf("%s: exit status %d, want %d and %q\n%.2000s%s", c.choice, status, c.status, c.want, &stdout, &stderr)
			}
			if strings.Contains(stdout.String()+stderr.String(), "very-secret") {
				t.Errorf("%s: the external id is shown", c.choice)
			}
		})
	}
}

// startLocal runs the embedded AWS until the test ends and returns its endpoint.
func startLocal(t *testing.T, program string) string {
	t.Helper()
	cmd := exec.Command(program, "local", "--listen", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := endpoint.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	t.Fatal("the embedded AWS printed no endpoint")
	return ""
}
