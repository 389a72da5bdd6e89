package cloudformation_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
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

// TestAccessOfTagsAndTypes checks the condition keys of a call with tags and with resource types: the permission to tag
// has the call as cloudformation:CreateAction.
func TestAccessOfTagsAndTypes(t *testing.T) {
	h := newHarness(t)
	caller := h.role("caller", "lambda.amazonaws.com", `
		{"Effect":"Allow","Action":["cloudformation:CreateStack","cloudformation:UpdateStack"],"Resource":"*",
		"Condition":{"ForAllValues:StringEquals":{"cloudformation:ResourceTypes":["AWS::SNS::Topic"]},
		"Null":{"cloudformation:ResourceTypes":"false"}}},
		{"Effect":"Allow","Action":"cloudformation:TagResource","Resource":"*",
		"Condition":{"StringEquals":{"cloudformation:CreateAction":"CreateStack"},
		"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}},
		{"Effect":"Allow","Action":"sns:*","Resource":"*"}`)
	client := cfn.NewFromConfig(h.cloud.ConfigAs(account, region, caller))
	name, body := aws.String("s"), aws.String("Resources: {T: {Type: AWS::SNS::Topic}}")
	topics := []string{"AWS::SNS::Topic"}
	tag := func(key string) []types.Tag { return []types.Tag{{Key: &key, Value: aws.String("v")}} }
	create := func(in cfn.CreateStackInput) error {
		in.StackName, in.TemplateBody = name, body
		_, err := client.CreateStack(t.Context(), &in)
		return err
	}
	apitest.WantError(t, create(cfn.CreateStackInput{}), "AccessDenied", "cloudformation:CreateStack")
	apitest.WantError(t, create(cfn.CreateStackInput{ResourceTypes: []string{"AWS::*"}}),
		"AccessDenied", "cloudformation:CreateStack")
	apitest.WantError(t, create(cfn.CreateStackInput{ResourceTypes: topics, Tags: tag("access")}),
		"AccessDenied", "cloudformation:TagResource")
	if err := create(cfn.CreateStackInput{ResourceTypes: topics, Tags: tag("team")}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "CREATE_COMPLETE")
	_, err := client.UpdateStack(t.Context(), &cfn.UpdateStackInput{
		StackName: name, TemplateBody: body, ResourceTypes: topics, Tags: tag("team"),
	})
	apitest.WantError(t, err, "AccessDenied", "cloudformation:TagResource")
	_, err = client.UpdateStack(t.Context(), &cfn.UpdateStackInput{
		StackName: name, TemplateBody: body, ResourceTypes: topics, Tags: []types.Tag{},
	})
	if err == nil { // an empty list is not sent
		t.Error("an update without tags succeeds, although nothing changed")
	}
}

// TestFunctionCredentials checks that the calls of a function's code have its ARN as lambda:SourceFunctionArn, and
// others do not.
func TestFunctionCredentials(t *testing.T) {
	h := newHarness(t)
	const own, other = "arn:aws:lambda:" + region + ":" + account + ":function:own",
		"arn:aws:lambda:" + region + ":" + account + ":function:other"
	role := h.role("r", "lambda.amazonaws.com", `{"Effect":"Allow","Action":"iam:GetRole","Resource":"*",
		"Condition":{"ArnEquals":{"lambda:SourceFunctionArn":"`+own+`"}}}`)
	get := func(cfg aws.Config) error {
		_, err := iam.NewFromConfig(cfg).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r")})
		return err
	}
	if err := get(h.cloud.ConfigAsFunction(account, region, role, own)); err != nil {
		t.Error(err)
	}
	apitest.WantError(t, get(h.cloud.ConfigAsFunction(account, region, role, other)), "AccessDenied", "iam:GetRole")
	apitest.WantError(t, get(h.cloud.ConfigAs(account, region, role)), "AccessDenied", "iam:GetRole")
}
