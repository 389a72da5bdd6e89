// Package livestate reads resources as they are in an account: roles with their
// policies, managed policies, instance profiles, topics and event rules. It is the
// only place that calls these APIs to read; the drift check, the provisioner and the
// end-to-end tests use it.
//
// There are two kinds of methods. Those named after one API call, such as
// RoleSettings, return what it returns, with policy documents as text, and are for
// callers that handle the error of each property. The others, such as ReadRole, read
// a resource with everything that belongs to it, with parsed documents.
package livestate

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/iampolicy"
)

// Reader reads one account and Region.
type Reader struct {
	IAM    IAM
	SNS    SNS
	Events Events

	Limits Limits
}

// Limits are the rate limits of the services. The zero value does not limit calls;
// the SDK's clients then retry.
type Limits struct{ IAM, SNS, Events *ratelimit.Limit }

// NewReader returns a reader for the account and Region of cfg.
func NewReader(cfg aws.Config) *Reader {
	return &Reader{IAM: iam.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg), Events: eventbridge.NewFromConfig(cfg)}
}

// IAM is the part of the SDK's client that a Reader calls.
type IAM interface {
	iam.ListAttachedRolePoliciesAPIClient
	iam.ListEntitiesForPolicyAPIClient
	iam.ListInstanceProfilesAPIClient
	iam.ListInstanceProfilesForRoleAPIClient
	iam.ListPoliciesAPIClient
	iam.ListPolicyVersionsAPIClient
	iam.ListRolePoliciesAPIClient
	iam.ListRolesAPIClient
	GetInstanceProfile(
		context.Context, *iam.GetInstanceProfileInput, ...func(*iam.Options),
	) (*iam.GetInstanceProfileOutput, error)
	GetPolicy(context.Context, *iam.GetPolicyInput, ...func(*iam.Options)) (*iam.GetPolicyOutput, error)
	GetPolicyVersion(
		context.Context, *iam.GetPolicyVersionInput, ...func(*iam.Options),
	) (*iam.GetPolicyVersionOutput, error)
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error)
}

// SNS is the part of the SDK's client that a Reader calls.
type SNS interface {
	sns.ListSubscriptionsByTopicAPIClient
	sns.ListTopicsAPIClient
	GetSubscriptionAttributes(
		context.Context, *sns.GetSubscriptionAttributesInput, ...func(*sns.Options),
	) (*sns.GetSubscriptionAttributesOutput, error)
	GetTopicAttributes(
		context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options),
	) (*sns.GetTopicAttributesOutput, error)
	ListTagsForResource(
		context.Context, *sns.ListTagsForResourceInput, ...func(*sns.Options),
	) (*sns.ListTagsForResourceOutput, error)
}

// Events is the part of the SDK's EventBridge client that a Reader calls.
type Events interface {
	DescribeRule(
		context.Context, *eventbridge.DescribeRuleInput, ...func(*eventbridge.Options),
	) (*eventbridge.DescribeRuleOutput, error)
	ListRules(
		context.Context, *eventbridge.ListRulesInput, ...func(*eventbridge.Options),
	) (*eventbridge.ListRulesOutput, error)
	ListTagsForResource(
		context.Context, *eventbridge.ListTagsForResourceInput, ...func(*eventbridge.Options),
	) (*eventbridge.ListTagsForResourceOutput, error)
	ListTargetsByRule(
		context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options),
	) (*eventbridge.ListTargetsByRuleOutput, error)
}

// Name identifies a resource. Only resources of IAM have a path.
type Name struct{ Name, Path, ARN string }

// eachPage makes a call for each page of a list. page sets the marker of the next
// call in the input and reports whether there is a next page.
func eachPage[In, Out, Option any](
	ctx context.Context, l *ratelimit.Limit, do func(context.Context, *In, ...Option) (*Out, error), in *In,
	page func(*Out) (more bool),
) error {
	for {
		out, err := ratelimit.Call(ctx, l, do, in)
		if err != nil {
			return err
		}
		if !page(out) {
			return nil
		}
	}
}

// decode returns a document as it was written: IAM returns it URL-encoded (API
// reference, GetRolePolicy: "compliant with RFC 3986"). What is not encoded so is
// returned unchanged.
func decode(document *string) string {
	plain, err := url.PathUnescape(aws.ToString(document))
	if err != nil {
		return aws.ToString(document)
	}
	return plain
}

func parse(document string) (iampolicy.Document, error) { return iampolicy.Parse([]byte(document)) }

// optional returns nil for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
