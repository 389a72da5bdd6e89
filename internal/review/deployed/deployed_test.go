package deployed

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"permstack"
	"permstack/internal/policies/schema"
)

// account is a CloudFormation with one deployed stack.
type account struct {
	stack     types.Stack
	templates map[string]string
}

func (a account) DescribeStacks(
	context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{a.stack}}, nil
}

func (a account) GetTemplate(
	_ context.Context, in *cloudformation.GetTemplateInput, _ ...func(*cloudformation.Options),
) (*cloudformation.GetTemplateOutput, error) {
	body, ok := a.templates[aws.ToString(in.StackName)]
	if !ok {
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id x does not exist"}
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: &body}, nil
}

const (
	backupUUID  = "11111111-2222-3333-4444-555555555555"
	accessStack = "backup-" + backupUUID + "-permstack-access"
)

func launched() account {
	a := account{
		stack: types.Stack{StackId: aws.String("arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/" +
			backupUUID)},
		templates: map[string]string{
			"backup":    string(permstack.Template),
			accessStack: "{}",
		},
	}
	for key, value := range map[string]string{
		"ProtectEC2": "yes", "ProtectS3": "yes", "Operations": "backup", "ExternalId": "****",
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "DataPlaneAccountId": "444455556666",
		"ConnectionId": "c-1",
	} {
		a.stack.Parameters = append(a.stack.Parameters, types.Parameter{ParameterKey: &key, ParameterValue: &value})
	}
	return a
}

func TestRead(t *testing.T) {
	got, err := Read(t.Context(), launched(), "backup")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Selection.Assets, []schema.Asset{"ec2", "s3"}) ||
		!slices.Equal(got.Selection.Operations, []schema.Operation{"backup"}) {
		t.Errorf("selection %+v", got.Selection)
	}
	if got.Environment.ConnectionID != "c-1" || got.Environment.Region != "eu-central-1" {
		t.Errorf("environment %+v", got.Environment)
	}
	if len(got.Templates) != 1 {
		t.Errorf("got %d templates, want 1", len(got.Templates))
	}
}

func TestWrongStack(t *testing.T) {
	a := launched()
	delete(a.templates, accessStack)
	if _, err := Read(t.Context(), a, "backup"); err == nil {
		t.Error("a stack without permission stacks is accepted")
	}
	a = launched()
	a.templates["backup"] = `{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}`
	if _, err := Read(t.Context(), a, "backup"); err == nil {
		t.Error("a stack without the custom resource is accepted")
	}
}
