package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// remaining returns every resource that exists in the account, or in a shared account
// what the demo left.
func (run *runner) remaining(ctx context.Context) ([]string, error) {
	if run.site.Shared {
		return run.site.Remaining(ctx)
	}
	out, err := run.iamNames(ctx)
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct {
		name string
		list func(context.Context) ([]string, error)
	}{{"stack", run.stackNames}, {"topic", run.topicNames}, {"rule", run.ruleNames}} {
		names, err := kind.list(ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			out = append(out, fmt.Sprintf("%s %s", kind.name, n))
		}
	}
	slices.Sort(out)
	return out, nil
}

// topicNames returns the names of the account's topics, sorted.
func (run *runner) topicNames(ctx context.Context) ([]string, error) {
	var names []string
	pages := sns.NewListTopicsPaginator(sns.NewFromConfig(run.site.Config), &sns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list topics: %w", err)
		}
		for _, t := range page.Topics {
			arn := aws.ToString(t.TopicArn)
			names = append(names, arn[strings.LastIndexByte(arn, ':')+1:])
		}
	}
	slices.Sort(names)
	return names, nil
}

// ruleNames returns the names of the rules of the default event bus, sorted.
func (run *runner) ruleNames(ctx context.Context) ([]string, error) {
	var names []string
	client := eventbridge.NewFromConfig(run.site.Config)
	for in := (&eventbridge.ListRulesInput{}); ; {
		page, err := client.ListRules(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list event rules: %w", err)
		}
		for _, r := range page.Rules {
			names = append(names, aws.ToString(r.Name))
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			slices.Sort(names)
			return names, nil
		}
	}
}

// iamNames returns the roles, managed policies and instance profiles of the account,
// or of a shared account those at the demo's path.
func (run *runner) iamNames(ctx context.Context) ([]string, error) {
	prefix := "/"
	if run.site.Shared {
		prefix = run.site.Path
	}
	var names []string
	roles := iam.NewListRolesPaginator(run.iam, &iam.ListRolesInput{PathPrefix: &prefix})
	for roles.HasMorePages() {
		page, err := roles.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list roles: %w", err)
		}
		for _, r := range page.Roles {
			names = append(names, "role "+aws.ToString(r.RoleName))
		}
	}
	policies := iam.NewListPoliciesPaginator(run.iam,
		&iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, PathPrefix: &prefix})
	for policies.HasMorePages() {
		page, err := policies.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list policies: %w", err)
		}
		for _, p := range page.Policies {
			names = append(names, "policy "+aws.ToString(p.PolicyName))
		}
	}
	profiles := iam.NewListInstanceProfilesPaginator(run.iam, &iam.ListInstanceProfilesInput{PathPrefix: &prefix})
	for profiles.HasMorePages() {
		page, err := profiles.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list instance profiles: %w", err)
		}
		for _, p := range page.InstanceProfiles {
			names = append(names, "instance profile "+aws.ToString(p.InstanceProfileName))
		}
	}
	return names, nil
}
