package cloudformation_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/protocol"
)

// twoPolicies returns a template of two policies and a role, to which one of them is attached.
func twoPolicies(which string) string {
	policy := func(id string) string {
		return `"` + id + `":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"ManagedPolicyName":"` + id +
			`","PolicyDocument":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}}}}`
	}
	return `{"Resources":{` + policy("A") + `,` + policy("B") + `,
	  "Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"two","ManagedPolicyArns":[{"Ref":"` + which + `"}],
	    "AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}}}}}`
}

func (h *harness) attached(role string) string {
	h.t.Helper()
	out, err := h.iam.ListAttachedRolePolicies(h.t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	if err != nil {
		h.t.Fatal(err)
	}
	var names []string
	for _, p := range out.AttachedPolicies {
		names = append(names, *p.PolicyName)
	}
	return strings.Join(names, " ")
}

// TestContinuedRollback checks that after an update and its rollback failed half-way, a
// continued rollback restores what either has removed, and that the status is in
// progress at once.
func TestContinuedRollback(t *testing.T) {
	h := newHarness(t)
	h.create("s", twoPolicies("A"))
	h.wait("s", "CREATE_COMPLETE")
	h.breakCall("iam:AttachRolePolicy", nil)
	if err := h.update("s", twoPolicies("B")); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_FAILED")
	if have := h.attached("two"); have != "" {
		t.Fatalf("got %s attached while all calls fail, want none", have)
	}
	h.cloud.SetIntercept(nil)
	name := "s"
	if _, err := h.cfn.ContinueUpdateRollback(t.Context(),
		&cfn.ContinueUpdateRollbackInput{StackName: &name}); err != nil {
		t.Fatal(err)
	}
	if s := h.describe("s").StackStatus; s == types.StackStatusUpdateRollbackFailed {
		t.Errorf("got status %s after the rollback was continued", s)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
	if have := h.attached("two"); have != "A" {
		t.Errorf("got %q attached, want A", have)
	}
}

// TestCleanup checks that the cleanup of an update tries three times to delete a resource
// that was removed from the template, and that the stack does not have it afterwards.
func TestCleanup(t *testing.T) {
	without := strings.Replace(twoPolicies("A"), `"Role":`, `"Other":{"Type":"AWS::SNS::Topic"},"Unused":`, 1)
	without = without[:strings.Index(without, `,"Unused"`)] + "}}"
	for failures, deleted := range map[int32]bool{2: true, 3: false} {
		t.Run(fmt.Sprint(failures, " failures"), func(t *testing.T) {
			h := newHarness(t)
			h.create("s", twoPolicies("A"))
			h.wait("s", "CREATE_COMPLETE")
			var tries atomic.Int32
			h.breakCall("iam:DeleteRole", func(*protocol.Call) bool { return tries.Add(1) <= failures })
			if err := h.update("s", without); err != nil {
				t.Fatal(err)
			}
			h.wait("s", "UPDATE_COMPLETE")
			_, err := h.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: new("two")})
			if (err != nil) != deleted || tries.Load() != 3 {
				t.Errorf("got %d tries, and reading the role returns %v; want 3, deleted %t", tries.Load(), err, deleted)
			}
			resources, err := h.cfn.DescribeStackResources(t.Context(),
				&cfn.DescribeStackResourcesInput{StackName: new("s")})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range resources.StackResources {
				if *r.LogicalResourceId == "Role" {
					t.Errorf("the stack still has the role: %s", r.ResourceStatus)
				}
			}
		})
	}
}

// TestDeletedManually checks that a stack can be deleted after its role was deleted manually.
func TestDeletedManually(t *testing.T) {
	h := newHarness(t)
	h.create("s", twoPolicies("A"))
	h.wait("s", "CREATE_COMPLETE")
	arn := "arn:aws:iam::" + account + ":policy/A"
	if _, err := h.iam.DetachRolePolicy(t.Context(),
		&iam.DetachRolePolicyInput{RoleName: new("two"), PolicyArn: &arn}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: new("two")}); err != nil {
		t.Fatal(err)
	}
	id := *h.describe("s").StackId
	h.delete("s")
	h.wait(id, "DELETE_COMPLETE")
}
