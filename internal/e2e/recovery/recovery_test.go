// Package recovery_test follows the advice of permstack's messages literally on the
// embedded AWS.
package recovery_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

func start(t *testing.T) *fakeawstest.Account {
	t.Helper()
	return fakeawstest.Start(t, fakeawstest.Options{}).In("123456789012", "eu-central-1")
}

// reason returns the reason with which the stack's custom resource failed last.
func reason(t *testing.T, s *fakeawstest.Stack) string {
	t.Helper()
	out, err := s.CloudFormation.DescribeStackEvents(t.Context(),
		&cloudformation.DescribeStackEventsInput{StackName: &s.StackID})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out.StackEvents {
		if aws.ToString(e.LogicalResourceId) == "PermissionStack" && strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			return aws.ToString(e.ResourceStatusReason)
		}
	}
	t.Fatal("the custom resource did not fail")
	return ""
}

func requireWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("got %q, want %q in it", text, w)
		}
	}
}

// requireMonitoring requires that the drift check, its rule and its alarms exist.
func requireMonitoring(t *testing.T, s *fakeawstest.Stack) {
	t.Helper()
	out, err := s.CloudFormation.DescribeStackResources(t.Context(),
		&cloudformation.DescribeStackResourcesInput{StackName: &s.StackID})
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for _, r := range out.StackResources {
		exists[*r.LogicalResourceId] = r.ResourceStatus == types.ResourceStatusCreateComplete
	}
	for _, id := range []string{
		"AlertTopic", "AlertTopicPolicy", "Drift", "DriftRole", "DriftRule", "DriftRulePermission", "DriftInvokeConfig",
		"DriftState", "DriftFailures", "DriftFailuresPolicy", "DriftCheckMissing", "DriftCheckFailed", "ProvisionerLogGroup",
	} {
		if !exists[id] {
			t.Errorf("%s does not exist after the failed deletion", id)
		}
	}
}

// TestForeignPolicies checks the advice for a role that cannot be deleted because another principal
// added policies to it.
func TestForeignPolicies(t *testing.T) {
	t.Parallel()
	account := start(t)
	stack := account.Launch(fakeawstest.Launch{})
	role := stack.RoleName()
	stack.AttachPolicy(role, fakeawstest.AdministratorAccess)
	stack.PutInlinePolicy(role, "other",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
	stack.BeginDelete()
	stack.Wait("DELETE_FAILED")

	text := reason(t, stack)
	requireWords(t, text, "Role "+role+" still exists and can be assumed by nobody",
		"aws iam detach-role-policy --role-name "+role+" --policy-arn "+fakeawstest.AdministratorAccess)
	requireMonitoring(t, stack)
	if trust := account.Role(role).Trust; strings.Contains(trust, "Allow") {
		t.Errorf("the role that remains trusts %s", trust)
	}
	for _, c := range commands(text) {
		execute(t, account, c)
	}
	stack.Delete()
	account.RequireEmpty()
}

// TestTerminationProtection checks that nothing is deleted if any permission stack is protected.
func TestTerminationProtection(t *testing.T) {
	t.Parallel()
	account := start(t)
	stack := account.Launch(fakeawstest.Launch{})
	protected := []string{
		stack.PermissionStack(installation.Access), stack.PermissionStack(installation.Inventory),
	}
	for _, name := range protected {
		_, err := account.CloudFormation.UpdateTerminationProtection(t.Context(),
			&cloudformation.UpdateTerminationProtectionInput{StackName: &name, EnableTerminationProtection: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
	}
	stack.BeginDelete()
	stack.Wait("DELETE_FAILED")
	text := reason(t, stack)
	requireWords(t, text, "Termination protection is on", protected[0], protected[1],
		"can be assumed by "+fakeawstest.ControlPlaneARN)
	requireMonitoring(t, stack)
	for i, want := range []types.StackStatus{types.StackStatusUpdateComplete, types.StackStatusCreateComplete} {
		if got := status(t, account, protected[i]); got != want {
			t.Errorf("stack %s: got status %s, want %s as after the launch", protected[i], got, want)
		}
	}
	for _, c := range commands(text) {
		execute(t, account, c)
	}
	stack.Delete()
	account.RequireEmpty()
}

func status(t *testing.T, account *fakeawstest.Account, name string) types.StackStatus {
	t.Helper()
	out, err := account.CloudFormation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return out.Stacks[0].StackStatus
}

// TestFailedLaunch checks the advice for a name that is in use: the failed stack must be deleted
// before the next launch.
func TestFailedLaunch(t *testing.T) {
	t.Parallel()
	account := start(t)
	name := "ClumioIAMRole-eu-central-1-main"
	const trust = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	in := &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)}
	if _, err := account.IAM.CreateRole(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	stack, err := account.Create(fakeawstest.Launch{})
	if err != nil {
		t.Fatal(err)
	}
	stack.Wait("ROLLBACK_COMPLETE")
	text := reason(t, stack)
	requireWords(t, text, "AWS::IAM::Role", name, "already exists", "Choose another ConnectionId", "delete stack backup")
	if _, err := account.Create(fakeawstest.Launch{}); err == nil {
		t.Fatal("launched again although the failed stack exists")
	}
	for _, c := range commands(text) {
		execute(t, account, c)
	}
	stack.Wait("DELETE_COMPLETE")
	again := account.Launch(fakeawstest.Launch{Parameters: map[string]string{"ConnectionId": "other"}})
	again.Delete()
	if _, err := account.IAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &name}); err != nil {
		t.Fatal(err)
	}
	account.RequireEmpty()
}

// TestRefusedByValidation checks the reason of a permission stack that CloudFormation refuses
// before it deploys anything; only DescribeEvents returns it.
func TestRefusedByValidation(t *testing.T) {
	t.Parallel()
	account := start(t)
	account.Stacks.SetValidation(func(kind, logicalID string) (string, string) {
		if kind == "AWS::IAM::Role" && logicalID == "ClumioIAMRole" {
			return "NAME_CONFLICT_VALIDATION", "Resource of type 'AWS::IAM::Role' with identifier 'x' already exists."
		}
		return "", ""
	})
	stack, err := account.Create(fakeawstest.Launch{})
	if err != nil {
		t.Fatal(err)
	}
	stack.Wait("ROLLBACK_COMPLETE")
	requireWords(t, reason(t, stack), "AWS::IAM::Role ClumioIAMRole: NAME_CONFLICT_VALIDATION at /Resources/ClumioIAMRole",
		"already exists", "Choose another ConnectionId")
	account.Stacks.SetValidation(nil)
	stack.Delete()
	account.RequireEmpty()
}

// TestRevision checks that another value of the parameter Revision restores permission stacks that
// were deleted or whose template was changed, as the messages advise.
func TestRevision(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each failure")
	t.Parallel()
	account := start(t)
	stack := account.Launch(fakeawstest.Launch{})
	stack.Messages()
	access := stack.PermissionStack(installation.Access)
	for i, tamper := range []func(){
		func() { execute(t, account, "aws cloudformation delete-stack --stack-name "+access) },
		func() {
			_, err := account.CloudFormation.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
				StackName: &access, TemplateBody: aws.String(changedTemplate(t, account, access)),
				Parameters: []types.Parameter{
					{ParameterKey: aws.String("ExternalId"), UsePreviousValue: aws.Bool(true)},
				},
				Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
			})
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		tamper()
		if _, _, err := account.Stacks.Wait(t.Context(), account.ID, account.Region, access); err != nil && i > 0 {
			t.Fatal(err)
		}
		stack.CheckDrift()
		messages := stack.Messages()
		if len(messages) == 0 || !strings.Contains(messages[0].Email, "another value of its parameter Revision") {
			t.Fatalf("got messages %+v, want the advice", messages)
		}
		stack.Update(map[string]string{"Revision": string(rune('2' + i))})
		if result := stack.CheckDrift(); !slices.Contains([]string{"in-sync", "IN_SYNC"}, string(result.Status)) {
			t.Errorf("after the update: got %+v, want in sync", result)
		}
		stack.Messages()
	}
	stack.Delete()
	account.RequireEmpty()
}

// changedTemplate returns the template of a stack with another description of a role.
func changedTemplate(t *testing.T, account *fakeawstest.Account, name string) string {
	t.Helper()
	out, err := account.CloudFormation.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(*out.TemplateBody, `"MaxSessionDuration":`, `"MaxSessionDuration":1`, 1)
	if changed == *out.TemplateBody {
		changed = strings.Replace(changed, `"Type":"AWS::IAM::Role","Properties":{`,
			`"Type":"AWS::IAM::Role","Properties":{"MaxSessionDuration":7200,`, 1)
	}
	if changed == *out.TemplateBody {
		t.Fatal("the template has no role to change")
	}
	return changed
}
