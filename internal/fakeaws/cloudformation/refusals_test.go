package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/fakeaws/apitest"
)

func TestRefusals(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	h.create("taken", two)
	h.wait("taken", "CREATE_COMPLETE")
	role := `Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}`
	tests := []struct {
		name, stack, body, code, message string
		change                           func(*cfn.CreateStackInput)
	}{
		{"taken", "taken", two, "AlreadyExistsException", "Stack [taken] already exists", nil},
		{"bad name", "1x", two, "ValidationError", "at 'stackName' failed to satisfy constraint", nil},
		{
			"long",
			"s",
			two + strings.Repeat("#", 51_200),
			"ValidationError",
			"Member must have length less than or equal to 51200",
			nil,
		},
		{
			"unknown type",
			"s",
			"Resources: {A: {Type: AWS::EC2::Instance}}",
			"ValidationError",
			"Unrecognized resource types: [AWS::EC2::Instance]",
			nil,
		},
		{
			"circle",
			"s",
			"Resources: {A: {Type: AWS::SQS::Queue, DependsOn: B}, B: {Type: AWS::SQS::Queue, DependsOn: A}}",
			"ValidationError",
			"Circular dependency between resources: [A, B]",
			nil,
		},
		{
			"capability",
			"s",
			role,
			"InsufficientCapabilitiesException",
			"Requires capabilities : [CAPABILITY_IAM]",
			func(in *cfn.CreateStackInput) { in.Capabilities = nil },
		},
		{
			"resource types and capabilities",
			"s",
			two,
			"ValidationError",
			"Only one of Capabilities and ResourceTypes can be specified",
			func(in *cfn.CreateStackInput) {
				in.ResourceTypes = []string{"AWS::*"}
				in.Capabilities = []types.Capability{"CAPABILITY_IAM"}
			},
		},
		{
			"another resource type",
			"s",
			two,
			"ValidationError",
			"is not in ResourceTypes",
			func(in *cfn.CreateStackInput) {
				in.ResourceTypes, in.Capabilities = []string{"AWS::S3::*", "AWS::EC2::VPC"}, nil
			},
		},
		{
			"named capability",
			"s",
			strings.Replace(role, "{AssumeRole", "{RoleName: x, AssumeRole", 1),
			"InsufficientCapabilitiesException",
			"Requires capabilities : [CAPABILITY_NAMED_IAM]",
			func(in *cfn.CreateStackInput) { in.Capabilities = []types.Capability{"CAPABILITY_IAM"} },
		},
		{
			"role",
			"s",
			two,
			"ValidationError",
			"Role arn:aws:iam::111122223333:role/none is invalid or cannot be assumed",
			func(in *cfn.CreateStackInput) { in.RoleARN = aws.String("arn:aws:iam::111122223333:role/none") },
		},
		{
			"parameter",
			"s",
			two,
			"ValidationError",
			"Parameters: [X] do not exist in the template",
			func(in *cfn.CreateStackInput) {
				in.Parameters = []types.Parameter{{ParameterKey: aws.String("X"), ParameterValue: aws.String("y")}}
			},
		},
		{"url", "s", "", "NotImplemented", "TemplateURL", func(in *cfn.CreateStackInput) {
			in.TemplateBody, in.TemplateURL = nil, aws.String("https://bucket.s3.amazonaws.com/t.yaml")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &cfn.CreateStackInput{StackName: &tt.stack, TemplateBody: &tt.body}
			if tt.change != nil {
				tt.change(in)
			}
			_, err := h.cfn.CreateStack(ctx, in)
			apitest.WantError(t, err, tt.code, tt.message)
		})
	}
	h.create("odd", "Resources: {A: {Type: AWS::SQS::Queue, Properties: {Nope: 1}}}")
	h.wait("odd", "ROLLBACK_COMPLETE")
	wantInOrder(t, h.events("odd"), "A CREATE_FAILED Encountered unsupported property Nope")
	if _, err := h.cfn.UpdateTerminationProtection(ctx,
		&cfn.UpdateTerminationProtectionInput{StackName: aws.String("taken"),
			EnableTerminationProtection: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	_, err := h.cfn.DeleteStack(ctx, &cfn.DeleteStackInput{StackName: aws.String("taken")})
	apitest.WantError(t, err, "ValidationError", "cannot be deleted while TerminationProtection is enabled")
}
