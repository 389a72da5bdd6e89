package demo

import (
	"context"
	"fmt"
	"slices"

	"permstack/internal/awsapi/livestate"
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
	return sortedNames(run.live.TopicNames(ctx))
}

// ruleNames returns the names of the rules of the default event bus, sorted.
func (run *runner) ruleNames(ctx context.Context) ([]string, error) {
	return sortedNames(run.live.RuleNames(ctx))
}

func sortedNames(found []livestate.Name, err error) ([]string, error) {
	var names []string
	for _, n := range found {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return names, err
}

// iamNames returns the roles, managed policies and instance profiles of the account,
// or of a shared account those at the demo's path.
func (run *runner) iamNames(ctx context.Context) ([]string, error) {
	prefix := ""
	if run.site.Shared {
		prefix = run.site.Path
	}
	roles, err := run.live.Roles(ctx, prefix)
	if err != nil {
		return nil, err
	}
	policies, err := run.live.PolicyNames(ctx, prefix)
	if err != nil {
		return nil, err
	}
	profiles, err := run.live.InstanceProfiles(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range roles {
		names = append(names, "role "+r.Name)
	}
	for _, p := range policies {
		names = append(names, "policy "+p.Name)
	}
	for _, p := range profiles {
		names = append(names, "instance profile "+p.Name)
	}
	return names, nil
}
