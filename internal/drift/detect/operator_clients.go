package detect

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/awsapi/livestate"
)

// StackUpdates is the part of the SDK's client that updates stacks.
type StackUpdates interface {
	UpdateStack(
		context.Context, *cloudformation.UpdateStackInput, ...func(*cloudformation.Options),
	) (*cloudformation.UpdateStackOutput, error)
}

// RoleDeletion is the part of the SDK's client that deletes roles.
type RoleDeletion interface {
	livestate.IAM
	RolePolicies
	RemoveRoleFromInstanceProfile(
		context.Context, *iam.RemoveRoleFromInstanceProfileInput, ...func(*iam.Options),
	) (*iam.RemoveRoleFromInstanceProfileOutput, error)
	DeleteRole(context.Context, *iam.DeleteRoleInput, ...func(*iam.Options)) (*iam.DeleteRoleOutput, error)
}

// FunctionUpdates is the part of the SDK's client that restores functions.
type FunctionUpdates interface {
	lambda.GetFunctionAPIClient
	GetPolicy(context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error)
	UpdateFunctionCode(
		context.Context, *lambda.UpdateFunctionCodeInput, ...func(*lambda.Options),
	) (*lambda.UpdateFunctionCodeOutput, error)
	UpdateFunctionConfiguration(
		context.Context, *lambda.UpdateFunctionConfigurationInput, ...func(*lambda.Options),
	) (*lambda.UpdateFunctionConfigurationOutput, error)
	PutFunctionConcurrency(
		context.Context, *lambda.PutFunctionConcurrencyInput, ...func(*lambda.Options),
	) (*lambda.PutFunctionConcurrencyOutput, error)
	DeleteFunctionConcurrency(
		context.Context, *lambda.DeleteFunctionConcurrencyInput, ...func(*lambda.Options),
	) (*lambda.DeleteFunctionConcurrencyOutput, error)
	PutFunctionCodeSigningConfig(
		context.Context, *lambda.PutFunctionCodeSigningConfigInput, ...func(*lambda.Options),
	) (*lambda.PutFunctionCodeSigningConfigOutput, error)
	PutFunctionEventInvokeConfig(
		context.Context, *lambda.PutFunctionEventInvokeConfigInput, ...func(*lambda.Options),
	) (*lambda.PutFunctionEventInvokeConfigOutput, error)
	DeleteFunctionEventInvokeConfig(
		context.Context, *lambda.DeleteFunctionEventInvokeConfigInput, ...func(*lambda.Options),
	) (*lambda.DeleteFunctionEventInvokeConfigOutput, error)
	AddPermission(
		context.Context, *lambda.AddPermissionInput, ...func(*lambda.Options),
	) (*lambda.AddPermissionOutput, error)
	RemovePermission(
		context.Context, *lambda.RemovePermissionInput, ...func(*lambda.Options),
	) (*lambda.RemovePermissionOutput, error)
}

// QueueUpdates is the part of the SDK's client that restores queues.
type QueueUpdates interface {
	SetQueueAttributes(
		context.Context, *sqs.SetQueueAttributesInput, ...func(*sqs.Options),
	) (*sqs.SetQueueAttributesOutput, error)
}
