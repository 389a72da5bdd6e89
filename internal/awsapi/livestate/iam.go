// Package livestate reads what exists in an account, through the APIs that a
// customer would use: roles with their policies, managed policies, instance
// profiles, topics and event rules. Policy documents are parsed, so that their
// encoding does not matter when they are compared.
package livestate

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/iampolicy"
)

// Reader reads one account and Region.
type Reader struct {
	IAM    *iam.Client
	SNS    *sns.Client
	Events *eventbridge.Client
}

// NewReader returns a reader for the account and Region of cfg.
func NewReader(cfg aws.Config) *Reader {
	return &Reader{IAM: iam.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg), Events: eventbridge.NewFromConfig(cfg)}
}

// Role is an IAM role with its inline policies and the names of its attached
// policies.
type Role struct {
	Name        string
	Path        string
	Description string
	Boundary    string // ARN; "" if the role has none
	Trust       iampolicy.Document
	Attached    []Policy // without documents: see ReadPolicy
	Inline      []Policy
}

// Policy is a managed or inline policy.
type Policy struct {
	Name     string
	Path     string // of a managed policy
	ARN      string // of a managed policy
	Document iampolicy.Document
}

// InstanceProfile is an instance profile with the names of its roles.
type InstanceProfile struct {
	Name, Path string
	Roles      []string
}

// RoleName identifies a role.
type RoleName struct{ Name, Path string }

// RoleNames lists the roles whose path begins with pathPrefix; "" lists all.
func (r *Reader) RoleNames(ctx context.Context, pathPrefix string) ([]RoleName, error) {
	in := &iam.ListRolesInput{}
	if pathPrefix != "" {
		in.PathPrefix = &pathPrefix
	}
	var out []RoleName
	pages := iam.NewListRolesPaginator(r.IAM, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list roles: %w", err)
		}
		for _, role := range page.Roles {
			out = append(out, RoleName{aws.ToString(role.RoleName), aws.ToString(role.Path)})
		}
	}
	return out, nil
}

// ReadRole reads a role and its policies. Policies are sorted by name.
func (r *Reader) ReadRole(ctx context.Context, name string) (Role, error) {
	got, err := r.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return Role{}, fmt.Errorf("read role %s: %w", name, err)
	}
	role := Role{Name: name, Path: aws.ToString(got.Role.Path), Description: aws.ToString(got.Role.Description)}
	if b := got.Role.PermissionsBoundary; b != nil {
		role.Boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	if role.Trust, err = parseDocument(got.Role.AssumeRolePolicyDocument); err != nil {
		return role, fmt.Errorf("read trust policy of role %s: %w", name, err)
	}
	if role.Attached, err = r.attachedPolicies(ctx, name); err != nil {
		return role, err
	}
	role.Inline, err = r.inlinePolicies(ctx, name)
	return role, err
}

func (r *Reader) attachedPolicies(ctx context.Context, role string) ([]Policy, error) {
	var out []Policy
	pages := iam.NewListAttachedRolePoliciesPaginator(r.IAM, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list policies attached to role %s: %w", role, err)
		}
		for _, p := range page.AttachedPolicies {
			out = append(out, Policy{Name: aws.ToString(p.PolicyName), ARN: aws.ToString(p.PolicyArn)})
		}
	}
	slices.SortFunc(out, func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (r *Reader) inlinePolicies(ctx context.Context, role string) ([]Policy, error) {
	var out []Policy
	pages := iam.NewListRolePoliciesPaginator(r.IAM, &iam.ListRolePoliciesInput{RoleName: &role})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list inline policies of role %s: %w", role, err)
		}
		for _, name := range page.PolicyNames {
			got, err := r.IAM.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
			if err != nil {
				return nil, fmt.Errorf("read inline policy %s of role %s: %w", name, role, err)
			}
			document, err := parseDocument(got.PolicyDocument)
			if err != nil {
				return nil, fmt.Errorf("read inline policy %s of role %s: %w", name, role, err)
			}
			out = append(out, Policy{Name: name, Document: document})
		}
	}
	slices.SortFunc(out, func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// ReadPolicy reads the default version of a managed policy.
func (r *Reader) ReadPolicy(ctx context.Context, arn string) (Policy, error) {
	got, err := r.IAM.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		return Policy{}, fmt.Errorf("read policy %s: %w", arn, err)
	}
	return r.policyVersion(ctx, *got.Policy)
}

// Policies reads every customer managed policy.
func (r *Reader) Policies(ctx context.Context) ([]Policy, error) {
	var out []Policy
	pages := iam.NewListPoliciesPaginator(r.IAM, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list policies: %w", err)
		}
		for _, p := range page.Policies {
			policy, err := r.policyVersion(ctx, p)
			if err != nil {
				return nil, err
			}
			out = append(out, policy)
		}
	}
	return out, nil
}

func (r *Reader) policyVersion(ctx context.Context, p types.Policy) (Policy, error) {
	policy := Policy{Name: aws.ToString(p.PolicyName), Path: aws.ToString(p.Path), ARN: aws.ToString(p.Arn)}
	in := &iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: p.DefaultVersionId}
	got, err := r.IAM.GetPolicyVersion(ctx, in)
	if err != nil {
		return policy, fmt.Errorf("read policy %s: %w", policy.ARN, err)
	}
	if policy.Document, err = parseDocument(got.PolicyVersion.Document); err != nil {
		return policy, fmt.Errorf("read policy %s: %w", policy.ARN, err)
	}
	return policy, nil
}

// InstanceProfiles reads every instance profile.
func (r *Reader) InstanceProfiles(ctx context.Context) ([]InstanceProfile, error) {
	var out []InstanceProfile
	pages := iam.NewListInstanceProfilesPaginator(r.IAM, &iam.ListInstanceProfilesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list instance profiles: %w", err)
		}
		for _, p := range page.InstanceProfiles {
			profile := InstanceProfile{Name: aws.ToString(p.InstanceProfileName), Path: aws.ToString(p.Path)}
			for _, role := range p.Roles {
				profile.Roles = append(profile.Roles, aws.ToString(role.RoleName))
			}
			out = append(out, profile)
		}
	}
	return out, nil
}

// parseDocument parses a policy document as IAM returns it: URL-encoded (API
// reference, "PolicyVersion": Document).
func parseDocument(encoded *string) (iampolicy.Document, error) {
	text, err := url.QueryUnescape(aws.ToString(encoded))
	if err != nil {
		return iampolicy.Document{}, err
	}
	return iampolicy.Parse([]byte(text))
}
