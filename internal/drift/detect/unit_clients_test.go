package detect

import (
	"context"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/awsapi/livestate"
)

// unitCloudFormation returns what a test sets. Lists have one entry on a page, those of resources two.
type unitCloudFormation struct {
	CloudFormation
	err         map[string]error // by the name of the call
	stacks      map[string]*types.Stack
	templates   map[string]string // by the name of a change set, "" for that of the stack
	stackPolicy string
	summaries   []types.StackSummary
	changeSets  []types.ChangeSetSummary
	parameters  []types.Parameter // of each change set
	resources   []types.StackResourceSummary
	resourcesOf string // the id of the stack that has them; "" is every stack
	events      []types.StackEvent
	drift       *types.StackResourceDrift
	filter      []types.StackStatus
	calls       []string
	on          func(call string)
}

// unitPage returns one page of a list and the token of the next page.
func unitPage[T any](list []T, token *string, size int) ([]T, *string) {
	list = list[min(len(aws.ToString(token))*size, len(list)):]
	if len(list) <= size {
		return list, nil
	}
	return list[:size], aws.String(aws.ToString(token) + "x")
}

func (c *unitCloudFormation) call(name string) error {
	c.calls = append(c.calls, name)
	if c.on != nil {
		c.on(name)
	}
	return c.err[name]
}

func (c *unitCloudFormation) DescribeStacks(
	_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	if err := c.call("DescribeStacks"); err != nil {
		return nil, err
	}
	s := c.stacks[*in.StackName]
	if s == nil {
		return nil, apiError("CloudFormation", "DescribeStacks", "ValidationError", "Stack with id x does not exist")
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{*s}}, nil
}

func (c *unitCloudFormation) ListStacks(
	_ context.Context, in *cloudformation.ListStacksInput, _ ...func(*cloudformation.Options),
) (*cloudformation.ListStacksOutput, error) {
	c.filter = in.StackStatusFilter
	page, token := unitPage(c.summaries, in.NextToken, 1)
	return &cloudformation.ListStacksOutput{StackSummaries: page, NextToken: token}, c.call("ListStacks")
}

func (c *unitCloudFormation) ListChangeSets(
	_ context.Context, in *cloudformation.ListChangeSetsInput, _ ...func(*cloudformation.Options),
) (*cloudformation.ListChangeSetsOutput, error) {
	page, token := unitPage(c.changeSets, in.NextToken, 1)
	return &cloudformation.ListChangeSetsOutput{Summaries: page, NextToken: token}, c.call("ListChangeSets")
}

func (c *unitCloudFormation) DescribeChangeSet(
	_ context.Context, _ *cloudformation.DescribeChangeSetInput, _ ...func(*cloudformation.Options),
) (*cloudformation.DescribeChangeSetOutput, error) {
	return &cloudformation.DescribeChangeSetOutput{Parameters: c.parameters}, c.call("DescribeChangeSet")
}

func (c *unitCloudFormation) GetTemplate(
	_ context.Context, in *cloudformation.GetTemplateInput, _ ...func(*cloudformation.Options),
) (*cloudformation.GetTemplateOutput, error) {
	body := c.templates[aws.ToString(in.ChangeSetName)]
	return &cloudformation.GetTemplateOutput{TemplateBody: &body}, c.call("GetTemplate")
}

func (c *unitCloudFormation) GetStackPolicy(
	context.Context, *cloudformation.GetStackPolicyInput, ...func(*cloudformation.Options),
) (*cloudformation.GetStackPolicyOutput, error) {
	return &cloudformation.GetStackPolicyOutput{StackPolicyBody: &c.stackPolicy}, c.call("GetStackPolicy")
}

func (c *unitCloudFormation) ListStackResources(
	_ context.Context, in *cloudformation.ListStackResourcesInput, _ ...func(*cloudformation.Options),
) (*cloudformation.ListStackResourcesOutput, error) {
	if c.resourcesOf != "" && c.resourcesOf != *in.StackName {
		return &cloudformation.ListStackResourcesOutput{}, c.call("ListStackResources")
	}
	page, token := unitPage(c.resources, in.NextToken, 2)
	return &cloudformation.ListStackResourcesOutput{StackResourceSummaries: page, NextToken: token},
		c.call("ListStackResources")
}

func (c *unitCloudFormation) DescribeStackEvents(
	_ context.Context, in *cloudformation.DescribeStackEventsInput, _ ...func(*cloudformation.Options),
) (*cloudformation.DescribeStackEventsOutput, error) {
	list := slices.DeleteFunc(slices.Clone(c.events), func(e types.StackEvent) bool {
		return aws.ToString(e.StackId) != *in.StackName
	})
	page, token := unitPage(list, in.NextToken, 1)
	return &cloudformation.DescribeStackEventsOutput{StackEvents: page, NextToken: token}, c.call("DescribeStackEvents")
}

func (c *unitCloudFormation) DetectStackResourceDrift(
	context.Context, *cloudformation.DetectStackResourceDriftInput, ...func(*cloudformation.Options),
) (*cloudformation.DetectStackResourceDriftOutput, error) {
	return &cloudformation.DetectStackResourceDriftOutput{StackResourceDrift: c.drift}, c.call("DetectStackResourceDrift")
}

// unitIAM returns what a test sets.
type unitIAM struct {
	livestate.IAM
	err      map[string]error // by the name of the call, or by call and name
	roles    []iamtypes.Role
	inline   map[string]string // documents of the role
	policies map[string]string // documents of the default versions
	versions []iamtypes.PolicyVersion
	entities iam.ListEntitiesForPolicyOutput
	attached []string
	profiles []string
}

func (c *unitIAM) failure(call, name string) error {
	if err := c.err[call+" "+name]; err != nil {
		return err
	}
	return c.err[call]
}

func (c *unitIAM) ListRoles(
	context.Context, *iam.ListRolesInput, ...func(*iam.Options),
) (*iam.ListRolesOutput, error) {
	return &iam.ListRolesOutput{Roles: c.roles}, c.err["ListRoles"]
}

func (c *unitIAM) GetRole(
	_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options),
) (*iam.GetRoleOutput, error) {
	if err := c.failure("GetRole", *in.RoleName); err != nil {
		return nil, err
	}
	for _, r := range c.roles {
		if *r.RoleName == *in.RoleName {
			return &iam.GetRoleOutput{Role: &r}, nil
		}
	}
	return nil, errMissing
}

func (c *unitIAM) ListRolePolicies(
	context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options),
) (*iam.ListRolePoliciesOutput, error) {
	return &iam.ListRolePoliciesOutput{PolicyNames: sorted(c.inline)}, c.err["ListRolePolicies"]
}

func (c *unitIAM) GetRolePolicy(
	_ context.Context, in *iam.GetRolePolicyInput, _ ...func(*iam.Options),
) (*iam.GetRolePolicyOutput, error) {
	document := url.PathEscape(c.inline[*in.PolicyName])
	return &iam.GetRolePolicyOutput{PolicyDocument: &document}, c.failure("GetRolePolicy", *in.PolicyName)
}

func (c *unitIAM) ListAttachedRolePolicies(
	context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options),
) (*iam.ListAttachedRolePoliciesOutput, error) {
	out := &iam.ListAttachedRolePoliciesOutput{}
	for _, arn := range c.attached {
		out.AttachedPolicies = append(out.AttachedPolicies, iamtypes.AttachedPolicy{PolicyArn: &arn, PolicyName: &arn})
	}
	return out, c.err["ListAttachedRolePolicies"]
}

func (c *unitIAM) ListInstanceProfilesForRole(
	context.Context, *iam.ListInstanceProfilesForRoleInput, ...func(*iam.Options),
) (*iam.ListInstanceProfilesForRoleOutput, error) {
	out := &iam.ListInstanceProfilesForRoleOutput{}
	for _, name := range c.profiles {
		out.InstanceProfiles = append(out.InstanceProfiles, iamtypes.InstanceProfile{InstanceProfileName: &name})
	}
	return out, c.err["ListInstanceProfilesForRole"]
}

func (c *unitIAM) GetPolicy(
	_ context.Context, in *iam.GetPolicyInput, _ ...func(*iam.Options),
) (*iam.GetPolicyOutput, error) {
	if _, ok := c.policies[*in.PolicyArn]; !ok {
		return nil, errMissing
	}
	return &iam.GetPolicyOutput{Policy: &iamtypes.Policy{Arn: in.PolicyArn, DefaultVersionId: aws.String("v2")}},
		c.failure("GetPolicy", *in.PolicyArn)
}

func (c *unitIAM) GetPolicyVersion(
	_ context.Context, in *iam.GetPolicyVersionInput, _ ...func(*iam.Options),
) (*iam.GetPolicyVersionOutput, error) {
	text := c.policies[*in.PolicyArn]
	if other, ok := c.policies[*in.PolicyArn+" "+*in.VersionId]; ok {
		text = other
	}
	return &iam.GetPolicyVersionOutput{PolicyVersion: &iamtypes.PolicyVersion{
		VersionId: in.VersionId, Document: aws.String(url.PathEscape(text)),
	}}, c.failure("GetPolicyVersion", *in.VersionId)
}

func (c *unitIAM) ListPolicyVersions(
	context.Context, *iam.ListPolicyVersionsInput, ...func(*iam.Options),
) (*iam.ListPolicyVersionsOutput, error) {
	return &iam.ListPolicyVersionsOutput{Versions: c.versions}, c.err["ListPolicyVersions"]
}

func (c *unitIAM) ListEntitiesForPolicy(
	context.Context, *iam.ListEntitiesForPolicyInput, ...func(*iam.Options),
) (*iam.ListEntitiesForPolicyOutput, error) {
	out := c.entities
	return &out, c.err["ListEntitiesForPolicy"]
}

func (c *unitIAM) GetInstanceProfile(
	_ context.Context, in *iam.GetInstanceProfileInput, _ ...func(*iam.Options),
) (*iam.GetInstanceProfileOutput, error) {
	return &iam.GetInstanceProfileOutput{InstanceProfile: &iamtypes.InstanceProfile{
		InstanceProfileName: in.InstanceProfileName, Roles: []iamtypes.Role{{RoleName: aws.String("r")}},
	}}, c.err["GetInstanceProfile"]
}
