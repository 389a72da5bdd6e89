package stacksets_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/fakeawstest"
)

// TestSelfManaged rolls out with the two roles of self-managed permissions; the
// account without the execution role fails with AWS's reason.
func TestSelfManaged(t *testing.T) {
	a := fakeawstest.Start(t, fakeawstest.Options{}).In(management, home)
	trust := func(principal string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal +
			`,"Action":"sts:AssumeRole"}]}`)
	}
	const admin, execution = "AWSCloudFormationStackSetAdministrationRole", "AWSCloudFormationStackSetExecutionRole"
	makeRole := func(in *fakeawstest.Account, name string, policy *string) {
		t.Helper()
		_, err := in.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: policy})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := a.CloudFormation.CreateStackSet(t.Context(), &cloudformation.CreateStackSetInput{
		StackSetName: aws.String(setName), TemplateBody: aws.String(good),
	})
	if err != nil {
		t.Fatal(err)
	}
	roll := func(accounts ...string) fakeawstest.Operation {
		t.Helper()
		out, err := a.CloudFormation.CreateStackInstances(t.Context(), &cloudformation.CreateStackInstancesInput{
			StackSetName: aws.String(setName), Regions: []string{home}, Accounts: accounts,
			OperationPreferences: &types.StackSetOperationPreferences{FailureToleranceCount: aws.Int32(1)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return a.WaitOperation(setName, out.OperationId)
	}
	reason := func(op fakeawstest.Operation, i int) string { return aws.ToString(op.Results[i].StatusReason) }
	if got := reason(roll(account(0)), 0); got != "Account 999999999999 should have '"+admin+
		"' role with trust relationship to CloudFormation service." {
		t.Errorf("without the administration role: got reason %q", got)
	}
	makeRole(a, admin, trust(`{"Service":"cloudformation.amazonaws.com"}`))
	a.PutInlinePolicy(admin, "assume", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
		`"Action":"sts:AssumeRole","Resource":"arn:*:iam::*:role/`+execution+`"}]}`)
	ready := a.In(account(0), home)
	makeRole(ready, execution, trust(`{"AWS":"`+management+`"}`))
	ready.AttachPolicy(execution, fakeawstest.AdministratorAccess)
	op := roll(account(0), account(1))
	if op.Status != "SUCCEEDED" || op.Results[0].Status != "SUCCEEDED" || op.Results[1].Status != "FAILED" {
		t.Errorf("got %s, %v", op.Status, op.Results)
	}
	if got := reason(op, 1); got != "Account "+account(1)+" should have '"+execution+
		"' role with trust relationship to Role '"+admin+"'." {
		t.Errorf("without the execution role: got reason %q", got)
	}
	// The stack has the rights of the execution role and no others.
	makeRole(a.In(account(1), home), execution, trust(`{"AWS":"`+management+`"}`))
	a.In(account(1), home).PutInlinePolicy(execution, "stacks", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
		`"Action":"cloudformation:*","Resource":"*"}]}`)
	if got := reason(roll(account(1)), 0); !strings.Contains(got, "ResourceLogicalId:Topic") ||
		!strings.Contains(got, "is not authorized to perform: sns:") {
		t.Errorf("without the rights of the template: got reason %q", got)
	}
}
