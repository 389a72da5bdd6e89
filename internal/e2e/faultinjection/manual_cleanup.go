package faultinjection

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// failedDeletions returns the resources whose last event reports that they could not
// be deleted.
func (env *environment) failedDeletions(ctx context.Context, stack string) (string, error) {
	var out strings.Builder
	later := map[string]bool{}
	pages := cloudformation.NewDescribeStackEventsPaginator(env.cfn,
		&cloudformation.DescribeStackEventsInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("describe events of stack %s: %w", stack, err)
		}
		for _, e := range page.StackEvents {
			id := aws.ToString(e.PhysicalResourceId)
			if e.ResourceStatus == types.ResourceStatusDeleteFailed && !later[id] {
				out.WriteString(" " + id)
			}
			later[id] = true // the newest event comes first
		}
	}
	return out.String(), nil
}

// cleanUpManually deletes, as the customer does, the resources that were reported
// to be left behind or to conflict, if they belong to no stack.
func (env *environment) cleanUpManually(ctx context.Context, reported string, thirdParty snapshot) error {
	current, err := env.takeSnapshot(ctx)
	if err != nil {
		return err
	}
	existing, err := env.existingStacks(ctx)
	if err != nil {
		return err
	}
	owned, err := env.ownedResources(ctx, existing)
	if err != nil {
		return err
	}
	// Instance profiles refer to roles, and roles to policies.
	for _, kind := range []string{"instance profile ", "role ", "policy ", "rule ", "topic "} {
		for name := range current {
			resource := nameInKey(name)
			if _, foreign := thirdParty[name]; foreign || !strings.HasPrefix(name, kind) ||
				!strings.Contains(reported, resource) ||
				owned[kind+resource] {
				continue
			}
			if err := env.deleteManually(ctx, strings.TrimSpace(kind), name, resource); err != nil {
				return fmt.Errorf("delete %s manually: %w", name, err)
			}
			env.writes.Add(1)
		}
	}
	return nil
}

func (env *environment) deleteManually(ctx context.Context, kind, name, resource string) error {
	switch kind {
	case "instance profile":
		got, err := env.live.InstanceProfile(ctx, resource)
		if err != nil {
			return err
		}
		for _, role := range got.Roles {
			in := &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: &resource, RoleName: &role}
			if _, err := env.iam.RemoveRoleFromInstanceProfile(ctx, in); err != nil {
				return err
			}
		}
		_, err = env.iam.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: &resource})
		return err
	case "role":
		return env.deleteRole(ctx, resource)
	case "policy":
		arn := "arn:aws:iam::" + account + ":policy" + name[strings.IndexByte(name, '/'):]
		versions, err := env.live.OtherVersions(ctx, arn)
		if err != nil {
			return err
		}
		for _, v := range versions {
			in := &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: &v.ID}
			if _, err := env.iam.DeletePolicyVersion(ctx, in); err != nil {
				return err
			}
		}
		_, err = env.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn})
		return err
	case "rule":
		targets, err := env.live.Targets(ctx, "", resource)
		if err != nil {
			return err
		}
		var ids []string
		for _, t := range targets {
			ids = append(ids, *t.Id)
		}
		if len(ids) > 0 {
			if _, err := env.events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &resource, Ids: ids}); err != nil {
				return err
			}
		}
		_, err = env.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &resource})
		return err
	}
	_, err := env.sns.DeleteTopic(ctx,
		&sns.DeleteTopicInput{TopicArn: aws.String("arn:aws:sns:" + region + ":" + account + ":" + resource)})
	return err
}

func (env *environment) deleteRole(ctx context.Context, name string) error {
	attached, err := env.live.AttachedPolicies(ctx, name)
	if err != nil {
		return err
	}
	for _, p := range attached {
		in := &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: &p.ARN}
		if _, err := env.iam.DetachRolePolicy(ctx, in); err != nil {
			return err
		}
	}
	inline, err := env.live.InlinePolicyNames(ctx, name)
	if err != nil {
		return err
	}
	for _, p := range inline {
		if _, err := env.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &p}); err != nil {
			return err
		}
	}
	_, err = env.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	return err
}
