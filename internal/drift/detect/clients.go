package detect

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/awsapi/livestate"
)

// Clients are the API clients of Check and Revert. Check needs only the first six;
// without Lambda and SQS it does not compare functions and queues by itself.
type Clients struct {
	CloudFormation CloudFormation
	IAM            livestate.IAM
	SNS            livestate.SNS
	Events         livestate.Events
	Lambda         Lambda
	SQS            SQS
	KMS            KMS // nil does not check the key of the alert topic

	ChangeSets    ChangeSets
	RolePolicies  RolePolicies
	TopicPolicies TopicPolicies
	Operator      *Operator // of a person; nil for the drift function
}

// ChangeSets is the part of the SDK's client that restores declared properties.
type ChangeSets interface {
	CreateChangeSet(
		context.Context, *cloudformation.CreateChangeSetInput, ...func(*cloudformation.Options),
	) (*cloudformation.CreateChangeSetOutput, error)
	DescribeChangeSet(
		context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options),
	) (*cloudformation.DescribeChangeSetOutput, error)
	ExecuteChangeSet(
		context.Context, *cloudformation.ExecuteChangeSetInput, ...func(*cloudformation.Options),
	) (*cloudformation.ExecuteChangeSetOutput, error)
	DeleteChangeSet(
		context.Context, *cloudformation.DeleteChangeSetInput, ...func(*cloudformation.Options),
	) (*cloudformation.DeleteChangeSetOutput, error)
}

// RolePolicies is the part of the SDK's client that removes policies from a role.
type RolePolicies interface {
	DeleteRolePolicy(
		context.Context, *iam.DeleteRolePolicyInput, ...func(*iam.Options),
	) (*iam.DeleteRolePolicyOutput, error)
	DetachRolePolicy(
		context.Context, *iam.DetachRolePolicyInput, ...func(*iam.Options),
	) (*iam.DetachRolePolicyOutput, error)
}

// TopicPolicies is the part of the SDK's client that restores a topic's policy,
// which change sets do not.
type TopicPolicies interface {
	SetTopicAttributes(
		context.Context, *sns.SetTopicAttributesInput, ...func(*sns.Options),
	) (*sns.SetTopicAttributesOutput, error)
}

// CloudFormation is the part of the SDK's client that Check needs.
type CloudFormation interface {
	DescribeStacks(
		context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options),
	) (*cloudformation.DescribeStacksOutput, error)
	GetTemplate(
		context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options),
	) (*cloudformation.GetTemplateOutput, error)
	GetStackPolicy(
		context.Context, *cloudformation.GetStackPolicyInput, ...func(*cloudformation.Options),
	) (*cloudformation.GetStackPolicyOutput, error)
	ListChangeSets(
		context.Context, *cloudformation.ListChangeSetsInput, ...func(*cloudformation.Options),
	) (*cloudformation.ListChangeSetsOutput, error)
	DescribeChangeSet(
		context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options),
	) (*cloudformation.DescribeChangeSetOutput, error)
	DescribeStackEvents(
		context.Context, *cloudformation.DescribeStackEventsInput, ...func(*cloudformation.Options),
	) (*cloudformation.DescribeStackEventsOutput, error)
	ListStacks(
		context.Context, *cloudformation.ListStacksInput, ...func(*cloudformation.Options),
	) (*cloudformation.ListStacksOutput, error)
	ListStackResources(
		context.Context, *cloudformation.ListStackResourcesInput, ...func(*cloudformation.Options),
	) (*cloudformation.ListStackResourcesOutput, error)
	DetectStackResourceDrift(
		context.Context, *cloudformation.DetectStackResourceDriftInput, ...func(*cloudformation.Options),
	) (*cloudformation.DetectStackResourceDriftOutput, error)
}

// NewClients creates SDK clients that do not retry by themselves: Check and Revert
// retry within their rate limits, which apply to all concurrent calls to a
// service.
func NewClients(cfg aws.Config) Clients {
	cfg = cfg.Copy()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	stacks, identity, topics := cloudformation.NewFromConfig(cfg), iam.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	return Clients{
		CloudFormation: stacks, IAM: identity, SNS: topics, Events: eventbridge.NewFromConfig(cfg),
		Lambda: lambda.NewFromConfig(cfg), SQS: sqs.NewFromConfig(cfg), KMS: kms.NewFromConfig(cfg),
		ChangeSets: stacks, RolePolicies: identity, TopicPolicies: topics,
	}
}
