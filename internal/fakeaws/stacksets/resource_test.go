package stacksets_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/fakeawstest"
)

// resource is a template with a stack set of a topic.
const resource = `
Parameters:
  Units: {Type: CommaDelimitedList}
  Regions: {Type: CommaDelimitedList}
  Suffix: {Type: String, Default: one}
Resources:
  Set:
    Type: AWS::CloudFormation::StackSet
    Properties:
      StackSetName: release
      PermissionModel: SERVICE_MANAGED
      AutoDeployment: {Enabled: true, RetainStacksOnAccountRemoval: false}
      ManagedExecution: {Active: true}
      Parameters: [{ParameterKey: Suffix, ParameterValue: !Ref Suffix}]
      OperationPreferences: {MaxConcurrentPercentage: 100, FailureTolerancePercentage: 0}
      StackInstancesGroup:
        - DeploymentTargets: {OrganizationalUnitIds: !Ref Units}
          Regions: !Ref Regions
      TemplateBody: |
        Parameters: {Suffix: {Type: String}}
        Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub "release ${Suffix}"}}}
Outputs: {Id: {Value: !GetAtt Set.StackSetId}}
`

// TestResource creates, updates and deletes AWS::CloudFormation::StackSet.
func TestResource(t *testing.T) {
	o, unit := newOrganization(t, 2)
	second := o.CreateUnit(o.Root, "second")
	o.Join(account(2), second)
	values := map[string]string{"Units": unit, "Regions": home}
	stack := o.Launch(fakeawstest.Launch{Name: "administrator", Template: []byte(resource), Parameters: values})
	check := func(what, suffix string, places ...string) {
		t.Helper()
		want, status := map[string]string{}, map[string]string{}
		for _, p := range places {
			want[p], status[p] = "release "+suffix, "CURRENT"
		}
		if got := o.StackSetInstances(setName); !maps.Equal(got, status) {
			t.Errorf("%s: got instances %v, want %v", what, got, status)
		}
		if got := displayNames(t, o, 3); !maps.Equal(got, want) {
			t.Errorf("%s: got topics %v, want %v", what, got, want)
		}
	}
	at := func(i int, region string) string { return account(i) + " " + region }
	check("create", "one", at(0, home), at(1, home))

	drift, err := o.CloudFormation.DetectStackResourceDrift(t.Context(), &cloudformation.DetectStackResourceDriftInput{
		StackName: &stack.Name, LogicalResourceId: aws.String("Set"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if status := drift.StackResourceDrift.StackResourceDriftStatus; status != types.StackResourceDriftStatusInSync {
		t.Errorf("got drift %s, %v, want IN_SYNC", status, drift.StackResourceDrift.PropertyDifferences)
	}

	values["Suffix"] = "two"
	stack.Update(values)
	check("another parameter", "two", at(0, home), at(1, home))
	values["Regions"] = home + "," + other
	stack.Update(values)
	check("another Region", "two", at(0, home), at(1, home), at(0, other), at(1, other))
	values["Units"], values["Regions"] = second, other
	stack.Update(values)
	check("another unit, a Region less", "two", at(2, other))
	if id := stack.Describe().Outputs[0].OutputValue; *id != stack.PhysicalID("Set") {
		t.Errorf("got output %s, want the physical id %s", *id, stack.PhysicalID("Set"))
	}
	stack.Delete()
	if got := displayNames(t, o, 3); len(got) > 0 {
		t.Errorf("after the delete: got topics %v, want none", got)
	}
	_, err = o.CloudFormation.DescribeStackSet(t.Context(), &cloudformation.DescribeStackSetInput{
		StackSetName: aws.String(setName),
	})
	apitest.WantError(t, err, "StackSetNotFoundException", setName)
}

// TestResourceFails requires that a create whose operation exceeds the failure
// tolerance is rolled back, with the account and its reason.
func TestResourceFails(t *testing.T) {
	o, unit := newOrganization(t, 2)
	member := o.In(account(0), home)
	const body = "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /taken, Value: x}}}"
	member.PutParameter("/taken", "by somebody else")
	template := `
Resources:
  Set:
    Type: AWS::CloudFormation::StackSet
    Properties:
      StackSetName: release
      PermissionModel: SERVICE_MANAGED
      AutoDeployment: {Enabled: false}
      StackInstancesGroup: [{DeploymentTargets: {OrganizationalUnitIds: [` + unit + `]}, Regions: [` + home + `]}]
      TemplateBody: "` + body + `"
`
	stack, err := o.Create(fakeawstest.Launch{Name: "administrator", Template: []byte(template)})
	if err != nil {
		t.Fatal(err)
	}
	stack.Wait("ROLLBACK_COMPLETE")
	events, err := o.CloudFormation.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{
		StackName: &stack.Name,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events.StackEvents {
		if e.ResourceStatus == "CREATE_FAILED" && *e.LogicalResourceId == "Set" {
			if reason := *e.ResourceStatusReason; !strings.Contains(reason, "Account "+account(0)+", Region "+home) ||
				!strings.Contains(reason, "/taken") {
				t.Errorf("got reason %q, want the account, the Region and the name that exists", reason)
			}
		}
	}
	if got := displayNames(t, o, 2); len(got) > 0 {
		t.Errorf("got %v, want nothing", got)
	}
}
