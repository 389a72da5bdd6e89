package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/review/denial"
	"permstack/internal/review/livecheck"
)

// TestCheckAndWhyOfNarrowedStack checks the commands that read a stack on one that is narrowed: check tests the flows
// inside the scope, why names the scope, diff and drift find no difference.
func TestCheckAndWhyOfNarrowedStack(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	cloud := newAWS(t, nil)
	ctx := awsContext(t, cloud, "123456789012", "us-east-1")
	stack := cloud.In("123456789012", "us-east-1").Launch(fakeawstest.Launch{Parameters: map[string]string{
		"ProtectEC2": "no", "ProtectDynamoDB": "yes", "DataPlaneAccountId": "444455556666",
		"OnlyTables": "orders,inv-*", "OnlyMore": "region:us-east-1",
	}})
	command := func(want int, args ...string) string {
		t.Helper()
		var out, stderr bytes.Buffer
		if got := run(ctx, append(args, "--stack", stack.Name, "--region", "us-east-1"), &out, &stderr); got != want {
			t.Errorf("%s exits %d, want %d: %.3000s%s", args[0], got, want, out.String(), stderr.String())
		}
		return out.String()
	}
	var report livecheck.FlowReport
	if err := json.Unmarshal([]byte(command(exitOK, "check", "--output", "json")), &report); err != nil {
		t.Fatal(err)
	}
	if want := []string{"table:inv-*", "table:orders", "region:us-east-1"}; !slices.Equal(report.Scope, want) ||
		len(report.Flows) < 5 {
		t.Errorf("check: got scope %v and %d flows, want %v", report.Scope, len(report.Flows), want)
	}
	if text := command(exitOK, "check"); !strings.Contains(text, "in the scope of the stack: table:inv-*") {
		t.Errorf("check does not name the scope: %s", text)
	}
	var d denial.Diagnosis
	text := "User: arn:aws:sts::123456789012:assumed-role/" + stack.RoleName() + "/s is not authorized to perform: " +
		"dynamodb:DescribeStream on resource: arn:aws:dynamodb:us-east-1:123456789012:table/salaries/stream/1"
	if err := json.Unmarshal([]byte(command(exitOK, "why", text, "--output", "json")), &d); err != nil {
		t.Fatal(err)
	}
	if d.Reason != denial.OutOfScope || !strings.Contains(d.Text, "narrowed to tables inv-*, orders") {
		t.Errorf("why: got %s: %s", d.Reason, d.Text)
	}
	text = strings.ReplaceAll(strings.Replace(text, ":us-east-1:", ":eu-west-1:", 1), "salaries", "orders")
	if err := json.Unmarshal([]byte(command(exitOK, "why", text, "--output", "json")), &d); err != nil {
		t.Fatal(err)
	}
	if d.Reason != denial.OutOfScope || !strings.Contains(d.Text, "Regions us-east-1") {
		t.Errorf("why, of another Region: got %s: %s", d.Reason, d.Text)
	}
	command(exitOK, "diff")
	command(exitOK, "drift")
}
