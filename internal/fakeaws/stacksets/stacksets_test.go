package stacksets_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/protocol"
)

const (
	management = "999999999999"
	home       = "us-east-1"
	other      = "eu-central-1"
	setName    = "release"
)

// good is the first release; bad fails in every account that has a topic "taken",
// which somebody else has created.
const (
	good = `
Parameters: {Suffix: {Type: String, Default: one}}
Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub "release ${Suffix}"}}}`
	bad = `
Parameters: {Suffix: {Type: String, Default: one}}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: bad}}
  Parameter: {Type: AWS::SSM::Parameter, DependsOn: Topic, Properties: {Type: String, Name: /taken, Value: x}}`
)

func account(i int) string { return fmt.Sprintf("1000000000%02d", i) }

// newOrganization returns an organization with n accounts in one unit.
func newOrganization(t *testing.T, n int) (o *fakeawstest.Organization, unit string) {
	t.Helper()
	o = fakeawstest.Start(t, fakeawstest.Options{}).NewOrganization(management, home)
	unit = o.CreateUnit(o.Root, "production")
	for i := range n {
		o.Join(account(i), unit)
	}
	return o, unit
}

func createSet(t *testing.T, o *fakeawstest.Organization, change ...func(*cloudformation.CreateStackSetInput)) {
	t.Helper()
	in := &cloudformation.CreateStackSetInput{
		StackSetName: aws.String(setName), TemplateBody: aws.String(good),
		PermissionModel:  types.PermissionModelsServiceManaged,
		AutoDeployment:   &types.AutoDeployment{Enabled: aws.Bool(true), RetainStacksOnAccountRemoval: aws.Bool(false)},
		ManagedExecution: &types.ManagedExecution{Active: aws.Bool(true)},
	}
	for _, f := range change {
		f(in)
	}
	if _, err := o.CloudFormation.CreateStackSet(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func deploy(t *testing.T, o *fakeawstest.Organization, regions []string, units ...string) fakeawstest.Operation {
	t.Helper()
	out, err := o.CloudFormation.CreateStackInstances(t.Context(), &cloudformation.CreateStackInstancesInput{
		StackSetName: aws.String(setName), Regions: regions,
		DeploymentTargets: &types.DeploymentTargets{OrganizationalUnitIds: units},
		OperationPreferences: &types.StackSetOperationPreferences{
			MaxConcurrentPercentage: aws.Int32(100), FailureTolerancePercentage: aws.Int32(100),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o.WaitOperation(setName, out.OperationId)
}

// displayNames returns the display name of each topic by account and Region.
func displayNames(t *testing.T, o *fakeawstest.Organization, n int) map[string]string {
	t.Helper()
	out := map[string]string{}
	for i := range n {
		for _, region := range []string{home, other} {
			a := o.In(account(i), region)
			topics, err := a.SNS.ListTopics(t.Context(), &sns.ListTopicsInput{})
			if err != nil {
				t.Fatal(err)
			}
			for _, topic := range topics.Topics {
				got, err := a.SNS.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic.TopicArn})
				if err != nil {
					t.Fatal(err)
				}
				out[account(i)+" "+region] = got.Attributes["DisplayName"]
			}
		}
	}
	return out
}

// TestBadRelease updates 30 accounts in two Regions to a release that fails in
// some of them. It stops at the failure tolerance, the accounts that it has not
// reached have the former release, and those that failed are rolled back to it.
func TestBadRelease(t *testing.T) {
	const accounts = 30
	for name, tc := range map[string]struct {
		preferences types.StackSetOperationPreferences
		takenFrom   int // accounts from this one on fail, in both Regions
		status      types.StackSetOperationStatus
		failed      int
		succeeded   int
	}{
		"all fail, tolerance 10 %": {
			types.StackSetOperationPreferences{
				FailureTolerancePercentage: aws.Int32(10), MaxConcurrentPercentage: aws.Int32(25),
			}, 0, types.StackSetOperationStatusFailed, 4, 0,
		},
		"all fail, defaults": {
			types.StackSetOperationPreferences{}, 0, types.StackSetOperationStatusFailed, 1, 0,
		},
		"all fail, Regions side by side": {
			types.StackSetOperationPreferences{
				FailureTolerancePercentage: aws.Int32(10), MaxConcurrentPercentage: aws.Int32(25),
				RegionConcurrencyType: types.RegionConcurrencyTypeParallel,
			}, 0, types.StackSetOperationStatusFailed, 8, 0,
		},
		"three fail in each Region, as many as may": {
			types.StackSetOperationPreferences{FailureToleranceCount: aws.Int32(3), MaxConcurrentCount: aws.Int32(4)},
			27, types.StackSetOperationStatusSucceeded, 6, 54,
		},
		"the last one fails, none may": {
			types.StackSetOperationPreferences{RegionOrder: []string{other, home}},
			29, types.StackSetOperationStatusFailed, 1, 29,
		},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			o, unit := newOrganization(t, accounts)
			createSet(t, o)
			if op := deploy(t, o, []string{home, other}, unit); op.Count("SUCCEEDED") != 2*accounts {
				t.Fatalf("roll-out: got %s, %d succeeded", op.Status, op.Count("SUCCEEDED"))
			}
			for i := tc.takenFrom; i < accounts; i++ {
				for _, region := range []string{home, other} {
					o.In(account(i), region).PutParameter("/taken", "by somebody else")
				}
			}
			out, err := o.CloudFormation.UpdateStackSet(t.Context(), &cloudformation.UpdateStackSetInput{
				StackSetName: aws.String(setName), TemplateBody: aws.String(bad), OperationPreferences: &tc.preferences,
			})
			if err != nil {
				t.Fatal(err)
			}
			op := o.WaitOperation(setName, out.OperationId)
			cancelled := 2*accounts - tc.failed - tc.succeeded
			if op.Status != tc.status || op.Count("FAILED") != tc.failed || op.Count("SUCCEEDED") != tc.succeeded ||
				op.Count("CANCELLED") != cancelled {
				t.Errorf("got %s: %d failed, %d succeeded, %d cancelled; want %s: %d, %d, %d", op.Status, op.Count("FAILED"),
					op.Count("SUCCEEDED"), op.Count("CANCELLED"), tc.status, tc.failed, tc.succeeded, cancelled)
			}
			if *op.StatusDetails.FailedStackInstancesCount != int32(tc.failed) {
				t.Errorf("failed stack instances: got %d, want %d", *op.StatusDetails.FailedStackInstancesCount, tc.failed)
			}
			names := displayNames(t, o, accounts)
			instances := o.StackSetInstances(setName)
			for _, r := range op.Results {
				key := *r.Account + " " + *r.Region
				name, status := "release one", "OUTDATED "+string(r.Status)
				if r.Status == "SUCCEEDED" {
					name, status = "bad", "CURRENT"
				}
				if names[key] != name || instances[key] != status {
					t.Errorf("%s, %s: got topic %q, instance %s; want %q, %s", key, r.Status, names[key], instances[key], name,
						status)
				}
				if reason := aws.ToString(r.StatusReason); r.Status == "FAILED" && !strings.Contains(reason,
					"ResourceLogicalId:Parameter, ResourceType:AWS::SSM::Parameter, ResourceStatusReason:") {
					t.Errorf("%s: got reason %q, want one that names the resource", key, reason)
				}
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("the roll-out took %s", took)
			}
		})
	}
}

// holdStacks holds every CreateStack until the returned function is called.
func holdStacks(o *fakeawstest.Organization) (release func()) {
	held := make(chan struct{})
	o.SetIntercept(func(call *protocol.Call) error {
		if call.Action == "CreateStack" {
			<-held
		}
		return nil
	})
	return func() {
		close(held)
		o.SetIntercept(nil)
	}
}
