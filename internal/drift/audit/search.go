package audit

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// roles searches the roles of the account that no stack of an installation holds.
func (a *audit) roles(ctx context.Context) {
	for pages := iam.NewListRolesPaginator(a.iam, &iam.ListRolesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			a.fail("iam:ListRoles", "roles", err)
			return
		}
		for _, r := range page.Roles {
			if !a.held[typeRole+" "+aws.ToString(r.RoleName)] {
				a.role(ctx, r)
			}
			a.progress("roles")
		}
	}
}

func (a *audit) role(ctx context.Context, r iamtypes.Role) {
	text, err := url.QueryUnescape(aws.ToString(r.AssumeRolePolicyDocument))
	if err != nil {
		return
	}
	trust, err := iampolicy.Parse([]byte(text))
	if err != nil {
		return
	}
	names, ownRole := a.target.named(trust)
	ours := a.namedLikeOurs(r)
	if len(names) == 0 && !ours || a.ofOtherRegion(ctx, aws.ToString(r.RoleName)) {
		return
	}
	f := finding.Finding{
		PhysicalID: aws.ToString(r.Arn), Type: typeRole, Subject: aws.ToString(r.RoleName),
		Direction: finding.GrantsMore, Expected: finding.None, Actual: value(trust),
	}
	switch {
	case ours:
		f.Kind = finding.RoleUnowned
	case ownRole:
		f.Kind = finding.TrustsOwnRole
	default:
		f.Kind = finding.TrustsService
	}
	a.add(f, aws.ToString(r.RoleId), text)
}

// namedLikeOurs reports whether a role is under the IAM path of an installation, or has a
// name with its profile's prefix, its Region and connection.
func (a *audit) namedLikeOurs(r iamtypes.Role) bool {
	for _, c := range a.chosen {
		region, connection := c.parent.Region, c.parameters["ConnectionId"]
		if strings.HasPrefix(aws.ToString(r.Path), c.parameters["RolePath"]+region+"/"+connection+"/") {
			return true
		}
		for _, own := range c.roles {
			prefix, _, found := strings.Cut(own, "-"+region)
			name := aws.ToString(r.RoleName)
			if found && strings.HasPrefix(name, prefix) &&
				(strings.HasSuffix(name, "-"+region+"-"+connection) || strings.Contains(name, "-"+region+"_")) {
				return true
			}
		}
	}
	return false
}

// ofOtherRegion reports whether a role belongs to an installation in another Region: its
// tag names the parent, and the permission stack of that parent has the role. The tag
// alone proves nothing, because whoever creates a role may write it.
func (a *audit) ofOtherRegion(ctx context.Context, name string) bool {
	got, err := a.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		a.fail("iam:GetRole", name, err)
		return false
	}
	for _, t := range got.Role.Tags {
		if aws.ToString(t.Key) != installation.ParentTag {
			continue
		}
		p, err := installation.ParseParent(aws.ToString(t.Value))
		if err != nil || slices.ContainsFunc(a.chosen, func(c chosen) bool { return c.parent.Region == p.Region }) {
			return false
		}
		if _, err := a.hold(ctx, p.Region, p.StackName(installation.Access)); err != nil && !isNoStack(err) {
			a.fail("cloudformation:ListStackResources", p.StackName(installation.Access), err)
		}
		return a.held[typeRole+" "+name]
	}
	return false
}

// isNoStack reports whether CloudFormation has no such stack, which it reports as a
// ValidationError.
func isNoStack(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError"
}

// resourcePolicy reports a policy that names the target.
func (a *audit) resourcePolicy(typ, id, text string) {
	document, err := iampolicy.Parse([]byte(text))
	if err != nil {
		return
	}
	if names, _ := a.target.named(document); len(names) > 0 {
		a.add(finding.Finding{
			PhysicalID: id, Type: typ, Kind: finding.ResourcePolicyNames, Subject: id, Direction: finding.GrantsMore,
			Expected: finding.None, Actual: value(document), Roles: nil, Changes: allowed(names),
		}, text)
	}
}

func allowed(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = "allows " + name
	}
	return out
}

// keys searches the policies and grants of the Region's keys.
func (a *audit) keys(ctx context.Context) {
	for pages := kms.NewListKeysPaginator(a.kms, &kms.ListKeysInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			a.fail("kms:ListKeys", "keys", err)
			return
		}
		for _, k := range page.Keys {
			id := aws.ToString(k.KeyArn)
			policy, err := a.kms.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &id})
			if err != nil {
				a.fail("kms:GetKeyPolicy", id, err)
			} else {
				a.resourcePolicy("AWS::KMS::Key", id, aws.ToString(policy.Policy))
			}
			a.grants(ctx, id)
			a.progress("keys")
		}
	}
}

func (a *audit) grants(ctx context.Context, key string) {
	for pages := kms.NewListGrantsPaginator(a.kms, &kms.ListGrantsInput{KeyId: &key}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			a.fail("kms:ListGrants", key, err)
			return
		}
		for _, g := range page.Grants {
			grantee := aws.ToString(g.GranteePrincipal)
			if ok, _ := a.target.matches(grantee); !ok {
				continue
			}
			var operations []string
			for _, o := range g.Operations {
				operations = append(operations, string(o))
			}
			a.add(finding.Finding{
				PhysicalID: key, Type: "AWS::KMS::Key", Kind: finding.KeyGrantAdded, Subject: aws.ToString(g.GrantId),
				Direction: finding.GrantsMore, Expected: finding.None,
				Actual: finding.Text(strings.Join(operations, ", ") + " for " + grantee),
			}, grantee, strings.Join(operations, ","))
		}
	}
}

// buckets searches the policies of the account's buckets, in their Regions.
func (a *audit) buckets(ctx context.Context) {
	// A page size makes S3 return the Region of each bucket (API reference, ListBuckets).
	in := &s3.ListBucketsInput{MaxBuckets: aws.Int32(1000)}
	for pages := s3.NewListBucketsPaginator(a.s3, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			a.fail("s3:ListAllMyBuckets", "buckets", err)
			return
		}
		for _, b := range page.Buckets {
			got, err := a.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b.Name}, func(o *s3.Options) {
				if region := aws.ToString(b.BucketRegion); region != "" {
					o.Region = region
				}
			})
			var api smithy.APIError
			switch {
			case errors.As(err, &api) && api.ErrorCode() == "NoSuchBucketPolicy":
			case err != nil:
				a.fail("s3:GetBucketPolicy", aws.ToString(b.Name), err)
			default:
				a.resourcePolicy("AWS::S3::Bucket", aws.ToString(b.Name), aws.ToString(got.Policy))
			}
			a.progress("buckets")
		}
	}
}

// topics searches the policies of the Region's topics.
func (a *audit) topics(ctx context.Context) {
	for pages := sns.NewListTopicsPaginator(a.sns, &sns.ListTopicsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			a.fail("sns:ListTopics", "topics", err)
			return
		}
		for _, t := range page.Topics {
			a.progress("topics")
			arn := aws.ToString(t.TopicArn)
			if a.held["AWS::SNS::Topic "+arn] {
				continue
			}
			got, err := a.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
			if err != nil {
				a.fail("sns:GetTopicAttributes", arn, err)
				continue
			}
			a.resourcePolicy("AWS::SNS::Topic", arn, got.Attributes["Policy"])
		}
	}
}

// queues searches the policies of the Region's queues.
func (a *audit) queues(ctx context.Context) {
	in := &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)}
	for pages := sqs.NewListQueuesPaginator(a.sqs, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			a.fail("sqs:ListQueues", "queues", err)
			return
		}
		for _, queue := range page.QueueUrls {
			a.progress("queues")
			if a.held["AWS::SQS::Queue "+queue] {
				continue
			}
			got, err := a.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
				QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNamePolicy},
			})
			switch {
			case awserr.IsNotFound(err):
			case err != nil:
				a.fail("sqs:GetQueueAttributes", queue, err)
			default:
				a.resourcePolicy("AWS::SQS::Queue", queue, got.Attributes["Policy"])
			}
		}
	}
}
