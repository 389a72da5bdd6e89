package monitor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"permstack/internal/drift/monitor"
	"permstack/internal/installation"
	"permstack/internal/notify"
)

// TestAnnouncedOnce checks which deployments the check announces: only one whose access neither the deployment nor an
// earlier run has announced.
func TestAnnouncedOnce(t *testing.T) {
	b := newEnvironment(t)
	for _, tc := range []struct {
		name     string
		deployed monitor.Deployed
		want     int // messages
	}{
		{"announced by the deployment", monitor.Deployed{Granted: "a", Announced: "a"}, 0},
		{"not announced by the deployment", monitor.Deployed{Granted: "b", Announced: "a"}, 1},
		{"announced by the run before", monitor.Deployed{Granted: "b", Announced: "a"}, 0},
		{"stack is being changed", monitor.Deployed{}, 0},
		{"next deployment announces", monitor.Deployed{Granted: "c", Announced: "c"}, 0},
		{"later that output is lost", monitor.Deployed{Granted: "c"}, 0},
		{"back to access of before", monitor.Deployed{Granted: "b", Announced: "c"}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.deployed.Changes = func(context.Context) ([]notify.AccessChange, error) { return nil, nil }
			b.run.Deployed = func(context.Context) (monitor.Deployed, error) { return tc.deployed, nil }
			if _, sent, err := b.do(); err != nil || len(sent) != tc.want {
				t.Errorf("sent %q, error %v; want %d messages", sent, err, tc.want)
			}
		})
	}
}

// deployedStack is a client of CloudFormation with one stack.
type deployedStack struct {
	status         types.StackStatus // "" if the stack does not exist
	describe, read error
	template       string
	asked          string // the stack whose template was read
}

func (s *deployedStack) DescribeStacks(
	context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	if s.describe != nil || s.status == "" {
		return &cloudformation.DescribeStacksOutput{}, s.describe
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{{StackStatus: s.status, Outputs: []types.Output{
		{OutputKey: aws.String(installation.GrantedOutput), OutputValue: aws.String("granted")},
		{OutputKey: aws.String(installation.AnnouncedOutput), OutputValue: aws.String("announced")},
	}}}}, nil
}

func (s *deployedStack) GetTemplate(
	_ context.Context, in *cloudformation.GetTemplateInput, _ ...func(*cloudformation.Options),
) (*cloudformation.GetTemplateOutput, error) {
	s.asked = *in.StackName
	return &cloudformation.GetTemplateOutput{TemplateBody: &s.template}, s.read
}

var denied = &smithy.GenericAPIError{Code: "AccessDenied", Message: "not allowed"}

// TestReadDeployed checks that the outputs are read only of a stack that exists and is not being changed.
func TestReadDeployed(t *testing.T) {
	installed, err := installation.ParseParent(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, granted, announced, problem string
		stack                             deployedStack
	}{
		{"created", "granted", "announced", "", deployedStack{status: types.StackStatusCreateComplete}},
		{"rolled back", "granted", "announced", "", deployedStack{status: types.StackStatusUpdateRollbackComplete}},
		{"being updated", "", "", "", deployedStack{status: types.StackStatusUpdateInProgress}},
		{"deleted", "", "", "it does not exist", deployedStack{}},
		{"denied", "", "", "AccessDenied", deployedStack{status: types.StackStatusCreateComplete, describe: denied}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := monitor.ReadDeployed(t.Context(), &tc.stack, installed)
			if got.Granted != tc.granted || got.Announced != tc.announced || (got.Changes != nil) != (tc.granted != "") {
				t.Errorf("got %+v", got)
			}
			if (err != nil) != (tc.problem != "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
				t.Errorf("got error %v, want %q", err, tc.problem)
			}
		})
	}
}

// TestGrantedAccess checks that the changes that are announced late are the actions of every policy in the template of
// the permission stack, and nothing else in it.
func TestGrantedAccess(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ACTION"],"Resource":"*"}]}`
	policy := func(action string) string { return strings.Replace(document, "ACTION", action, 1) }
	template := `{"Resources":{` +
		`"Topic":{"Type":"AWS::SNS::Topic","Properties":{"PolicyDocument":"none","Policies":[{"PolicyName":"x"}]}},` +
		`"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"Backup","Policies":[` +
		`{"PolicyName":"Second","PolicyDocument":` + policy("ec2:CreateSnapshot") + `},` +
		`{"PolicyName":"First","PolicyDocument":` + policy("ec2:CopySnapshot") + `}]}},` +
		`"Managed":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"ManagedPolicyName":"Restore","PolicyDocument":` +
		policy("ec2:RunInstances") + `}}}}`
	want := []notify.AccessChange{
		{What: notify.PolicyPart, Of: "Backup", Name: "First", Added: []string{"ec2:CopySnapshot"}},
		{What: notify.PolicyPart, Of: "Backup", Name: "Second", Added: []string{"ec2:CreateSnapshot"}},
		{What: notify.PolicyPart, Of: "managed policies", Name: "Restore", Added: []string{"ec2:RunInstances"}},
	}
	installed, err := installation.ParseParent(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, template, problem string
		read                    error
		want                    []notify.AccessChange
	}{
		{"template", template, "", nil, want},
		{"denied", "", "read template of stack " + installed.StackName(installation.Access) + ": AccessDenied", denied, nil},
		{"no JSON", "Resources:", "parse template of stack", nil, nil},
		{"strange role", `{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":1}}}}`,
			"parse resource Role in the template of stack", nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stack := deployedStack{status: types.StackStatusCreateComplete, template: tc.template, read: tc.read}
			deployed, err := monitor.ReadDeployed(t.Context(), &stack, installed)
			if err != nil {
				t.Fatal(err)
			}
			got, err := deployed.Changes(t.Context())
			if (err != nil) != (tc.problem != "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
				t.Errorf("got error %v, want %q", err, tc.problem)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
			if want := installed.StackName(installation.Access); stack.asked != want {
				t.Errorf("read the template of %s, want %s", stack.asked, want)
			}
		})
	}
}
