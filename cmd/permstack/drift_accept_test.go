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

	"permstack/internal/fakeaws/standalone"
	"permstack/internal/notify"
)

// TestDriftAccept accepts a difference, which is then shown as accepted, and withdraws
// the acceptance.
func TestDriftAccept(t *testing.T) {
	cloud, err := standalone.Start("127.0.0.1:0", standalone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": cloud.Endpoint, "AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "HOME": t.TempDir(), "AWS_CONFIG_FILE": "/nonexistent",
		"AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_REGION": "eu-west-1",
	} {
		t.Setenv(name, value)
	}
	cfg := cloud.Config("123456789012", "eu-west-1")
	template := strings.Replace(oneRole, `"Resources"`, `"Parameters": {"AcceptedDifferences": {"Type": "String",
		"Default": ""}}, "Outputs": {"Accepted": {"Value": {"Fn::Sub": "[${AcceptedDifferences}]"}}}, "Resources"`, 1)
	client := cloudformation.NewFromConfig(cfg)
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("byhand"), TemplateBody: &template,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cloud.Stacks.Wait(t.Context(), "123456789012", "eu-west-1", "byhand"); err != nil {
		t.Fatal(err)
	}
	if _, err := iam.NewFromConfig(cfg).AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{
		RoleName: aws.String("backup-role"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"),
	}); err != nil {
		t.Fatal(err)
	}
	command := func(want int, args ...string) string {
		t.Helper()
		var out, stderr bytes.Buffer
		if got := run(t.Context(), append([]string{"drift"}, args...), &out, &stderr); got != want {
			t.Fatalf("drift %q exits %d, want %d: %s%s", args, got, want, out.String(), stderr.String())
		}
		return out.String() + stderr.String()
	}
	var m notify.Message
	if err := json.Unmarshal([]byte(command(1, "--stack", "byhand", "--output", "json")), &m); err != nil {
		t.Fatal(err)
	}
	id, day := m.Findings[0].ID, time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	accept := func(args ...string) []string { return append([]string{"accept", "--stack", "byhand"}, args...) }
	out := command(0, accept("--finding", id, "--reason", "a guardrail", "--until", day)...)
	if want := "until " + day + " by 123456789012:root: a guardrail"; !strings.Contains(out, want) {
		t.Errorf("got %q, want %q", out, want)
	}
	if out := command(0, "--stack", "byhand"); !strings.Contains(out, "ACCEPTED    Role") ||
		!strings.Contains(out, "until "+day) {
		t.Errorf("got\n%s\nwant the accepted difference", out)
	}
	command(0, accept("--withdraw", id)...)
	command(1, "--stack", "byhand")
	for name, args := range map[string][]string{
		"not a finding":  {"--finding", "0000000000000000", "--reason", "x", "--until", day},
		"not accepted":   {"--withdraw", id},
		"no reason":      {"--finding", id, "--until", day},
		"too long":       {"--finding", id, "--reason", "x", "--until", "2099-01-01"},
		"in the past":    {"--finding", id, "--reason", "x", "--until", "2020-01-01"},
		"no day":         {"--finding", id, "--reason", "x"},
		"semicolon":      {"--finding", id, "--reason", "x; y", "--until", day},
		"two operations": {"--finding", id, "--withdraw", id},
	} {
		t.Run(name, func(t *testing.T) { command(2, accept(args...)...) })
	}
}
