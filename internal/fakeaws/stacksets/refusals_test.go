package stacksets_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/fakeawstest"
)

// TestRefusals requires AWS's errors.
func TestRefusals(t *testing.T) {
	o, unit := newOrganization(t, 1)
	createSet(t, o, func(in *cloudformation.CreateStackSetInput) { in.ManagedExecution = nil })
	ctx := t.Context()
	create := func(a *fakeawstest.Account, change func(*cloudformation.CreateStackSetInput)) error {
		in := &cloudformation.CreateStackSetInput{
			StackSetName: aws.String("other"), TemplateBody: aws.String(good),
			PermissionModel: types.PermissionModelsServiceManaged,
			AutoDeployment:  &types.AutoDeployment{Enabled: aws.Bool(false)},
		}
		change(in)
		_, err := a.CloudFormation.CreateStackSet(ctx, in)
		return err
	}
	instances := func(change func(*cloudformation.CreateStackInstancesInput)) error {
		in := &cloudformation.CreateStackInstancesInput{
			StackSetName: aws.String(setName), Regions: []string{home},
			DeploymentTargets: &types.DeploymentTargets{OrganizationalUnitIds: []string{unit}},
		}
		change(in)
		_, err := o.CloudFormation.CreateStackInstances(ctx, in)
		return err
	}
	member := o.In(account(0), home)
	for name, tc := range map[string]struct {
		err        error
		code, text string
	}{
		"same name": {create(o.Account, func(in *cloudformation.CreateStackSetInput) {
			in.StackSetName = aws.String(setName)
		}), "NameAlreadyExistsException", "already exists"},
		"not the management account": {create(member, func(*cloudformation.CreateStackSetInput) {}), "ValidationError",
			"management account"},
		"not a delegated administrator": {create(member, func(in *cloudformation.CreateStackSetInput) {
			in.CallAs = types.CallAsDelegatedAdmin
		}), "ValidationError", "delegated admin"},
		"no template": {create(o.Account, func(in *cloudformation.CreateStackSetInput) { in.TemplateBody = nil }),
			"ValidationError", "Template"},
		"invalid template": {create(o.Account, func(in *cloudformation.CreateStackSetInput) {
			in.TemplateBody = aws.String("Resources: 1")
		}), "ValidationError", "Resources"},
		"unknown parameter": {create(o.Account, func(in *cloudformation.CreateStackSetInput) {
			in.Parameters = []types.Parameter{{ParameterKey: aws.String("X"), ParameterValue: aws.String("1")}}
		}), "ValidationError", "[X] do not exist"},
		"missing value": {create(o.Account, func(in *cloudformation.CreateStackSetInput) {
			in.TemplateBody = aws.String("Parameters: {P: {Type: String}}\nResources: {T: {Type: AWS::SNS::Topic}}")
		}), "ValidationError", "[P] must have values"},
		"missing capability": {create(o.Account, func(in *cloudformation.CreateStackSetInput) {
			in.TemplateBody = aws.String("Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}")
		}), "InsufficientCapabilitiesException", "CAPABILITY_IAM"},
		"no automatic deployment": {create(o.Account, func(in *cloudformation.CreateStackSetInput) {
			in.AutoDeployment = nil
		}), "ValidationError", "AutoDeployment"},
		"unknown set": {instances(func(in *cloudformation.CreateStackInstancesInput) { in.StackSetName = aws.String("x") }),
			"StackSetNotFoundException", "x"},
		"unknown unit": {instances(func(in *cloudformation.CreateStackInstancesInput) {
			in.DeploymentTargets.OrganizationalUnitIds = []string{"ou-ab12-11111111"}
		}), "ValidationError", "ou-ab12-11111111"},
		"unknown Region": {instances(func(in *cloudformation.CreateStackInstancesInput) {
			in.Regions = []string{"us-east-9"}
		}), "ValidationError", "us-east-9"},
		"accounts of a service-managed set": {instances(func(in *cloudformation.CreateStackInstancesInput) {
			in.DeploymentTargets, in.Accounts = nil, []string{account(0)}
		}), "ValidationError", "OrganizationalUnitIds"},
		"count and percentage": {instances(func(in *cloudformation.CreateStackInstancesInput) {
			in.OperationPreferences = &types.StackSetOperationPreferences{
				FailureToleranceCount: aws.Int32(1), FailureTolerancePercentage: aws.Int32(1),
			}
		}), "ValidationError", "together"},
	} {
		t.Run(name, func(t *testing.T) { apitest.WantError(t, tc.err, tc.code, tc.text) })
	}

	// Without managed execution an operation excludes another one.
	release := holdStacks(o)
	first := instances(func(in *cloudformation.CreateStackInstancesInput) { in.OperationId = aws.String("first") })
	second := instances(func(*cloudformation.CreateStackInstancesInput) {})
	release()
	if first != nil {
		t.Fatal(first)
	}
	apitest.WantError(t, second, "OperationInProgressException", "first")
	o.WaitOperation(setName, aws.String("first"))
	if _, err := o.CloudFormation.DeactivateOrganizationsAccess(ctx,
		&cloudformation.DeactivateOrganizationsAccessInput{}); err != nil {
		t.Fatal(err)
	}
	apitest.WantError(t, instances(func(*cloudformation.CreateStackInstancesInput) {}), "ValidationError",
		"enable organizations access")
}
