package stacksets_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// TestAccountsChange lets accounts join, move, leave and be closed.
func TestAccountsChange(t *testing.T) {
	o, unit := newOrganization(t, 2)
	nested, outside := o.CreateUnit(unit, "nested"), o.CreateUnit(o.Root, "outside")
	createSet(t, o)
	deploy(t, o, []string{home, other}, unit)
	want := map[string]string{}
	set := func(i int, status string) {
		for _, region := range []string{home, other} {
			want[account(i)+" "+region] = status
			if status == "" {
				delete(want, account(i)+" "+region)
			}
		}
	}
	check := func(what string, stacks int) {
		t.Helper()
		if got := o.StackSetInstances(setName); !maps.Equal(got, want) {
			t.Errorf("%s: got instances %v, want %v", what, got, want)
		}
		if got := len(displayNames(t, o, 5)); got != stacks {
			t.Errorf("%s: got topics in %d accounts and Regions, want %d", what, got, stacks)
		}
	}
	set(0, "CURRENT")
	set(1, "CURRENT")
	check("first roll-out", 4)

	o.Join(account(2), outside)
	check("an account joins another unit", 4)
	o.Move(account(2), outside, nested)
	set(2, "CURRENT")
	check("it moves to a unit below the target", 6)
	o.Move(account(2), nested, unit)
	check("it moves within the target", 6)
	o.Move(account(2), unit, outside)
	set(2, "")
	check("it moves out of the target", 4)

	closing := &organizations.CloseAccountInput{AccountId: aws.String(account(1))}
	_, err := o.Organizations.CloseAccount(t.Context(), closing)
	if err != nil {
		t.Fatal(err)
	}
	check("an account is closed", 4)
	out, err := o.CloudFormation.UpdateStackSet(t.Context(), &cloudformation.UpdateStackSetInput{
		StackSetName: aws.String(setName), UsePreviousTemplate: aws.Bool(true),
		Parameters: []types.Parameter{{ParameterKey: aws.String("Suffix"), ParameterValue: aws.String("two")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if op := o.WaitOperation(setName, out.OperationId); op.Status != types.StackSetOperationStatusSucceeded {
		t.Errorf("update with a closed account: got %s, want SUCCEEDED", op.Status)
	}
	set(1, "OUTDATED SKIPPED_SUSPENDED_ACCOUNT")
	check("update", 4)
	got := displayNames(t, o, 2)
	if got[account(0)+" "+home] != "release two" || got[account(1)+" "+home] != "release one" {
		t.Errorf("topics after the update: got %v", got)
	}

	_, err = o.Organizations.RemoveAccountFromOrganization(t.Context(), &organizations.RemoveAccountFromOrganizationInput{
		AccountId: aws.String(account(0)),
	})
	if err != nil {
		t.Fatal(err)
	}
	set(0, "")
	check("an account leaves the organization", 2)

	// With RetainStacksOnAccountRemoval the stack of an account that leaves stays.
	o.Join(account(3), unit)
	set(3, "CURRENT")
	check("an account joins", 4)
	out, err = o.CloudFormation.UpdateStackSet(t.Context(), &cloudformation.UpdateStackSetInput{
		StackSetName: aws.String(setName), UsePreviousTemplate: aws.Bool(true),
		AutoDeployment: &types.AutoDeployment{Enabled: aws.Bool(true), RetainStacksOnAccountRemoval: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.WaitOperation(setName, out.OperationId)
	o.Move(account(3), unit, o.Root)
	set(3, "")
	check("an account leaves and keeps its stack", 4)
}

// TestDelegatedAdministrator operates a stack set of the management account from
// a delegated administrator.
func TestDelegatedAdministrator(t *testing.T) {
	o, unit := newOrganization(t, 3)
	register := &organizations.RegisterDelegatedAdministratorInput{
		AccountId: aws.String(account(0)), ServicePrincipal: aws.String("member.org.stacksets.cloudformation.amazonaws.com"),
	}
	_, err := o.Organizations.RegisterDelegatedAdministrator(t.Context(), register)
	if err != nil {
		t.Fatal(err)
	}
	admin := o.In(account(0), home).CloudFormation
	as := types.CallAsDelegatedAdmin
	_, err = admin.CreateStackSet(t.Context(), &cloudformation.CreateStackSetInput{
		StackSetName: aws.String(setName), TemplateBody: aws.String(good), CallAs: as,
		PermissionModel: types.PermissionModelsServiceManaged,
		AutoDeployment:  &types.AutoDeployment{Enabled: aws.Bool(false)},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := admin.CreateStackInstances(t.Context(), &cloudformation.CreateStackInstancesInput{
		StackSetName: aws.String(setName), Regions: []string{home}, CallAs: as,
		DeploymentTargets: &types.DeploymentTargets{OrganizationalUnitIds: []string{unit}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if op := o.WaitOperation(setName, out.OperationId); op.Count("SUCCEEDED") != 3 { // seen by the management account
		t.Errorf("got %+v, want three that succeeded", op.Results)
	}
	list, err := admin.ListStackSets(t.Context(), &cloudformation.ListStackSetsInput{CallAs: as})
	if err != nil || len(list.Summaries) != 1 {
		t.Errorf("got %v, %v, want one stack set", list, err)
	}
	own, err := admin.ListStackSets(t.Context(), &cloudformation.ListStackSetsInput{})
	if err != nil || len(own.Summaries) != 0 {
		t.Errorf("got %v, %v, want no stack set of its own", own, err)
	}
	roles, err := o.In(account(1), home).IAM.ListRoles(t.Context(), &iam.ListRolesInput{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(roles.Roles, func(r iamtypes.Role) bool {
		return strings.HasPrefix(*r.RoleName, "stacksets-exec-")
	}) {
		t.Error("there is no execution role in a member account")
	}
}
