package livestate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/iampolicy"
)

// RoleSettings are the properties of a role itself, without its policies.
type RoleSettings struct {
	Name, ARN   string
	ID          string // unique id, another one after the role was recreated
	Path        string
	Description string
	Trust       string // document
	MaxSession  int    // seconds
	Boundary    string // ARN; "" if the role has none
	Tags        map[string]string
	Created     time.Time
}

func roleSettings(role *types.Role) RoleSettings {
	out := RoleSettings{
		Name: aws.ToString(role.RoleName), ARN: aws.ToString(role.Arn), ID: aws.ToString(role.RoleId),
		Path: aws.ToString(role.Path), Description: aws.ToString(role.Description),
		Trust: decode(role.AssumeRolePolicyDocument), MaxSession: int(aws.ToInt32(role.MaxSessionDuration)),
		Tags: map[string]string{}, Created: aws.ToTime(role.CreateDate),
	}
	if b := role.PermissionsBoundary; b != nil {
		out.Boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	for _, t := range role.Tags {
		out.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// Roles lists the roles whose path begins with pathPrefix; "" lists all. Boundary and
// Tags are not set: ListRoles does not return them (API reference).
func (r *Reader) Roles(ctx context.Context, pathPrefix string) ([]RoleSettings, error) {
	in := &iam.ListRolesInput{PathPrefix: optional(pathPrefix)}
	var out []RoleSettings
	err := eachPage(ctx, r.Limits.IAM, r.IAM.ListRoles, in, func(page *iam.ListRolesOutput) bool {
		for _, role := range page.Roles {
			out = append(out, roleSettings(&role))
		}
		in.Marker = page.Marker
		return page.IsTruncated
	})
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	return out, nil
}

// RoleSettings reads a role without its policies.
func (r *Reader) RoleSettings(ctx context.Context, name string) (RoleSettings, error) {
	got, err := ratelimit.Call(ctx, r.Limits.IAM, r.IAM.GetRole, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return RoleSettings{}, fmt.Errorf("read role %s: %w", name, err)
	}
	return roleSettings(got.Role), nil
}

// RoleInstanceProfiles lists the names of the instance profiles that have a role.
func (r *Reader) RoleInstanceProfiles(ctx context.Context, role string) ([]string, error) {
	var out []string
	in := &iam.ListInstanceProfilesForRoleInput{RoleName: &role}
	err := eachPage(ctx, r.Limits.IAM, r.IAM.ListInstanceProfilesForRole, in,
		func(page *iam.ListInstanceProfilesForRoleOutput) bool {
			for _, p := range page.InstanceProfiles {
				out = append(out, aws.ToString(p.InstanceProfileName))
			}
			in.Marker = page.Marker
			return page.IsTruncated
		})
	if err != nil {
		return out, fmt.Errorf("list instance profiles of role %s: %w", role, err)
	}
	return out, nil
}

// InlinePolicyNames lists the inline policies of a role.
func (r *Reader) InlinePolicyNames(ctx context.Context, role string) ([]string, error) {
	var out []string
	in := &iam.ListRolePoliciesInput{RoleName: &role}
	err := eachPage(ctx, r.Limits.IAM, r.IAM.ListRolePolicies, in, func(page *iam.ListRolePoliciesOutput) bool {
		out = append(out, page.PolicyNames...)
		in.Marker = page.Marker
		return page.IsTruncated
	})
	if err != nil {
		return nil, fmt.Errorf("list inline policies of role %s: %w", role, err)
	}
	return out, nil
}

// InlinePolicy returns the document of an inline policy of a role.
func (r *Reader) InlinePolicy(ctx context.Context, role, name string) (string, error) {
	got, err := ratelimit.Call(ctx, r.Limits.IAM, r.IAM.GetRolePolicy,
		&iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
	if err != nil {
		return "", fmt.Errorf("read inline policy %s of role %s: %w", name, role, err)
	}
	return decode(got.PolicyDocument), nil
}

// AttachedPolicies lists the managed policies of a role. If a page cannot be read it
// returns those before it and the error.
func (r *Reader) AttachedPolicies(ctx context.Context, role string) ([]AttachedPolicy, error) {
	var out []AttachedPolicy
	in := &iam.ListAttachedRolePoliciesInput{RoleName: &role}
	err := eachPage(ctx, r.Limits.IAM, r.IAM.ListAttachedRolePolicies, in,
		func(page *iam.ListAttachedRolePoliciesOutput) bool {
			for _, p := range page.AttachedPolicies {
				out = append(out, AttachedPolicy{Name: aws.ToString(p.PolicyName), ARN: aws.ToString(p.PolicyArn)})
			}
			in.Marker = page.Marker
			return page.IsTruncated
		})
	if err != nil {
		return out, fmt.Errorf("list policies attached to role %s: %w", role, err)
	}
	return out, nil
}

// AttachedPolicy is a managed policy that a role has.
type AttachedPolicy struct{ Name, ARN string }

// Role is an IAM role with its policies.
type Role struct {
	RoleSettings
	TrustPolicy iampolicy.Document
	Attached    []AttachedPolicy // without documents: see ReadPolicy
	Inline      []InlinePolicy
}

// InlinePolicy is a policy of one role.
type InlinePolicy struct {
	Name     string
	Document iampolicy.Document
}

// ReadRole reads a role and its policies. Policies are sorted by name.
func (r *Reader) ReadRole(ctx context.Context, name string) (Role, error) {
	settings, err := r.RoleSettings(ctx, name)
	role := Role{RoleSettings: settings}
	if err != nil {
		return role, err
	}
	if role.TrustPolicy, err = parse(settings.Trust); err != nil {
		return role, fmt.Errorf("read trust policy of role %s: %w", name, err)
	}
	if role.Attached, err = r.AttachedPolicies(ctx, name); err != nil {
		return role, err
	}
	slices.SortFunc(role.Attached, func(a, b AttachedPolicy) int { return strings.Compare(a.Name, b.Name) })
	names, err := r.InlinePolicyNames(ctx, name)
	if err != nil {
		return role, err
	}
	slices.Sort(names)
	for _, n := range names {
		text, err := r.InlinePolicy(ctx, name, n)
		if err != nil {
			return role, err
		}
		document, err := parse(text)
		if err != nil {
			return role, fmt.Errorf("read inline policy %s of role %s: %w", n, name, err)
		}
		role.Inline = append(role.Inline, InlinePolicy{Name: n, Document: document})
	}
	return role, nil
}
