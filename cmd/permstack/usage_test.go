package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/review/usage"
)

// TestUsage checks permstack usage on a launched stack: nothing used, one action used, reports that are refused.
func TestUsage(t *testing.T) {
	policytest.RequireSlow(t, "it launches stacks")
	t.Parallel()
	cloud := newAWS(t, nil)
	ctx := awsContext(t, cloud, "123456789012", "us-east-1")
	stack := cloud.In("123456789012", "us-east-1").Launch(fakeawstest.Launch{})
	command := func(want int, format string) string {
		t.Helper()
		var out, stderr bytes.Buffer
		args := []string{"usage", "--stack", stack.Name, "--region", "us-east-1", "--output", format}
		if got := run(ctx, args, &out, &stderr); got != want {
			t.Errorf("usage exits %d, want %d: %.3000s%s", got, want, out.String(), stderr.String())
		}
		return out.String() + stderr.String()
	}
	report := func(want int) usage.Report {
		t.Helper()
		var r usage.Report
		if err := json.Unmarshal([]byte(command(want, "json")), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}

	r := report(exitFound)
	if r.Used != 0 || r.Unused < 10 || r.StackDays == nil || *r.StackDays != 0 {
		t.Errorf("new stack: got %d used, %d unused, age %v", r.Used, r.Unused, r.StackDays)
	}
	for _, a := range r.Actions {
		if a.Action == "iam:PassRole" && a.Status != usage.NoData {
			t.Errorf("%s: got %s, want no data", a.Action, a.Status)
		}
	}
	if n := cloud.Cloud.CallCount("iam:GenerateServiceLastAccessedDetails"); n != len(r.Roles) {
		t.Errorf("got %d reports for %d roles", n, len(r.Roles))
	}

	// The data includes refused calls.
	role := iam.NewFromConfig(cloud.ConfigAs("123456789012", "us-east-1", stack.Outputs["RoleArn"]))
	_, _ = role.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(stack.RoleName())})
	r = report(exitFound)
	i := slices.IndexFunc(r.Actions, func(a usage.Action) bool { return a.Status == usage.Used })
	if i < 0 || r.Actions[i].LastUsed == nil || r.Actions[i].Evidence != usage.ByAction {
		t.Errorf("after a call of the role: got %d used of %d", r.Used, len(r.Actions))
	}
	if text := command(exitFound, "table"); !strings.Contains(text, "granted actions were not used in 90 days") {
		t.Errorf("got %s", text)
	}
	if text := command(exitFound, "csv"); strings.Count(text, "\n") != len(r.Actions)+1 {
		t.Errorf("got %d lines of CSV for %d actions", strings.Count(text, "\n"), len(r.Actions))
	}

	cloud.SetIntercept(func(call *protocol.Call) error {
		if call.Action == "GenerateServiceLastAccessedDetails" {
			return protocol.Errorf("AccessDenied", "not authorized")
		}
		return nil
	})
	if text := command(exitNotRun, "table"); !strings.Contains(text, "request last accessed data") {
		t.Errorf("without the permission: got %s", text)
	}
	cloud.SetIntercept(nil)
}
