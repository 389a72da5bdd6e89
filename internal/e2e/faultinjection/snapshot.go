package faultinjection

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/iampolicy"
)

// snapshot reads everything that the account holds, except the function's own
// roles, through the APIs that a customer would use.
func (env *environment) takeSnapshot(ctx context.Context) (snapshot, error) {
	writes := env.writes.Load()
	if env.cached != nil && env.cachedAt == writes {
		return maps.Clone(env.cached), nil
	}
	out := snapshot{}
	for _, read := range []func(context.Context, snapshot) error{env.readRoles, env.readPolicies, env.readProfiles, env.readTopics, env.readRules} {
		if err := read(ctx, out); err != nil {
			return nil, fmt.Errorf("look at the account: %w", err)
		}
	}
	env.cached, env.cachedAt = maps.Clone(out), writes
	return out, nil
}

func (env *environment) readRoles(ctx context.Context, out snapshot) error {
	pages := iam.NewListRolesPaginator(env.iam, &iam.ListRolesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.Roles {
			if *r.Path == installerPath {
				continue
			}
			got, err := env.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: r.RoleName})
			if err != nil {
				return err
			}
			boundary := ""
			if b := got.Role.PermissionsBoundary; b != nil {
				boundary = aws.ToString(b.PermissionsBoundaryArn)
			}
			granted, err := env.rolePolicies(ctx, *r.RoleName)
			if err != nil {
				return err
			}
			trust, err := canonicalDocument(got.Role.AssumeRolePolicyDocument)
			if err != nil {
				return err
			}
			out["role "+*r.Path+*r.RoleName] = fmt.Sprint("trust ", trust, " boundary ", boundary, " ", granted)
		}
	}
	return nil
}

func (env *environment) rolePolicies(ctx context.Context, role string) ([]string, error) {
	var out []string
	attached := iam.NewListAttachedRolePoliciesPaginator(env.iam, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	for attached.HasMorePages() {
		page, err := attached.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range page.AttachedPolicies {
			out = append(out, "attached "+*p.PolicyName)
		}
	}
	inline := iam.NewListRolePoliciesPaginator(env.iam, &iam.ListRolePoliciesInput{RoleName: &role})
	for inline.HasMorePages() {
		page, err := inline.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range page.PolicyNames {
			p, err := env.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
			if err != nil {
				return nil, err
			}
			doc, err := canonicalDocument(p.PolicyDocument)
			if err != nil {
				return nil, err
			}
			out = append(out, "inline "+name+" "+doc)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (env *environment) readPolicies(ctx context.Context, out snapshot) error {
	pages := iam.NewListPoliciesPaginator(env.iam, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range page.Policies {
			v, err := env.iam.GetPolicyVersion(
				ctx,
				&iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: p.DefaultVersionId},
			)
			if err != nil {
				return err
			}
			doc, err := canonicalDocument(v.PolicyVersion.Document)
			if err != nil {
				return err
			}
			out["policy "+*p.Path+*p.PolicyName] = doc
		}
	}
	return nil
}

func (env *environment) readProfiles(ctx context.Context, out snapshot) error {
	pages := iam.NewListInstanceProfilesPaginator(env.iam, &iam.ListInstanceProfilesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range page.InstanceProfiles {
			var roles []string
			for _, r := range p.Roles {
				roles = append(roles, *r.RoleName)
			}
			out["instance profile "+*p.Path+*p.InstanceProfileName] = strings.Join(roles, " ")
		}
	}
	return nil
}

func (env *environment) readTopics(ctx context.Context, out snapshot) error {
	pages := sns.NewListTopicsPaginator(env.sns, &sns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, t := range page.Topics {
			got, err := env.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: t.TopicArn})
			if err != nil {
				return err
			}
			doc, err := iampolicy.Parse([]byte(got.Attributes["Policy"]))
			if err != nil {
				return err
			}
			out["topic "+arnResource(*t.TopicArn)] = documentText(doc)
		}
	}
	return nil
}

func (env *environment) readRules(ctx context.Context, out snapshot) error {
	for token := (*string)(nil); ; {
		page, err := env.events.ListRules(ctx, &eventbridge.ListRulesInput{NextToken: token})
		if err != nil {
			return err
		}
		for _, r := range page.Rules {
			var targets []string
			got, err := env.events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: r.Name})
			if err != nil {
				return err
			}
			for _, t := range got.Targets {
				targets = append(targets, *t.Id+" "+*t.Arn)
			}
			var pattern any
			if err := json.Unmarshal([]byte(aws.ToString(r.EventPattern)), &pattern); err != nil {
				return fmt.Errorf("read pattern of rule %s: %w", *r.Name, err)
			}
			sorted, err := json.Marshal(pattern)
			if err != nil {
				return err
			}
			out["rule "+*r.Name] = fmt.Sprint(r.State, " ", string(sorted), " ", targets)
		}
		if token = page.NextToken; token == nil {
			return nil
		}
	}
}

// canonicalDocument reads a document as IAM sends it, URL-encoded.
func canonicalDocument(sent *string) (string, error) {
	plain, err := url.QueryUnescape(aws.ToString(sent))
	if err != nil {
		return "", fmt.Errorf("read policy: %w", err)
	}
	doc, err := iampolicy.Parse([]byte(plain))
	if err != nil {
		return "", err
	}
	return documentText(doc), nil
}

func arnResource(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// existingStacks is the permission stacks that stand.
func (env *environment) existingStacks(ctx context.Context) ([]types.Stack, error) {
	out, err := env.cfn.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
	if err != nil {
		return nil, fmt.Errorf("look at the stacks: %w", err)
	}
	return out.Stacks, nil
}

// ownedResources lists, in the words of holdings, what the standing stacks own.
func (env *environment) ownedResources(ctx context.Context, stacks []types.Stack) (map[string]bool, error) {
	out := map[string]bool{}
	for _, s := range stacks {
		pages := cloudformation.NewListStackResourcesPaginator(
			env.cfn,
			&cloudformation.ListStackResourcesInput{StackName: s.StackId},
		)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("look at stack %s: %w", *s.StackName, err)
			}
			for _, r := range page.StackResourceSummaries {
				id := aws.ToString(r.PhysicalResourceId)
				if r.ResourceStatus == types.ResourceStatusDeleteComplete || id == "" {
					continue
				}
				switch *r.ResourceType {
				case "AWS::IAM::Role":
					out["role "+id] = true
				case "AWS::IAM::ManagedPolicy":
					out["policy "+id[strings.LastIndexByte(id, '/')+1:]] = true
				case "AWS::IAM::InstanceProfile":
					out["instance profile "+id] = true
				case "AWS::SNS::Topic":
					out["topic "+arnResource(id)] = true
				case "AWS::Events::Rule":
					out["rule "+id] = true
				}
			}
		}
	}
	return out, nil
}

// fingerprint is all that can be seen of the account: what it holds, and the standing
// engine with the state of each resource.
func (env *environment) fingerprint(ctx context.Context) (string, error) {
	have, err := env.takeSnapshot(ctx)
	if err != nil {
		return "", err
	}
	stacks, err := env.existingStacks(ctx)
	if err != nil {
		return "", err
	}
	var lines []string
	for name, text := range have {
		lines = append(lines, name+" "+text)
	}
	for _, s := range stacks {
		lines = append(lines, fmt.Sprint("stack ", *s.StackName, " ", s.StackStatus))
		for _, o := range s.Outputs {
			lines = append(lines, *s.StackName+" "+*o.OutputKey+" "+*o.OutputValue)
		}
		pages := cloudformation.NewListStackResourcesPaginator(
			env.cfn,
			&cloudformation.ListStackResourcesInput{StackName: s.StackId},
		)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return "", fmt.Errorf("look at stack %s: %w", *s.StackName, err)
			}
			for _, r := range page.StackResourceSummaries {
				lines = append(
					lines,
					fmt.Sprint(
						*s.StackName,
						" ",
						*r.LogicalResourceId,
						" ",
						aws.ToString(r.PhysicalResourceId),
						" ",
						r.ResourceStatus,
					),
				)
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

// orphans lists what no standing stack owns.
func (h snapshot) orphans(owned map[string]bool) []string {
	var out []string
	for name := range h {
		kind, thing, _ := strings.Cut(name, " /")
		if thing == "" { // no path
			if !owned[name] {
				out = append(out, name+" belongs to no stack")
			}
			continue
		}
		if !owned[kind+" "+thing[strings.LastIndexByte(thing, '/')+1:]] {
			out = append(out, name+" belongs to no stack")
		}
	}
	slices.Sort(out)
	return out
}
