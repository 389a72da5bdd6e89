package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

const (
	denyAllTrust = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	conflictDescription = "created by a third party"
)

// failedLaunch launches a second stack while a role with the name of one of its
// roles exists, and checks that it rolls back without leaving anything.
func (run *runner) failedLaunch(ctx context.Context, c, deployed choice) error {
	conflict, err := run.createConflictingRole(ctx, c)
	if err != nil {
		return err
	}
	run.out.note("a third party has created a role %s", conflict)
	s, err := run.create(ctx, run.site.OtherStack, run.site.OtherConnection, c)
	if err != nil {
		return err
	}
	if s.status != "ROLLBACK_COMPLETE" {
		return s.unexpected("ROLLBACK_COMPLETE")
	}
	run.out.passed("stack %s: %s in %.1f s", run.site.OtherStack, s.status, s.took.Seconds())
	reason := s.reason()
	if !strings.Contains(reason, conflict) {
		return fmt.Errorf("the reason does not name the conflicting role %s: %q", conflict, reason)
	}
	run.out.note("the reason that CloudFormation shows: %s", reason)
	if err := run.checkRolledBack(ctx, conflict); err != nil {
		return err
	}
	run.out.passed("nothing of the second stack remains, and the third party's role is unchanged")
	live, err := run.readGrants(ctx, run.site.Connection)
	if err != nil {
		return err
	}
	if err := run.requireMatch(ctx, live, deployed); err != nil {
		return fmt.Errorf("the first connection was changed: %w", err)
	}
	run.out.passed("the first connection is unchanged")
	if err := run.remove(ctx, run.site.OtherStack); err != nil {
		return err
	}
	return run.deleteConflictingRole(ctx, conflict)
}

// createConflictingRole creates a role with the name that the second connection
// requires, and returns that name.
func (run *runner) createConflictingRole(ctx context.Context, c choice) (string, error) {
	set, err := run.site.synthesize(run.site.OtherConnection, c)
	if err != nil {
		return "", err
	}
	name := set.Roles[0].Name
	_, err = run.iam.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: &name, Path: &run.site.ThirdPartyPath, AssumeRolePolicyDocument: aws.String(denyAllTrust),
		Description: aws.String(conflictDescription), Tags: run.site.iamTags(),
	})
	if err != nil {
		return "", fmt.Errorf("create role %s: %w", name, err)
	}
	return name, nil
}

// checkRolledBack checks that a failed launch left no role, policy, profile or
// permission stack of its connection, and that the conflicting role is unchanged.
func (run *runner) checkRolledBack(ctx context.Context, conflict string) error {
	role, err := run.live.ReadRole(ctx, conflict)
	if err != nil {
		return err
	}
	if role.Description != conflictDescription || role.Path != run.site.ThirdPartyPath ||
		len(role.Attached)+len(role.Inline) > 0 {
		return fmt.Errorf("role %s was changed", conflict)
	}
	stacks, err := run.permissionStacks(ctx)
	if err != nil {
		return err
	}
	for _, s := range stacks {
		if strings.HasPrefix(s.name, run.site.OtherStack) {
			return fmt.Errorf("permission stack %s remains", s.name)
		}
	}
	names, err := run.iamNames(ctx)
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasSuffix(n, "-"+run.site.OtherConnection) && !strings.HasSuffix(n, " "+conflict) {
			return fmt.Errorf("%s remains", n)
		}
	}
	return nil
}

func (run *runner) deleteConflictingRole(ctx context.Context, name string) error {
	if _, err := run.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name}); err != nil {
		return fmt.Errorf("delete role %s: %w", name, err)
	}
	return nil
}
