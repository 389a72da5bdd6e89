package cloudformation

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

type iamManagedPolicy struct{}

const maxVersions = 5

func (iamManagedPolicy) schema() schema {
	return schema{
		Properties: []string{
			"Description",
			"Groups",
			"ManagedPolicyName",
			"Path",
			"PolicyDocument",
			"Roles",
			"Users",
		},
		Name: "ManagedPolicyName", NameLength: 128, IAM: true,
		Permissions: handlerPermissions{
			Create: []string{"iam:CreatePolicy", "iam:AttachRolePolicy"},
			Read:   []string{"iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy"},
			Update: []string{
				"iam:ListPolicyVersions", "iam:DeletePolicyVersion", "iam:CreatePolicyVersion",
				"iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:GetPolicy",
			},
			Delete: []string{
				"iam:DetachRolePolicy", "iam:ListPolicyVersions", "iam:DeletePolicyVersion",
				"iam:DeletePolicy",
			},
		},
		Rights: handlerRights{
			ARN: func(_ *request, id string) string { return id },
			Unused: map[string]string{
				"iam:AttachGroupPolicy": "Groups is set, which is refused",
				"iam:DetachGroupPolicy": "Groups is set, which is refused",
				"iam:AttachUserPolicy":  "Users is set, which is refused",
				"iam:DetachUserPolicy":  "Users is set, which is refused",
			},
		},
	}
}

func (p iamManagedPolicy) create(r *request) (outcome, error) {
	if r.props.has("Users") || r.props.has("Groups") {
		return outcome{}, errors.New("permstack local does not attach policies to users and groups")
	}
	c := iam.NewFromConfig(r.cfg)
	name, path := r.name(p.schema()), optional(r.props, "Path")
	out, err := r.creation(func() (outcome, error) {
		made, err := c.CreatePolicy(r.ctx, &iam.CreatePolicyInput{
			PolicyName: &name, PolicyDocument: aws.String(r.props.json("PolicyDocument")),
			Description: optional(r.props, "Description"), Path: path,
		})
		if err != nil {
			return outcome{}, err
		}
		return outcome{id: *made.Policy.Arn, attrs: p.attrs(made.Policy)}, nil
	}, func() (outcome, *time.Time, error) {
		place := aws.ToString(path)
		if place == "" {
			place = "/"
		}
		got, err := iam.NewFromConfig(r.unrestricted()).GetPolicy(r.ctx,
			&iam.GetPolicyInput{PolicyArn: aws.String(r.arn("iam", "", "policy"+place+name))})
		if err != nil {
			return outcome{}, nil, err
		}
		return outcome{id: *got.Policy.Arn, attrs: p.attrs(got.Policy)}, got.Policy.CreateDate, nil
	})
	if err != nil {
		return outcome{}, err
	}
	return out, p.attach(c, r, out.id)
}

func (iamManagedPolicy) attrs(p *iamtypes.Policy) map[string]any {
	return map[string]any{
		"PolicyArn":        aws.ToString(p.Arn),
		"PolicyId":         aws.ToString(p.PolicyId),
		"DefaultVersionId": aws.ToString(p.DefaultVersionId),
		"IsAttachable":     p.IsAttachable,
	}
}

func (iamManagedPolicy) attach(c *iam.Client, r *request, arn string) error {
	return r.reconcileList("Roles", func(role string) error {
		_, err := c.AttachRolePolicy(r.ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
		return err
	}, func(role string) error {
		_, err := c.DetachRolePolicy(r.ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
		return err
	})
}

// update writes a new default version. If there are five versions, the oldest
// that is not the default is deleted first.
func (p iamManagedPolicy) update(r *request) (outcome, error) {
	c := iam.NewFromConfig(r.cfg)
	if r.changed("PolicyDocument") {
		list, err := c.ListPolicyVersions(r.ctx, &iam.ListPolicyVersionsInput{PolicyArn: &r.id})
		if err != nil {
			return outcome{}, err
		}
		if err := p.prune(c, r, list.Versions, maxVersions-1); err != nil {
			return outcome{}, err
		}
		if _, err := c.CreatePolicyVersion(r.ctx,
			&iam.CreatePolicyVersionInput{PolicyArn: &r.id, PolicyDocument: aws.String(r.props.json("PolicyDocument")),
				SetAsDefault: true}); err != nil {
			return outcome{}, err
		}
	}
	if err := p.attach(c, r, r.id); err != nil {
		return outcome{}, err
	}
	got, err := c.GetPolicy(r.ctx, &iam.GetPolicyInput{PolicyArn: &r.id})
	if err != nil {
		return outcome{}, err
	}
	return outcome{id: r.id, attrs: p.attrs(got.Policy)}, nil
}

// prune deletes the oldest versions until at most keep are left.
func (iamManagedPolicy) prune(c *iam.Client, r *request, versions []iamtypes.PolicyVersion, keep int) error {
	slices.SortFunc(versions, func(a, b iamtypes.PolicyVersion) int {
		if d := aws.ToTime(a.CreateDate).Compare(aws.ToTime(b.CreateDate)); d != 0 {
			return d
		}
		return len(*a.VersionId)*100 - len(*b.VersionId)*100 + strings.Compare(*a.VersionId, *b.VersionId)
	})
	left := len(versions)
	for _, v := range versions {
		if left <= keep {
			return nil
		}
		if v.IsDefaultVersion {
			continue
		}
		if _, err := c.DeletePolicyVersion(r.ctx,
			&iam.DeletePolicyVersionInput{PolicyArn: &r.id, VersionId: v.VersionId}); err != nil &&
			!isNotFound(err) {
			return err
		}
		left--
	}
	return nil
}

func (p iamManagedPolicy) delete(r *request) error {
	c := iam.NewFromConfig(r.cfg)
	gone := &request{ctx: r.ctx, old: r.props, attempts: r.attempts}
	if err := p.attach(c, gone, r.id); err != nil {
		return err
	}
	list, err := c.ListPolicyVersions(r.ctx, &iam.ListPolicyVersionsInput{PolicyArn: &r.id})
	if err != nil {
		return err
	}
	if err := p.prune(c, r, list.Versions, 1); err != nil {
		return err
	}
	_, err = c.DeletePolicy(r.ctx, &iam.DeletePolicyInput{PolicyArn: &r.id})
	return err
}

func (iamManagedPolicy) read(r *request) (map[string]any, error) {
	c := iam.NewFromConfig(r.cfg)
	got, err := c.GetPolicy(r.ctx, &iam.GetPolicyInput{PolicyArn: &r.id})
	if err != nil {
		return nil, notFound(err)
	}
	version, err := c.GetPolicyVersion(r.ctx,
		&iam.GetPolicyVersionInput{PolicyArn: &r.id, VersionId: got.Policy.DefaultVersionId})
	if err != nil {
		return nil, err
	}
	roles := []any{}
	pages := iam.NewListEntitiesForPolicyPaginator(c,
		&iam.ListEntitiesForPolicyInput{PolicyArn: &r.id, EntityFilter: iamtypes.EntityTypeRole})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.ctx)
		if err != nil {
			return nil, err
		}
		for _, role := range page.PolicyRoles {
			roles = append(roles, *role.RoleName)
		}
	}
	return map[string]any{
		"ManagedPolicyName": *got.Policy.PolicyName, "Path": aws.ToString(got.Policy.Path),
		"Description":    aws.ToString(got.Policy.Description),
		"PolicyDocument": document(version.PolicyVersion.Document), "Roles": roles,
	}, nil
}
