package permstack_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/fakeawstest"
)

// customerBoundary is a customer's policy that can be the boundary of the vendor's roles.
type customerBoundary struct {
	*fakeawstest.Account
	t   *testing.T
	arn string
}

func createBoundary(t *testing.T, account *fakeawstest.Account, statements string) customerBoundary {
	t.Helper()
	out, err := account.IAM.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
		PolicyName: aws.String("Boundary"), PolicyDocument: aws.String(policyText(statements)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return customerBoundary{account, t, *out.Policy.Arn}
}

// write replaces the text of the boundary.
func (b customerBoundary) write(statements string) {
	b.t.Helper()
	if _, err := b.IAM.CreatePolicyVersion(b.t.Context(), &iam.CreatePolicyVersionInput{
		PolicyArn: &b.arn, PolicyDocument: aws.String(policyText(statements)), SetAsDefault: true,
	}); err != nil {
		b.t.Fatal(err)
	}
}

func policyText(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

const (
	everything  = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	describeEC2 = `{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}`
	noEC2       = everything + `,{"Effect":"Deny","Action":"ec2:CreateSnapshot","Resource":"*"}`
)

// TestBoundaryThatCannotWork launches with a customer's boundary that does not exist, or does not allow what the choice
// promises: the launch is refused with the reason and the remedy before anything is made, and rolled back.
func TestBoundaryThatCannotWork(t *testing.T) {
	service := fakeawstest.Start(t, fakeawstest.Options{})
	for i, tc := range []struct{ name, statements, reason string }{
		{"no policy", "", "does not exist: create it, or leave the parameter empty"},
		{"reads only", describeEC2, "ec2:CreateSnapshot"},
		{"one denial", noEC2, "ec2:CreateSnapshot"},
		{"another Region", `{"Effect":"Allow","Action":"*","Resource":"*",
			"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}`, "does not allow what the choice promises"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			account := service.For(t).In("70000000010"+string(rune('0'+i)), region)
			arn := "arn:aws:iam::" + account.ID + ":policy/Boundary"
			if tc.statements != "" {
				createBoundary(t, account, tc.statements)
			}
			stack, err := account.Create(fakeawstest.Launch{
				Parameters: withDefaults(map[string]string{"PermissionsBoundaryArn": arn}),
			})
			if err != nil {
				t.Fatal(err)
			}
			stack.Wait("ROLLBACK_COMPLETE")
			events := stackReasons(t, account, stack.Name)
			for _, words := range []string{"PermissionsBoundaryArn", tc.reason, "leave the parameter empty"} {
				if !strings.Contains(events, words) {
					t.Errorf("the reason does not have %q: %s", words, events)
				}
			}
			list, err := account.CloudFormation.ListStacks(t.Context(), &cloudformation.ListStacksInput{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range list.StackSummaries {
				if strings.Contains(*s.StackName, "-permstack-") {
					t.Errorf("stack %s was created", *s.StackName)
				}
			}
			stack.Delete()
		})
	}
}

// TestCustomersBoundary launches with a boundary that allows more than the choice, and with a condition on the network,
// which no flow determines. Later the boundary allows less: an update that changes no access succeeds, one that does is
// refused and rolled back.
func TestCustomersBoundary(t *testing.T) {
	account := fakeawstest.Start(t, fakeawstest.Options{}).In("700000000201", region)
	b := createBoundary(t, account, `{"Effect":"Allow","Action":"*","Resource":"*",
		"Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"},"StringEquals":{"aws:RequestedRegion":"us-east-1"}}}`)
	values := withDefaults(map[string]string{"PermissionsBoundaryArn": b.arn})
	stack := account.Launch(fakeawstest.Launch{Parameters: values})
	if got := stack.Outputs["BoundaryAllowsMore"]; !strings.Contains(got, "such as iam:") {
		t.Errorf("output BoundaryAllowsMore: got %q, want the actions of IAM", got)
	}
	if got := stack.Role(stack.RoleName()).Boundary; got != b.arn {
		t.Errorf("boundary of the role: got %s, want %s", got, b.arn)
	}
	b.write(noEC2)
	values["DriftReminderDays"] = "3"
	stack.Update(values)
	values["ProtectS3"] = "yes"
	in := &cloudformation.UpdateStackInput{UsePreviousTemplate: aws.Bool(true)}
	for name, value := range values {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &name, ParameterValue: &value})
	}
	stack.BeginUpdate(in)
	stack.Wait("UPDATE_ROLLBACK_COMPLETE")
	if events := stackReasons(t, account, stack.Name); !strings.Contains(events, "ec2:CreateSnapshot") {
		t.Errorf("the reason does not name the action: %s", events)
	}
	values["ProtectS3"], values["PermissionsBoundaryArn"] = "no", ""
	stack.Update(values)
	if got := stack.Role(stack.RoleName()).Boundary; !strings.Contains(got, "VendorCeiling") {
		t.Errorf("boundary of the role: got %s, want the one of the stack", got)
	}
	stack.Delete()
}

// stackReasons returns the status reasons of a stack's events.
func stackReasons(t *testing.T, account *fakeawstest.Account, name string) string {
	t.Helper()
	out, err := account.CloudFormation.DescribeStackEvents(t.Context(),
		&cloudformation.DescribeStackEventsInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range out.StackEvents {
		all = append(all, aws.ToString(e.ResourceStatusReason))
	}
	return strings.Join(all, "\n")
}
