package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/review/denial"
	"permstack/internal/review/livecheck"
)

// TestCheckAndWhyInOrganization launches a stack in a member account with policies of its Organization in the way:
// permstack check names the flows that they refuse, and permstack why the policy, from the message of a real call of
// the role and from the simulator.
func TestCheckAndWhyInOrganization(t *testing.T) {
	policytest.RequireSlow(t, "it launches stacks")
	const member, region = "123456789012", "us-east-1"
	ctx := t.Context()
	cloud := startAWS(t)
	organization := cloud.NewOrganization("999999999999", region)
	unit := organization.CreateUnit(organization.Root, "production")
	organization.Join(member, unit)
	stack := cloud.In(member, region).Launch(fakeawstest.Launch{})
	role := stack.RoleName()
	var roleARN string
	for _, o := range stack.Describe().Outputs {
		if aws.ToString(o.OutputKey) == "RoleArn" {
			roleARN = aws.ToString(o.OutputValue)
		}
	}
	key, err := kms.NewFromConfig(cloud.Config(member, region)).CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	describeKey := func() error {
		_, err := kms.NewFromConfig(cloud.ConfigAs(member, region, roleARN)).DescribeKey(ctx,
			&kms.DescribeKeyInput{KeyId: key.KeyMetadata.Arn})
		return err
	}
	// limit attaches a policy to a target and returns a function that detaches it.
	limit := func(kind types.PolicyType, content, target string) func() {
		t.Helper()
		created, err := organization.Organizations.CreatePolicy(ctx, &organizations.CreatePolicyInput{
			Name: aws.String(t.Name() + target + content[len(content)-30:]), Description: aws.String(""), Content: &content,
			Type: kind,
		})
		if err != nil {
			t.Fatal(err)
		}
		id := created.Policy.PolicySummary.Id
		if _, err := organization.Organizations.AttachPolicy(ctx, &organizations.AttachPolicyInput{
			PolicyId: id, TargetId: &target,
		}); err != nil {
			t.Fatal(err)
		}
		return func() {
			t.Helper()
			if _, err := organization.Organizations.DetachPolicy(ctx, &organizations.DetachPolicyInput{
				PolicyId: id, TargetId: &target,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(want int) livecheck.FlowReport {
		t.Helper()
		var r livecheck.FlowReport
		runJSON(t, want, &r, "check", "--stack", stack.Name, "--region", region, "--output", "json")
		return r
	}
	why := func(text string, more ...string) denial.Diagnosis {
		t.Helper()
		var d denial.Diagnosis
		runJSON(t, exitOK, &d, append([]string{"why", text, "--region", region, "--output", "json"}, more...)...)
		return d
	}
	unnamed := "User: arn:aws:sts::" + member + ":assumed-role/" + role + "/s is not authorized to perform: " +
		"kms:DescribeKey on resource: " + *key.KeyMetadata.Arn
	check(exitOK)
	if err := describeKey(); err != nil {
		t.Fatalf("without limits: %v", err)
	}

	const scp, rcp = types.PolicyTypeServiceControlPolicy, types.PolicyTypeResourceControlPolicy
	t.Run("service control policy that denies", func(t *testing.T) {
		defer limit(scp, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}`, unit)()
		failed := 0
		for _, f := range check(exitFound).Flows {
			for _, c := range f.Failed {
				failed++
				if !strings.HasPrefix(c.Action, "kms:") || c.By != "service control policy" {
					t.Errorf("%s: %s is refused by %q", f.Flow, c.Action, c.By)
				}
			}
		}
		if failed == 0 {
			t.Error("no call fails")
		}
		err := describeKey()
		if err == nil {
			t.Fatal("the call of the role is allowed")
		}
		if d := why(err.Error()); d.Reason != denial.BySCP || !strings.Contains(d.Text, "denies") {
			t.Errorf("got %s: %s for %v, want %s that denies", d.Reason, d.Text, err, denial.BySCP)
		}
		if d := why(unnamed, "--stack", stack.Name); d.Reason != denial.BySCP {
			t.Errorf("got %s: %s, want %s", d.Reason, d.Text, denial.BySCP)
		}
	})
	t.Run("service control policy that does not allow", func(t *testing.T) {
		defer limit(scp, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"kms:*","Resource":"*"}]}`,
			member)()
		full := &organizations.DetachPolicyInput{PolicyId: aws.String("p-FullAWSAccess"), TargetId: aws.String(member)}
		if _, err := organization.Organizations.DetachPolicy(ctx, full); err != nil {
			t.Fatal(err)
		}
		defer func() {
			in := &organizations.AttachPolicyInput{PolicyId: full.PolicyId, TargetId: full.TargetId}
			if _, err := organization.Organizations.AttachPolicy(ctx, in); err != nil {
				t.Fatal(err)
			}
		}()
		check(exitFound)
		err := describeKey()
		if err == nil {
			t.Fatal("the call of the role is allowed")
		}
		if d := why(err.Error()); d.Reason != denial.BySCP || !strings.Contains(d.Text, "does not allow") {
			t.Errorf("got %s: %s for %v, want %s that does not allow", d.Reason, d.Text, err, denial.BySCP)
		}
	})
	t.Run("resource control policy", func(t *testing.T) {
		enable := &organizations.EnablePolicyTypeInput{RootId: &organization.Root, PolicyType: rcp}
		if _, err := organization.Organizations.EnablePolicyType(ctx, enable); err != nil {
			t.Fatal(err)
		}
		defer limit(rcp, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:*",`+
			`"Resource":"*"}]}`, unit)()
		check(exitOK) // IAM's simulator does not evaluate resource control policies
		err := describeKey()
		if err == nil {
			t.Fatal("the call of the role is allowed")
		}
		if d := why(err.Error(), "--stack", stack.Name); d.Reason != denial.ByRCP {
			t.Errorf("got %s: %s for %v, want %s", d.Reason, d.Text, err, denial.ByRCP)
		}
	})
	if err := describeKey(); err != nil {
		t.Errorf("after all limits were removed: %v", err)
	}
	check(exitOK)
}

// runJSON runs a command that must have an exit status, and reads its output.
func runJSON(t *testing.T, want int, out any, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := run(t.Context(), args, &stdout, &stderr); got != want {
		t.Errorf("%s exits %d, want %d: %.2000s%s", args[0], got, want, stdout.String(), stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		t.Fatalf("%v: %s%s", err, stdout.String(), stderr.String())
	}
}
