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

// twoPolicies is a role with one of two policies.
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

// TestContinuedRollback: an update that fails half-way, and its rollback, too; the
// continued rollback restores what either has removed, and shows at once that
// it is under way.
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
		t.Fatalf("attached while all is broken: %s", have)
	}
	h.cloud.SetIntercept(nil)
	name := "s"
	if _, err := h.cfn.ContinueUpdateRollback(t.Context(),
		&cfn.ContinueUpdateRollbackInput{StackName: &name}); err != nil {
		t.Fatal(err)
	}
	if s := h.describe("s").StackStatus; s == types.StackStatusUpdateRollbackFailed {
		t.Errorf("status %s after the rollback was continued", s)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
	if have := h.attached("two"); have != "A" {
		t.Errorf("attached: %q, want A", have)
	}
}

// TestCleanup: a resource that is needed no more is tried to be deleted three
// times, and then forgotten.
func TestCleanup(t *testing.T) {
	without := strings.Replace(twoPolicies("A"), `"Role":`, `"Other":{"Type":"AWS::SNS::Topic"},"Unused":`, 1)
	without = without[:strings.Index(without, `,"Unused"`)] + "}}"
	for failures, gone := range map[int32]bool{2: true, 3: false} {
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
			if (err != nil) != gone || tries.Load() != 3 {
				t.Errorf("%d failures: %d tries, %v", failures, tries.Load(), err)
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

// TestGoneByHand: a role that somebody deleted does not keep a stack from being deleted.
func TestGoneByHand(t *testing.T) {
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
