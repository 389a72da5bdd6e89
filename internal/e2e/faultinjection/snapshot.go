package faultinjection

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/livestate"
)

// snapshot is the content of an account: every property that matters of a
// resource, as text, by the kind, path and name of the resource:
// "role /permstack/NAME-…", "topic NAME-…".
type snapshot map[string]string

// takeSnapshot reads everything in the account except the function's own roles,
// through the APIs that a customer would use. It reads again only after a write.
func (env *environment) takeSnapshot(ctx context.Context) (snapshot, error) {
	writes := env.writes.Load()
	if env.cached != nil && env.cachedAt == writes {
		return maps.Clone(env.cached), nil
	}
	out := snapshot{}
	for _, read := range []func(context.Context, snapshot) error{env.readRoles, env.readPolicies, env.readInventory} {
		if err := read(ctx, out); err != nil {
			return nil, fmt.Errorf("read the account: %w", err)
		}
	}
	for name, text := range maps.Clone(out) {
		delete(out, name)
		out[env.asFirstParent(name)] = env.asFirstParent(text)
	}
	env.cached, env.cachedAt = maps.Clone(out), writes
	return out, nil
}

func (env *environment) readRoles(ctx context.Context, out snapshot) error {
	names, err := env.live.Roles(ctx, "")
	if err != nil {
		return err
	}
	for _, name := range names {
		if name.Path == installerPath {
			continue
		}
		role, err := env.live.ReadRole(ctx, name.Name)
		if err != nil {
			return err
		}
		out["role "+role.Path+role.Name] = roleText(role)
	}
	return nil
}

// roleText is the snapshot's text of a role. choice.computeSnapshot writes the same.
func roleText(r livestate.Role) string {
	var policies []string
	for _, p := range r.Attached {
		policies = append(policies, "attached "+p.Name)
	}
	for _, p := range r.Inline {
		policies = append(policies, "inline "+p.Name+" "+documentText(p.Document))
	}
	slices.Sort(policies)
	return fmt.Sprint("trust ", documentText(r.TrustPolicy), " boundary ", r.Boundary, " ", policies)
}

func (env *environment) readPolicies(ctx context.Context, out snapshot) error {
	managed, err := env.live.Policies(ctx)
	if err != nil {
		return err
	}
	for _, p := range managed {
		if p.Path == installerPath {
			continue
		}
		out["policy "+p.Path+p.Name] = documentText(p.Document)
	}
	profiles, err := env.live.InstanceProfiles(ctx, "")
	for _, p := range profiles {
		out["instance profile "+p.Path+p.Name] = strings.Join(p.Roles, " ")
	}
	return err
}

func (env *environment) readInventory(ctx context.Context, out snapshot) error {
	topics, err := env.live.Topics(ctx)
	if err != nil {
		return err
	}
	for _, t := range topics {
		out["topic "+t.Name] = documentText(t.Policy)
	}
	rules, err := env.live.Rules(ctx)
	for _, r := range rules {
		var targets []string
		for _, t := range r.Targets {
			targets = append(targets, t.ID+" "+t.ARN)
		}
		out["rule "+r.Name] = fmt.Sprint(r.State, " ", r.Pattern, " ", targets)
	}
	return err
}

// diff describes the differences between a snapshot and the expected one.
func (s snapshot) diff(want snapshot) []string {
	var out []string
	for name, got := range s {
		switch expected, ok := want[name]; {
		case !ok:
			out = append(out, name+" is unexpected")
		case got != expected:
			out = append(out, name+" is not as expected: "+firstDifference(got, expected))
		}
	}
	for name := range want {
		if _, ok := s[name]; !ok {
			out = append(out, name+" is missing")
		}
	}
	slices.Sort(out)
	return out
}

// firstDifference returns the texts around the first byte in which they differ.
func firstDifference(got, want string) string {
	n := 0
	for n < min(len(got), len(want)) && got[n] == want[n] {
		n++
	}
	cut := func(s string) string { return s[max(0, n-60):min(len(s), n+120)] }
	return fmt.Sprintf("got …%s…, want …%s…", cut(got), cut(want))
}

// orphans describes the resources that no existing stack owns.
func (s snapshot) orphans(owned map[string]bool) []string {
	var out []string
	for name := range s {
		kind, path, _ := strings.Cut(name, " /")
		if path == "" { // topics and rules have no path
			if !owned[name] {
				out = append(out, name+" belongs to no stack")
			}
			continue
		}
		if !owned[kind+" "+path[strings.LastIndexByte(path, '/')+1:]] {
			out = append(out, name+" belongs to no stack")
		}
	}
	slices.Sort(out)
	return out
}

// nameInKey returns the resource's name in a key of a snapshot.
func nameInKey(key string) string { return key[strings.LastIndexAny(key, " /")+1:] }

func arnResource(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// existingStacks returns the stacks that exist, the parent's included.
func (env *environment) existingStacks(ctx context.Context) ([]types.Stack, error) {
	out, err := env.cfn.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
	if err != nil {
		return nil, fmt.Errorf("describe stacks: %w", err)
	}
	return out.Stacks, nil
}

// stackResources calls do for every resource of a stack.
func (env *environment) stackResources(ctx context.Context, s types.Stack, do func(types.StackResourceSummary)) error {
	in := &cloudformation.ListStackResourcesInput{StackName: s.StackId}
	pages := cloudformation.NewListStackResourcesPaginator(env.cfn, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list resources of stack %s: %w", *s.StackName, err)
		}
		for _, r := range page.StackResourceSummaries {
			do(r)
		}
	}
	return nil
}

// ownedResources returns the resources that the stacks own, as "kind name".
func (env *environment) ownedResources(ctx context.Context, stacks []types.Stack) (map[string]bool, error) {
	out := map[string]bool{}
	for _, s := range stacks {
		err := env.stackResources(ctx, s, func(r types.StackResourceSummary) {
			id := aws.ToString(r.PhysicalResourceId)
			if r.ResourceStatus == types.ResourceStatusDeleteComplete || id == "" {
				return
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
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fingerprint returns everything that can be read of the account as text: its
// snapshot, and the existing stacks with the status of each resource.
func (env *environment) fingerprint(ctx context.Context) (string, error) {
	snapshot, err := env.takeSnapshot(ctx)
	if err != nil {
		return "", err
	}
	stacks, err := env.existingStacks(ctx)
	if err != nil {
		return "", err
	}
	var lines []string
	for name, text := range snapshot {
		lines = append(lines, name+" "+text)
	}
	for _, s := range stacks {
		lines = append(lines, fmt.Sprint("stack ", *s.StackName, " ", s.StackStatus))
		for _, o := range s.Outputs {
			lines = append(lines, *s.StackName+" "+*o.OutputKey+" "+*o.OutputValue)
		}
		err := env.stackResources(ctx, s, func(r types.StackResourceSummary) {
			lines = append(lines, fmt.Sprint(
				*s.StackName, " ", *r.LogicalResourceId, " ", aws.ToString(r.PhysicalResourceId), " ", r.ResourceStatus))
		})
		if err != nil {
			return "", err
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}
