package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/policies"
)

// matches compares what is there with what the catalogue says for a choice:
// every role, every policy and its text, every topic and rule, and no others.
func (g granted) matches(c choice, connection string) error {
	set, err := policies.Synthesize(selection(c), environment(connection))
	if err != nil {
		return err
	}
	var want granted
	for _, r := range set.Roles {
		one := role{name: r.Name}
		for _, p := range r.Managed {
			one.managed = append(one.managed, policy{name: p.Name, doc: p.Document})
		}
		for _, p := range r.Inline {
			one.inline = append(one.inline, policy{name: p.Name, doc: p.Document})
		}
		want.roles = append(want.roles, one)
	}
	for _, t := range set.Topics {
		want.topics = append(want.topics, t.Name)
	}
	for _, r := range set.Rules {
		want.rules = append(want.rules, r.Name)
	}
	have, should := g.resources(), want.resources()
	var wrong []string
	for name, text := range should {
		switch found, ok := have[name]; {
		case !ok:
			wrong = append(wrong, name+" is missing")
		case found != text:
			wrong = append(wrong, name+" is not as the catalogue has it")
		}
	}
	for name := range have {
		if _, ok := should[name]; !ok {
			wrong = append(wrong, name+" should not be there")
		}
	}
	slices.Sort(wrong)
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// resources lists everything by a name for people, with its text where it has one.
func (g granted) resources() map[string]string {
	out := map[string]string{}
	for _, r := range g.roles {
		out["role "+r.name] = ""
		for _, p := range r.managed {
			out["policy "+p.name+" on "+r.name] = p.text()
		}
		for _, p := range r.inline {
			out["inline policy "+p.name+" of "+r.name] = p.text()
		}
	}
	for _, t := range g.topics {
		out["topic "+t] = ""
	}
	for _, r := range g.rules {
		out["event rule "+r] = ""
	}
	return out
}

func (p policy) text() string {
	text, err := p.doc.JSON()
	if err != nil { // strings and maps of strings always marshal
		panic(err)
	}
	return string(text)
}

// missingIn lists what is here and not there any more.
func (g granted) missingIn(after granted) []string {
	left := after.resources()
	var gone []string
	for name := range g.resources() {
		if _, ok := left[name]; !ok {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	return gone
}

// createConflictingRole makes the role that a second connection would make.
func (run *runner) createConflictingRole(ctx context.Context, c choice) (string, error) {
	set, err := policies.Synthesize(selection(c), environment(otherConnection))
	if err != nil {
		return "", err
	}
	name := set.Roles[0].Name
	_, err = run.iam.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: &name, Path: aws.String("/"), AssumeRolePolicyDocument: aws.String(denyAllTrust),
		Description: aws.String("not permstack's"),
	})
	if err != nil {
		return "", fmt.Errorf("create role %s: %w", name, err)
	}
	return name, nil
}

const denyAllTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

// checkRolledBack checks that a failed launch left nothing: no role, policy or
// profile of its connection but the one that was there before, untouched.
func (run *runner) checkRolledBack(ctx context.Context, taken string) error {
	out, err := run.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &taken})
	if err != nil {
		return fmt.Errorf("look at role %s: %w", taken, err)
	}
	if aws.ToString(out.Role.Description) != "not permstack's" || aws.ToString(out.Role.Path) != "/" {
		return fmt.Errorf("role %s was changed", taken)
	}
	r, err := run.role(ctx, taken)
	if err != nil {
		return err
	}
	if n := len(r.managed) + len(r.inline); n > 0 {
		return fmt.Errorf("role %s was given %d policies", taken, n)
	}
	stacks, err := run.permissionStacks(ctx)
	if err != nil {
		return err
	}
	for _, s := range stacks {
		if strings.HasPrefix(s.name, otherStackName) {
			return fmt.Errorf("permission stack %s is left", s.name)
		}
	}
	names, err := run.iamNames(ctx)
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasSuffix(n, "-"+otherConnection) && !strings.HasSuffix(n, " "+taken) {
			return fmt.Errorf("left behind: %s", n)
		}
	}
	return nil
}

func (run *runner) deleteConflictingRole(ctx context.Context, taken string) error {
	if _, err := run.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &taken}); err != nil {
		return fmt.Errorf("delete role %s: %w", taken, err)
	}
	return nil
}

// remaining lists everything that is still in the account.
func (run *runner) remaining(ctx context.Context) ([]string, error) {
	left, err := run.iamNames(ctx)
	if err != nil {
		return nil, err
	}
	stacks, err := run.stackNames(ctx)
	if err != nil {
		return nil, err
	}
	topics, err := run.topicNames(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := run.ruleNames(ctx)
	if err != nil {
		return nil, err
	}
	for what, names := range map[string][]string{"stack": stacks, "topic": topics, "rule": rules} {
		for _, n := range names {
			left = append(left, what+" "+n)
		}
	}
	slices.Sort(left)
	return left, nil
}

// iamNames lists the account's roles, policies and instance profiles.
func (run *runner) iamNames(ctx context.Context) ([]string, error) {
	var names []string
	roles := iam.NewListRolesPaginator(run.iam, &iam.ListRolesInput{})
	for roles.HasMorePages() {
		page, err := roles.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list roles: %w", err)
		}
		for _, r := range page.Roles {
			names = append(names, "role "+*r.RoleName)
		}
	}
	managed := iam.NewListPoliciesPaginator(run.iam, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal})
	for managed.HasMorePages() {
		page, err := managed.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list policies: %w", err)
		}
		for _, p := range page.Policies {
			names = append(names, "policy "+*p.PolicyName)
		}
	}
	profiles := iam.NewListInstanceProfilesPaginator(run.iam, &iam.ListInstanceProfilesInput{})
	for profiles.HasMorePages() {
		page, err := profiles.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list instance profiles: %w", err)
		}
		for _, p := range page.InstanceProfiles {
			names = append(names, "instance profile "+*p.InstanceProfileName)
		}
	}
	return names, nil
}
