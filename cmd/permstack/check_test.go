package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/review/denial"
	"permstack/internal/review/livecheck"
)

// TestCheckAndWhy checks permstack check and permstack why --stack on a launched stack: unchanged, with a permissions
// boundary in the way, and with its policies removed.
func TestCheckAndWhy(t *testing.T) {
	policytest.RequireSlow(t, "it launches stacks")
	t.Parallel()
	cloud := newAWS(t, nil)
	ctx := awsContext(t, cloud, "123456789012", "us-east-1")
	stack := cloud.In("123456789012", "us-east-1").Launch(fakeawstest.Launch{})
	role := stack.RoleName()
	check := func(want int) livecheck.FlowReport {
		t.Helper()
		var out, stderr bytes.Buffer
		args := []string{"check", "--stack", stack.Name, "--region", "us-east-1", "--output", "json"}
		if got := run(ctx, args, &out, &stderr); got != want {
			t.Errorf("check exits %d, want %d: %.3000s%s", got, want, out.String(), stderr.String())
		}
		var r livecheck.FlowReport
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	why := func() denial.Diagnosis {
		t.Helper()
		var out, stderr bytes.Buffer
		text := "User: arn:aws:sts::123456789012:assumed-role/" + role + "/s is not authorized to perform: " +
			"ec2:DescribeInstances"
		args := []string{"why", text, "--stack", stack.Name, "--region", "us-east-1", "--output", "json"}
		if got := run(ctx, args, &out, &stderr); got != 0 {
			t.Errorf("why exits %d: %s", got, stderr.String())
		}
		var d denial.Diagnosis
		if err := json.Unmarshal(out.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	if r := check(exitOK); len(r.Flows) < 5 {
		t.Errorf("got %d flows", len(r.Flows))
	}

	created, err := stack.IAM.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
		PolicyName: aws.String("limit"), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"ec2:Describe*","Resource":"*"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stack.IAM.PutRolePermissionsBoundary(t.Context(), &iam.PutRolePermissionsBoundaryInput{
		RoleName: &role, PermissionsBoundary: created.Policy.Arn,
	}); err != nil {
		t.Fatal(err)
	}
	by := ""
	for _, f := range check(exitFound).Flows {
		for _, c := range f.Failed {
			if !strings.HasPrefix(c.Action, "ec2:Describe") {
				t.Errorf("%s: %s is refused by %s", f.Flow, c.Action, c.By)
			}
			by = c.By
		}
	}
	if by != "permissions boundary" {
		t.Errorf("refused by %q, want the permissions boundary", by)
	}
	if d := why(); d.Reason != denial.ByBoundary {
		t.Errorf("got %s: %s, want %s", d.Reason, d.Text, denial.ByBoundary)
	}

	if _, err := stack.IAM.DeleteRolePermissionsBoundary(t.Context(),
		&iam.DeleteRolePermissionsBoundaryInput{RoleName: &role}); err != nil {
		t.Fatal(err)
	}
	for _, arn := range stack.AttachedPolicies(role) {
		stack.DetachPolicy(role, arn)
	}
	inline, err := stack.Live.InlinePolicyNames(t.Context(), role)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range inline {
		if name == policies.GuardPolicy {
			continue
		}
		in := &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &name}
		if _, err := stack.IAM.DeleteRolePolicy(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	check(exitFound)
	if d := why(); d.Reason != denial.Drifted {
		t.Errorf("got %s: %s, %v, want %s", d.Reason, d.Text, d.Notes, denial.Drifted)
	}
}
