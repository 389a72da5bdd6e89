package cloudformation_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/apitest"
)

// role creates a role with one inline policy and returns its ARN.
func (h *harness) role(name, service, statement string) string {
	h.t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},` +
		`"Action":"sts:AssumeRole"}]}`
	made, err := h.iam.CreateRole(h.t.Context(),
		&iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err != nil {
		h.t.Fatal(err)
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[%s]}`, statement)
	if _, err := h.iam.PutRolePolicy(h.t.Context(),
		&iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
		h.t.Fatal(err)
	}
	return *made.Role.Arn
}

// TestAccess checks that a role session may do with stacks what its policy
// allows: on the stack's ARN, with the role that it passes, and for resources
// that are created as the caller.
func TestAccess(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	stackRole := h.role("stackrole", "cloudformation.amazonaws.com",
		`{"Effect":"Allow","Action":"sns:*","Resource":"*"}`)
	other := h.role("other", "cloudformation.amazonaws.com", `{"Effect":"Allow","Action":"sns:*","Resource":"*"}`)
	untrusted := h.role("untrusted", "ec2.amazonaws.com", `{"Effect":"Allow","Action":"sns:*","Resource":"*"}`)
	caller := h.role("caller", "lambda.amazonaws.com", fmt.Sprintf(`
		{"Effect":"Allow","Action":["cloudformation:CreateStack","cloudformation:DescribeStacks","cloudformation:DeleteStack"],"Resource":"arn:aws:cloudformation:*:*:stack/mine-*/*"},
		{"Effect":"Allow","Action":"iam:PassRole","Resource":["%s","%s"],"Condition":{"StringEquals":{"iam:PassedToService":"cloudformation.amazonaws.com"}}}`, stackRole, untrusted))
	client := cfn.NewFromConfig(h.cloud.ConfigAs(account, region, caller))
	tests := []struct{ name, stack, role, code, message string }{
		{"another's name", "yours-a", stackRole, "AccessDenied", "cloudformation:CreateStack"},
		{"another role", "mine-a", other, "AccessDenied", "iam:PassRole"},
		{
			"a role that CloudFormation may not assume",
			"mine-a",
			untrusted,
			"ValidationError",
			"is invalid or cannot be assumed",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := client.CreateStack(ctx,
				&cfn.CreateStackInput{StackName: &tt.stack, TemplateBody: aws.String(two), RoleARN: &tt.role})
			apitest.WantError(t, err, tt.code, tt.message)
		})
	}
	if _, err := client.CreateStack(ctx, &cfn.CreateStackInput{StackName: aws.String("mine-a"),
		TemplateBody: aws.String(two), RoleARN: &stackRole}); err != nil {
		t.Fatal(err)
	}
	h.wait("mine-a", "CREATE_COMPLETE")
	if _, err := client.DescribeStacks(ctx, &cfn.DescribeStacksInput{StackName: aws.String("mine-a")}); err != nil {
		t.Error(err)
	}
	_, err := client.DescribeStacks(ctx, &cfn.DescribeStacksInput{})
	apitest.WantError(t, err, "AccessDenied", "cloudformation:DescribeStacks")

	if _, err := client.CreateStack(ctx, &cfn.CreateStackInput{StackName: aws.String("mine-b"),
		TemplateBody: aws.String("Resources: {T: {Type: AWS::SNS::Topic}}")}); err != nil {
		t.Fatal(err)
	}
	h.wait("mine-b", "ROLLBACK_COMPLETE") // as the caller, who may not create topics
}
