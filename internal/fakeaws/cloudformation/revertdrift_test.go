package cloudformation_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/protocol"
)

// revert creates a drift-aware change set with the deployed template.
func (h *harness) revert(name string) (*cfn.DescribeChangeSetOutput, error) {
	h.t.Helper()
	made, err := h.cfn.CreateChangeSet(h.t.Context(), &cfn.CreateChangeSetInput{
		StackName: &name, ChangeSetName: aws.String("revert"), UsePreviousTemplate: aws.Bool(true),
		DeploymentMode: types.DeploymentModeRevertDrift, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	if err != nil {
		return nil, err
	}
	return h.cfn.DescribeChangeSet(h.t.Context(), &cfn.DescribeChangeSetInput{ChangeSetName: made.Id})
}

func (h *harness) resourceDrift(name, resource string) types.StackResourceDriftStatus {
	h.t.Helper()
	out, err := h.cfn.DetectStackResourceDrift(h.t.Context(),
		&cfn.DetectStackResourceDriftInput{StackName: &name, LogicalResourceId: &resource})
	if err != nil {
		h.t.Fatal(err)
	}
	return out.StackResourceDrift.StackResourceDriftStatus
}

func (h *harness) tamper() {
	h.t.Helper()
	ctx := h.t.Context()
	const extra = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	_, err := h.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName:       aws.String("reader"),
		PolicyName:     aws.String("rogue"),
		PolicyDocument: aws.String(extra),
	})
	if err == nil {
		_, err = h.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
			PolicyArn:      aws.String("arn:aws:iam::111122223333:policy/managed"),
			PolicyDocument: aws.String(extra),
			SetAsDefault:   true,
		})
	}
	if err == nil {
		_, err = h.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
			TopicArn:      aws.String("arn:aws:sns:eu-central-1:111122223333:inventory"),
			AttributeName: aws.String("Policy"),
			AttributeValue: aws.String(
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",` +
					`"Action":"sns:Publish","Resource":"arn:aws:sns:eu-central-1:111122223333:inventory"}]}`,
			),
		})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestRevertDrift(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	h.create("s", access)
	h.wait("s", "CREATE_COMPLETE")
	if cs, err := h.revert("s"); err != nil || cs.Status != types.ChangeSetStatusFailed ||
		cs.StackDriftStatus != types.StackDriftStatusInSync {
		t.Errorf("in sync: %+v %v", cs, err)
	}
	h.tamper()
	cs, err := h.revert("s")
	if err != nil {
		t.Fatal(err)
	}
	var changes []string
	for _, c := range cs.Changes {
		r := c.ResourceChange
		changes = append(changes, fmt.Sprint(*r.LogicalResourceId, " ", r.Action, " ", r.ResourceDriftStatus))
	}
	slices.Sort(changes)
	// The topic's policy has drifted too, but AWS does not revert that type.
	if want := []string{"Managed Modify MODIFIED", "Role Modify MODIFIED"}; !slices.Equal(changes, want) ||
		cs.DeploymentMode != types.DeploymentModeRevertDrift || cs.StackDriftStatus != types.StackDriftStatusDrifted {
		t.Errorf("changes %q, mode %s, stack %s", changes, cs.DeploymentMode, cs.StackDriftStatus)
	}
	if _, err := h.cfn.ExecuteChangeSet(ctx, &cfn.ExecuteChangeSetInput{ChangeSetName: cs.ChangeSetId}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	for resource, want := range map[string]types.StackResourceDriftStatus{"Role": "IN_SYNC", "Managed": "IN_SYNC",
		"TopicPolicy": "MODIFIED"} {
		if got := h.resourceDrift("s", resource); got != want {
			t.Errorf("%s is %s afterwards, want %s", resource, got, want)
		}
	}
}

func TestRevertDriftMakesAgain(t *testing.T) {
	h := newHarness(t)
	h.create("s", access)
	h.wait("s", "CREATE_COMPLETE")
	if _, err := h.sns.DeleteTopic(t.Context(),
		&sns.DeleteTopicInput{TopicArn: aws.String("arn:aws:sns:eu-central-1:111122223333:inventory")}); err != nil {
		t.Fatal(err)
	}
	cs, err := h.revert("s")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.cfn.ExecuteChangeSet(t.Context(),
		&cfn.ExecuteChangeSetInput{ChangeSetName: cs.ChangeSetId}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	if got := h.resourceDrift("s", "Topic"); got != "IN_SYNC" {
		t.Errorf("the topic is %s", got)
	}
}

func TestRevertDriftFails(t *testing.T) {
	h := newHarness(t)
	h.create("s", access)
	h.wait("s", "CREATE_COMPLETE")
	h.tamper()
	cs, err := h.revert("s")
	if err != nil {
		t.Fatal(err)
	}
	var denied bool
	h.breakCall("iam:DeleteRolePolicy", func(*protocol.Call) bool { denied = true; return true })
	if _, err := h.cfn.ExecuteChangeSet(t.Context(),
		&cfn.ExecuteChangeSetInput{ChangeSetName: cs.ChangeSetId}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
	h.cloud.SetIntercept(nil)
	if !denied {
		t.Error("the rogue policy was not to be removed")
	}
	// The previous state is restored, drift included.
	for _, resource := range []string{"Role", "Managed"} {
		if got := h.resourceDrift("s", resource); got != "MODIFIED" {
			t.Errorf("%s is %s after the rollback", resource, got)
		}
	}
	if _, err := h.cfn.CreateChangeSet(t.Context(),
		&cfn.CreateChangeSetInput{StackName: aws.String("s"), ChangeSetName: aws.String("x"),
			UsePreviousTemplate: aws.Bool(true), DeploymentMode: "OTHER"}); err == nil {
		t.Error("another deployment mode was taken")
	}
}
