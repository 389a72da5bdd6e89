package recovery_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/provisioner"
)

// refuse returns an error for a call of CloudFormation with the stack role, if the call
// has the action and one of its values contains text.
func refuse(action, text string, err *protocol.Error) func(*protocol.Call) error {
	return func(c *protocol.Call) error {
		if c.Action != action || !strings.Contains(c.Caller.ARN, "-StackRole-") {
			return nil
		}
		for _, values := range c.Form {
			if strings.Contains(strings.Join(values, " "), text) {
				return err
			}
		}
		return nil
	}
}

// failedLaunch is a launch that fails, and what its remedy does.
type failedLaunch struct {
	parameters map[string]string
	// prepare makes the launch fail.
	prepare func(*testing.T, *fakeawstest.Account)
	words   []string // the reason has them
	// follow does what the remedy says, and returns the parameters of the next launch.
	follow func(*testing.T, *fakeawstest.Account) map[string]string
}

const boundaryName = "boundary"

// boundaryARN is the policy of InstallerPermissionsBoundaryArn.
const boundaryARN = "arn:aws:iam::123456789012:policy/" + boundaryName

var failedLaunches = map[string]failedLaunch{
	"invalid principal": {
		parameters: map[string]string{"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Misspelt"},
		prepare: func(_ *testing.T, a *fakeawstest.Account) {
			a.SetIntercept(refuse("UpdateAssumeRolePolicy", "role/Misspelt", protocol.Errorf("MalformedPolicyDocument",
				`Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/Misspelt"`)))
		},
		words: []string{"does not exist in the backup service's account", "Compare ControlPlaneRoleArn"},
		follow: func(*testing.T, *fakeawstest.Account) map[string]string {
			return map[string]string{"ControlPlaneRoleArn": fakeawstest.ControlPlaneARN}
		},
	},
	"service control policy": {
		prepare: func(_ *testing.T, a *fakeawstest.Account) {
			a.SetIntercept(refuse("CreateRole", "Clumio", protocol.Errorf("AccessDenied",
				"User: x is not authorized to perform: iam:CreateRole on resource: y with an explicit deny in a service "+
					"control policy").WithStatus(403)))
		},
		words: []string{"A policy of your organization denies the action", "iam:CreateRole"},
		follow: func(_ *testing.T, a *fakeawstest.Account) map[string]string {
			a.SetIntercept(nil) // the administrator allows the action
			return nil
		},
	},
	"permissions boundary": {
		parameters: map[string]string{"InstallerPermissionsBoundaryArn": boundaryARN},
		prepare: func(t *testing.T, a *fakeawstest.Account) {
			name, document := boundaryName, `{"Version":"2012-10-17","Statement":[`+
				`{"Effect":"Allow","NotAction":"iam:CreatePolicy","Resource":"*"}]}`
			in := &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document}
			if _, err := a.IAM.CreatePolicy(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		},
		words: []string{"iam:CreatePolicy", "Allow the action in the policy that InstallerPermissionsBoundaryArn names"},
		follow: func(t *testing.T, a *fakeawstest.Account) map[string]string {
			arn, document := boundaryARN, `{"Version":"2012-10-17","Statement":[`+
				`{"Effect":"Allow","Action":"*","Resource":"*"}]}`
			_, err := a.IAM.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{
				PolicyArn: &arn, PolicyDocument: &document, SetAsDefault: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			return map[string]string{"InstallerPermissionsBoundaryArn": boundaryARN}
		},
	},
	"quota: a higher one": {
		prepare: refusePolicies,
		words:   []string{"Request a higher quota in Service Quotas", "choose fewer assets"},
		follow: func(_ *testing.T, a *fakeawstest.Account) map[string]string {
			a.SetIntercept(nil)
			return map[string]string{"ProtectS3": "yes"}
		},
		parameters: map[string]string{"ProtectS3": "yes"},
	},
	"quota: fewer assets": {
		prepare:    refusePolicies,
		words:      []string{"Request a higher quota in Service Quotas", "choose fewer assets"},
		parameters: map[string]string{"ProtectS3": "yes"},
		follow: func(*testing.T, *fakeawstest.Account) map[string]string {
			return map[string]string{"ProtectS3": "no"}
		},
	},
	"name in use: another ConnectionId": {
		prepare: createConflict,
		words:   []string{"Choose another ConnectionId, or delete the resource"},
		follow: func(*testing.T, *fakeawstest.Account) map[string]string {
			return map[string]string{"ConnectionId": "other"}
		},
	},
	"name in use: delete the resource": {
		prepare: createConflict,
		words:   []string{"Choose another ConnectionId, or delete the resource"},
		follow: func(t *testing.T, a *fakeawstest.Account) map[string]string {
			deleteConflict(t, a)
			return nil
		},
	},
}

// refusePolicies refuses the policies of asset s3, as a quota of policies does.
func refusePolicies(_ *testing.T, a *fakeawstest.Account) {
	a.SetIntercept(refuse("CreatePolicy", "ClumioS3", protocol.Errorf("LimitExceeded",
		"Cannot exceed quota for PoliciesPerAccount: 1500").WithStatus(409)))
}

var conflict = "ClumioIAMRole-eu-central-1-main"

func createConflict(t *testing.T, a *fakeawstest.Account) {
	t.Helper()
	_, err := a.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &conflict, AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` +
			`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func deleteConflict(t *testing.T, a *fakeawstest.Account) {
	t.Helper()
	if _, err := a.IAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &conflict}); err != nil {
		t.Fatal(err)
	}
}

// TestFailedLaunchRemedies makes launches fail, does what the reason says, and launches
// again.
func TestFailedLaunchRemedies(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each failure")
	t.Parallel()
	for name, tc := range failedLaunches {
		t.Run(name, func(t *testing.T) {
			account := start(t)
			tc.prepare(t, account)
			stack, err := account.Create(fakeawstest.Launch{Parameters: tc.parameters})
			if err != nil {
				t.Fatal(err)
			}
			stack.Wait("ROLLBACK_COMPLETE")
			text := reason(t, stack)
			requireWords(t, text, append(tc.words, "correct the cause, delete stack backup")...)
			for _, c := range commands(text) {
				execute(t, account, c)
			}
			stack.Wait("DELETE_COMPLETE")
			account.Launch(fakeawstest.Launch{Parameters: tc.follow(t, account)}).Delete()
			account.SetIntercept(nil)
		})
	}
}

// failUpdate begins an update to more assets, requires that it fails, and returns the
// reason.
func failUpdate(t *testing.T, s *fakeawstest.Stack, template []byte) string {
	t.Helper()
	url := s.TemplateURL("update.yaml", template)
	s.BeginUpdate(&cloudformation.UpdateStackInput{TemplateURL: &url, Parameters: changed(s)})
	s.Wait("UPDATE_ROLLBACK_COMPLETE")
	return reason(t, s)
}

// changed returns the stack's parameters with asset s3.
func changed(s *fakeawstest.Stack) []types.Parameter {
	var out []types.Parameter
	for _, p := range s.Describe().Parameters {
		p := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
		if *p.ParameterKey == "ProtectS3" {
			p.ParameterValue, p.UsePreviousValue = aws.String("yes"), nil
		}
		out = append(out, p)
	}
	return out
}

// TestDeniedRemedy updates with a template whose stack role lacks a permission. The
// unmodified template is the remedy.
func TestDeniedRemedy(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each failure")
	t.Parallel() // the function waits for IAM
	account := start(t)
	stack := account.Launch(fakeawstest.Launch{})
	modified := strings.ReplaceAll(string(permstack.Template), "iam:CreatePolicy,", "")
	if modified == string(permstack.Template) {
		t.Fatal("the template does not have iam:CreatePolicy")
	}
	text := failUpdate(t, stack, []byte(modified))
	requireWords(t, text, "iam:CreatePolicy", "Update stack backup with the unmodified template of its release")
	url := stack.TemplateURL("update.yaml", permstack.Template)
	stack.BeginUpdate(&cloudformation.UpdateStackInput{TemplateURL: &url, Parameters: changed(stack)})
	stack.Wait("UPDATE_COMPLETE")
	stack.Delete()
	account.RequireEmpty()
}

// TestStackRoleRemedy deletes the stack role before an update. A drift-aware change set
// recreates it.
func TestStackRoleRemedy(t *testing.T) {
	policytest.RequireSlow(t, "it waits a minute for IAM")
	t.Parallel() // the function waits for IAM
	account := start(t)
	stack := account.Launch(fakeawstest.Launch{})
	role := stack.PhysicalID("StackRole")
	policies, err := account.IAM.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies.PolicyNames {
		execute(t, account, "aws iam delete-role-policy --role-name "+role+" --policy-name "+p)
	}
	if _, err := account.IAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &role}); err != nil {
		t.Fatal(err)
	}
	text := failUpdate(t, stack, permstack.Template)
	requireWords(t, text, role+" does not exist any more",
		"Recreate it with a drift-aware change set of stack backup, then update again")

	name := "recreate"
	in := &cloudformation.CreateChangeSetInput{
		StackName: &stack.Name, ChangeSetName: &name, UsePreviousTemplate: aws.Bool(true),
		DeploymentMode: types.DeploymentModeRevertDrift,
		Capabilities:   []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	for _, p := range stack.Describe().Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	if _, err := account.CloudFormation.CreateChangeSet(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, err = account.CloudFormation.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{
		StackName: &stack.Name, ChangeSetName: &name,
	})
	if err != nil {
		t.Fatal(err)
	}
	stack.Wait("UPDATE_COMPLETE")
	stack.BeginUpdate(&cloudformation.UpdateStackInput{UsePreviousTemplate: aws.Bool(true), Parameters: changed(stack)})
	stack.Wait("UPDATE_COMPLETE")
	stack.Delete()
	account.RequireEmpty()
}

// TestInstanceProfileRemedy deletes a stack whose role is in an instance profile of
// somebody else. The command of the reason lists it.
func TestInstanceProfileRemedy(t *testing.T) {
	t.Parallel()
	account := start(t)
	stack := account.Launch(fakeawstest.Launch{})
	role, profile := stack.RoleName(), "of-somebody"
	ctx := t.Context()
	if _, err := account.IAM.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{
		InstanceProfileName: &profile,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := account.IAM.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: &profile, RoleName: &role,
	}); err != nil {
		t.Fatal(err)
	}
	stack.BeginDelete()
	stack.Wait("DELETE_FAILED")
	text := reason(t, stack)
	requireWords(t, text, "Another principal added the role to an instance profile",
		"aws iam list-instance-profiles-for-role --role-name "+role)
	for _, c := range commands(text) {
		execute(t, account, c)
	}
	if _, err := account.IAM.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
		InstanceProfileName: &profile, RoleName: &role,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := account.IAM.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{
		InstanceProfileName: &profile,
	}); err != nil {
		t.Fatal(err)
	}
	stack.Delete()
	account.RequireEmpty()
}

// TestEveryRemedy requires that a test follows the advice for each cause.
func TestEveryRemedy(t *testing.T) {
	followed := map[string]string{
		"termination protection": "TestTerminationProtection", "attached policies": "TestForeignPolicies",
		"stack role does not exist": "TestStackRoleRemedy and internal/e2e/faultinjection, TestDeleteWithoutStackRole",
		"instance profile":          "TestInstanceProfileRemedy", "denied": "TestDeniedRemedy",
	}
	for name := range failedLaunches {
		cause, _, _ := strings.Cut(name, ":")
		followed[cause] = "TestFailedLaunchRemedies"
	}
	for _, cause := range provisioner.RemedyCauses() {
		if followed[cause] == "" {
			t.Errorf("no test follows the advice for %q", cause)
		}
	}
}
