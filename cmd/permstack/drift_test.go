package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/standalone"
	"permstack/internal/notify"
)

const oneRole = `{"Description": "permstack: access of profile clumio, catalogue 1", "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {
	"RoleName": "backup-role", "ManagedPolicyArns": [], "Policies": [],
	"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}}}}`

// TestDrift checks a stack that was deployed by hand, over HTTP and with the
// environment's AWS configuration.
func TestDrift(t *testing.T) {
	cloud, err := standalone.Start("127.0.0.1:0", standalone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL":            cloud.Endpoint,
		"AWS_ACCESS_KEY_ID":           "123456789012",
		"AWS_SECRET_ACCESS_KEY":       "local",
		"AWS_SESSION_TOKEN":           "",
		"AWS_PROFILE":                 "",
		"HOME":                        t.TempDir(),
		"AWS_CONFIG_FILE":             "/nonexistent",
		"AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	cfg := cloud.Config("123456789012", "eu-west-1")
	stacks, roles := cloudformation.NewFromConfig(cfg), iam.NewFromConfig(cfg)
	name := aws.String("byhand")
	create := &cloudformation.CreateStackInput{
		StackName: name, TemplateBody: aws.String(oneRole),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	if _, err := stacks.CreateStack(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	type options = cloudformation.StackCreateCompleteWaiterOptions
	waiter := cloudformation.NewStackCreateCompleteWaiter(stacks, func(o *options) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 50*time.Millisecond
	})
	if err := waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: name}, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	check := func(want int, args ...string) (string, string) {
		t.Helper()
		var out, stderr bytes.Buffer
		if got := run(t.Context(), append([]string{"drift", "--region", "eu-west-1"}, args...), &out, &stderr); got != want {
			t.Errorf("drift %q exits %d, want %d: %s%s", args, got, want, out.String(), stderr.String())
		}
		return out.String(), stderr.String()
	}
	out, stderr := check(0, "--stack", "byhand")
	if !strings.HasPrefix(out, "in sync  byhand (123456789012, eu-west-1)") || stderr != "" {
		t.Errorf("in sync: %q, %q", out, stderr)
	}
	if out, stderr := check(2, "--stack", "nothing"); out != "" || !strings.Contains(stderr, "does not exist") {
		t.Errorf("no such stack: %q, %q", out, stderr)
	}
	if _, err := stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName:    aws.String("theirs"),
		TemplateBody: aws.String(`{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}`),
	}); err != nil {
		t.Fatal(err)
	}
	theirs := &cloudformation.DescribeStacksInput{StackName: aws.String("theirs")}
	if err := waiter.Wait(t.Context(), theirs, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if out, stderr := check(2, "--stack", "theirs"); out != "" || !strings.Contains(stderr, "did not create this stack") {
		t.Errorf("stack of others: %q, %q", out, stderr)
	}
	attach := &iam.AttachRolePolicyInput{
		RoleName: aws.String("backup-role"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"),
	}
	if _, err := roles.AttachRolePolicy(t.Context(), attach); err != nil {
		t.Fatal(err)
	}
	out, _ = check(1, "--stack", "byhand")
	if !strings.HasPrefix(out, "DRIFTED") || !strings.Contains(out, "GRANTS MORE Role") ||
		!strings.Contains(out, "- grants more: added: Allow * on *") {
		t.Errorf("drifted: %s", out)
	}
	out, stderr = check(1, "--stack", "byhand", "--output", "json")
	var m notify.Message
	err = json.Unmarshal([]byte(out), &m)
	if err != nil || m.Schema != notify.Schema || len(m.Findings) != 1 ||
		m.Findings[0].Event != notify.Found || stderr != "" {
		t.Errorf("JSON: %v, %s, %q", err, out, stderr)
	}
	cloud.SetIntercept(func(c *protocol.Call) error {
		if c.Action == "ListAttachedRolePolicies" {
			return protocol.Errorf("AccessDenied",
				"User: x is not authorized to perform: iam:ListAttachedRolePolicies on resource: y").WithStatus(403)
		}
		return nil
	})
	out, _ = check(2, "--stack", "byhand")
	if !strings.Contains(out, "NOT COMPLETELY CHECKED") || !strings.Contains(out, "iam:ListAttachedRolePolicies") {
		t.Errorf("unreadable: %s", out)
	}
}
