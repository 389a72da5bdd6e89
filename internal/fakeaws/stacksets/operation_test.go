package stacksets_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/fakeaws/apitest"
)

// TestStop stops an operation: what is in progress ends, the rest is cancelled.
func TestStop(t *testing.T) {
	o, unit := newOrganization(t, 10)
	createSet(t, o)
	release := holdStacks(o)
	out, err := o.CloudFormation.CreateStackInstances(t.Context(), &cloudformation.CreateStackInstancesInput{
		StackSetName: aws.String(setName), Regions: []string{home, other},
		DeploymentTargets: &types.DeploymentTargets{OrganizationalUnitIds: []string{unit}},
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := &cloudformation.StopStackSetOperationInput{StackSetName: aws.String(setName), OperationId: out.OperationId}
	if _, err := o.CloudFormation.StopStackSetOperation(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	release()
	op := o.WaitOperation(setName, out.OperationId)
	if op.Status != "STOPPED" || op.Count("CANCELLED") == 0 || op.Count("FAILED") > 0 {
		t.Errorf("got %s with %d cancelled and %d failed, want STOPPED with some and none", op.Status,
			op.Count("CANCELLED"), op.Count("FAILED"))
	}
	_, err = o.CloudFormation.StopStackSetOperation(t.Context(), stop)
	apitest.WantError(t, err, "InvalidOperationException", "STOPPED")
}

// TestOverrides deploys with overrides to some accounts of a unit; accounts that
// join later have the values of the stack set.
func TestOverrides(t *testing.T) {
	o, unit := newOrganization(t, 3)
	createSet(t, o)
	override := func(value string) []types.Parameter {
		return []types.Parameter{{ParameterKey: aws.String("Suffix"), ParameterValue: aws.String(value)}}
	}
	out, err := o.CloudFormation.CreateStackInstances(t.Context(), &cloudformation.CreateStackInstancesInput{
		StackSetName: aws.String(setName), Regions: []string{home}, ParameterOverrides: override("own"),
		DeploymentTargets: &types.DeploymentTargets{
			OrganizationalUnitIds: []string{unit}, Accounts: []string{account(1)},
			AccountFilterType: types.AccountFilterTypeDifference,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.WaitOperation(setName, out.OperationId)
	o.Join(account(3), unit)
	o.StackSetInstances(setName)
	want := map[string]string{
		account(0) + " " + home: "release own", account(2) + " " + home: "release own",
		account(3) + " " + home: "release one",
	}
	if got := displayNames(t, o, 4); !maps.Equal(got, want) {
		t.Errorf("got topics %v, want %v", got, want)
	}
	targets := &types.DeploymentTargets{
		OrganizationalUnitIds: []string{unit}, Accounts: []string{account(0)},
		AccountFilterType: types.AccountFilterTypeIntersection,
	}
	update, err := o.CloudFormation.UpdateStackInstances(t.Context(), &cloudformation.UpdateStackInstancesInput{
		StackSetName: aws.String(setName), Regions: []string{home}, ParameterOverrides: override("changed"),
		DeploymentTargets: targets,
	})
	if err != nil {
		t.Fatal(err)
	}
	o.WaitOperation(setName, update.OperationId)
	want[account(0)+" "+home] = "release changed"
	if got := displayNames(t, o, 4); !maps.Equal(got, want) {
		t.Errorf("got topics %v, want %v", got, want)
	}
	described, err := o.CloudFormation.DescribeStackInstance(t.Context(), &cloudformation.DescribeStackInstanceInput{
		StackSetName: aws.String(setName), StackInstanceAccount: aws.String(account(0)),
		StackInstanceRegion: aws.String(home),
	})
	if err != nil {
		t.Fatal(err)
	}
	if in := described.StackInstance; len(in.ParameterOverrides) != 1 || *in.OrganizationalUnitId != unit ||
		!strings.Contains(*in.StackId, ":stack/StackSet-"+setName+"-") {
		t.Errorf("got instance %+v", in)
	}
}

// TestDelete deletes the instances of a unit, and the stack set once it is empty.
func TestDelete(t *testing.T) {
	o, unit := newOrganization(t, 2)
	createSet(t, o)
	deploy(t, o, []string{home, other}, unit)
	_, err := o.CloudFormation.DeleteStackSet(t.Context(), &cloudformation.DeleteStackSetInput{
		StackSetName: aws.String(setName),
	})
	apitest.WantError(t, err, "StackSetNotEmptyException", "not empty")
	out, err := o.CloudFormation.DeleteStackInstances(t.Context(), &cloudformation.DeleteStackInstancesInput{
		StackSetName: aws.String(setName), Regions: []string{home, other}, RetainStacks: aws.Bool(false),
		DeploymentTargets: &types.DeploymentTargets{OrganizationalUnitIds: []string{unit}},
	})
	if err != nil {
		t.Fatal(err)
	}
	op := o.WaitOperation(setName, out.OperationId)
	if op.Status != "SUCCEEDED" || *op.RetainStacks || len(op.Results) != 4 {
		t.Errorf("got %s, %d results, want SUCCEEDED and 4", op.Status, len(op.Results))
	}
	if got := displayNames(t, o, 2); len(got) > 0 {
		t.Errorf("got topics %v, want none", got)
	}
	o.Join(account(2), unit)
	if got := o.StackSetInstances(setName); len(got) > 0 {
		t.Errorf("instances after an account joined a unit that is no target: got %v", got)
	}
	if _, err := o.CloudFormation.DeleteStackSet(t.Context(), &cloudformation.DeleteStackSetInput{
		StackSetName: aws.String(setName),
	}); err != nil {
		t.Error(err)
	}
	_, err = o.CloudFormation.DescribeStackSet(t.Context(), &cloudformation.DescribeStackSetInput{
		StackSetName: aws.String(setName),
	})
	apitest.WantError(t, err, "StackSetNotFoundException", setName)
}
