package livestate

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/iampolicy"
)

// PolicyVersion is the default version of a managed policy.
type PolicyVersion struct {
	Name, Path, ARN string
	Version         string // v1
	Text            string // document
}

// DefaultVersion reads the default version of a managed policy. If only its document
// cannot be read it returns the rest and the error.
func (r *Reader) DefaultVersion(ctx context.Context, arn string) (PolicyVersion, error) {
	got, err := ratelimit.Call(ctx, r.Limits.IAM, r.IAM.GetPolicy, &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		return PolicyVersion{ARN: arn}, fmt.Errorf("read policy %s: %w", arn, err)
	}
	return r.defaultVersion(ctx, *got.Policy)
}

func (r *Reader) defaultVersion(ctx context.Context, p types.Policy) (PolicyVersion, error) {
	out := PolicyVersion{
		Name: aws.ToString(p.PolicyName), Path: aws.ToString(p.Path), ARN: aws.ToString(p.Arn),
		Version: aws.ToString(p.DefaultVersionId),
	}
	got, err := ratelimit.Call(ctx, r.Limits.IAM, r.IAM.GetPolicyVersion,
		&iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: p.DefaultVersionId})
	if err != nil {
		return out, fmt.Errorf("read policy %s: %w", out.ARN, err)
	}
	out.Text = decode(got.PolicyVersion.Document)
	return out, nil
}

// OtherVersion is a version of a managed policy that is not its default version.
type OtherVersion struct {
	ID      string // v2
	Created time.Time
}

// OtherVersions lists the versions of a managed policy without the default one.
func (r *Reader) OtherVersions(ctx context.Context, arn string) ([]OtherVersion, error) {
	var out []OtherVersion
	in := &iam.ListPolicyVersionsInput{PolicyArn: &arn}
	err := eachPage(ctx, r.Limits.IAM, r.IAM.ListPolicyVersions, in, func(page *iam.ListPolicyVersionsOutput) bool {
		for _, v := range page.Versions {
			if !v.IsDefaultVersion {
				out = append(out, OtherVersion{aws.ToString(v.VersionId), aws.ToTime(v.CreateDate)})
			}
		}
		in.Marker = page.Marker
		return page.IsTruncated
	})
	if err != nil {
		return out, fmt.Errorf("list versions of policy %s: %w", arn, err)
	}
	return out, nil
}

// VersionDocument reads the document of one version of a managed policy.
func (r *Reader) VersionDocument(ctx context.Context, arn, version string) (string, error) {
	got, err := ratelimit.Call(ctx, r.Limits.IAM, r.IAM.GetPolicyVersion,
		&iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: &version})
	if err != nil {
		return "", fmt.Errorf("read version %s of policy %s: %w", version, arn, err)
	}
	return decode(got.PolicyVersion.Document), nil
}

// Policy is a managed policy with its default version.
type Policy struct {
	PolicyVersion
	Document iampolicy.Document
}

// ReadPolicy reads a managed policy.
func (r *Reader) ReadPolicy(ctx context.Context, arn string) (Policy, error) {
	version, err := r.DefaultVersion(ctx, arn)
	return parsePolicy(version, err)
}

// PolicyNames lists the customer managed policies whose path begins with pathPrefix;
// "" lists all.
func (r *Reader) PolicyNames(ctx context.Context, pathPrefix string) ([]Name, error) {
	found, err := r.listPolicies(ctx, pathPrefix)
	var out []Name
	for _, p := range found {
		out = append(out, Name{aws.ToString(p.PolicyName), aws.ToString(p.Path), aws.ToString(p.Arn)})
	}
	return out, err
}

// listPolicies lists the customer managed policies whose path begins with pathPrefix.
func (r *Reader) listPolicies(ctx context.Context, pathPrefix string) ([]types.Policy, error) {
	var found []types.Policy
	in := &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, PathPrefix: optional(pathPrefix)}
	err := eachPage(ctx, r.Limits.IAM, r.IAM.ListPolicies, in, func(page *iam.ListPoliciesOutput) bool {
		found = append(found, page.Policies...)
		in.Marker = page.Marker
		return page.IsTruncated
	})
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	return found, nil
}

// Policies reads every customer managed policy.
func (r *Reader) Policies(ctx context.Context) ([]Policy, error) {
	found, err := r.listPolicies(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []Policy
	for _, p := range found {
		policy, err := parsePolicy(r.defaultVersion(ctx, p))
		if err != nil {
			return nil, err
		}
		out = append(out, policy)
	}
	return out, nil
}

func parsePolicy(version PolicyVersion, err error) (Policy, error) {
	policy := Policy{PolicyVersion: version}
	if err != nil {
		return policy, err
	}
	if policy.Document, err = parse(version.Text); err != nil {
		return policy, fmt.Errorf("read policy %s: %w", version.ARN, err)
	}
	return policy, nil
}

// Entity is an identity that a managed policy is attached to.
type Entity struct {
	Kind string // role, user or group
	Name string
}

// PolicyEntities lists what a managed policy is attached to. If a page cannot be read
// it returns those before it and the error.
func (r *Reader) PolicyEntities(ctx context.Context, arn string) ([]Entity, error) {
	var out []Entity
	// A policy grants nothing to a role whose boundary it is.
	in := &iam.ListEntitiesForPolicyInput{PolicyArn: &arn, PolicyUsageFilter: types.PolicyUsageTypePermissionsPolicy}
	err := eachPage(ctx, r.Limits.IAM, r.IAM.ListEntitiesForPolicy, in,
		func(page *iam.ListEntitiesForPolicyOutput) bool {
			for _, r := range page.PolicyRoles {
				out = append(out, Entity{"role", aws.ToString(r.RoleName)})
			}
			for _, u := range page.PolicyUsers {
				out = append(out, Entity{"user", aws.ToString(u.UserName)})
			}
			for _, g := range page.PolicyGroups {
				out = append(out, Entity{"group", aws.ToString(g.GroupName)})
			}
			in.Marker = page.Marker
			return page.IsTruncated
		})
	if err != nil {
		return out, fmt.Errorf("list entities of policy %s: %w", arn, err)
	}
	return out, nil
}

// InstanceProfile is an instance profile with the names of its roles.
type InstanceProfile struct {
	Name, Path, ARN string
	Roles           []string
}

func instanceProfile(p *types.InstanceProfile) InstanceProfile {
	out := InstanceProfile{Name: aws.ToString(p.InstanceProfileName), Path: aws.ToString(p.Path), ARN: aws.ToString(p.Arn)}
	for _, role := range p.Roles {
		out.Roles = append(out.Roles, aws.ToString(role.RoleName))
	}
	return out
}

// InstanceProfile reads an instance profile.
func (r *Reader) InstanceProfile(ctx context.Context, name string) (InstanceProfile, error) {
	got, err := ratelimit.Call(ctx, r.Limits.IAM, r.IAM.GetInstanceProfile,
		&iam.GetInstanceProfileInput{InstanceProfileName: &name})
	if err != nil {
		return InstanceProfile{}, fmt.Errorf("read instance profile %s: %w", name, err)
	}
	return instanceProfile(got.InstanceProfile), nil
}

// InstanceProfiles reads the instance profiles whose path begins with pathPrefix; ""
// reads all.
func (r *Reader) InstanceProfiles(ctx context.Context, pathPrefix string) ([]InstanceProfile, error) {
	var out []InstanceProfile
	in := &iam.ListInstanceProfilesInput{PathPrefix: optional(pathPrefix)}
	err := eachPage(ctx, r.Limits.IAM, r.IAM.ListInstanceProfiles, in, func(page *iam.ListInstanceProfilesOutput) bool {
		for _, p := range page.InstanceProfiles {
			out = append(out, instanceProfile(&p))
		}
		in.Marker = page.Marker
		return page.IsTruncated
	})
	if err != nil {
		return nil, fmt.Errorf("list instance profiles: %w", err)
	}
	return out, nil
}
