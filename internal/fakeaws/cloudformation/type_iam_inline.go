package cloudformation

import (
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// iamRolePolicy is one inline policy of one role.
type iamRolePolicy struct{}

func (iamRolePolicy) schema() schema {
	return schema{
		Properties: []string{"PolicyDocument", "PolicyName", "RoleName"},
		IAM:        true,
		Permissions: handlerPermissions{
			Create: []string{"iam:PutRolePolicy"},
			Read:   []string{"iam:GetRolePolicy"},
			Update: []string{"iam:PutRolePolicy"},
			Delete: []string{"iam:DeleteRolePolicy"},
		},
		Rights: handlerRights{ARN: iamRoleARN},
	}
}

func (p iamRolePolicy) create(r *request) (outcome, error) {
	if _, err := p.update(r); err != nil {
		return outcome{}, err
	}
	return outcome{id: r.props.str("PolicyName") + "|" + r.props.str("RoleName")}, nil
}

func (iamRolePolicy) update(r *request) (outcome, error) {
	_, err := iam.NewFromConfig(r.cfg).PutRolePolicy(r.ctx, &iam.PutRolePolicyInput{
		RoleName:   aws.String(r.props.str("RoleName")),
		PolicyName: aws.String(r.props.str("PolicyName")), PolicyDocument: aws.String(r.props.json("PolicyDocument")),
	})
	return outcome{id: r.id}, err
}

func (iamRolePolicy) delete(r *request) error {
	_, err := iam.NewFromConfig(r.cfg).
		DeleteRolePolicy(r.ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String(r.props.str("RoleName")),
			PolicyName: aws.String(r.props.str("PolicyName"))})
	return err
}

func (iamRolePolicy) read(r *request) (map[string]any, error) {
	got, err := iam.NewFromConfig(r.cfg).
		GetRolePolicy(r.ctx, &iam.GetRolePolicyInput{RoleName: aws.String(r.props.str("RoleName")),
			PolicyName: aws.String(r.props.str("PolicyName"))})
	if err != nil {
		return nil, notFound(err)
	}
	return map[string]any{
		"RoleName":       *got.RoleName,
		"PolicyName":     *got.PolicyName,
		"PolicyDocument": document(got.PolicyDocument),
	}, nil
}

// iamPolicy is one inline policy written to several roles.
type iamPolicy struct{}

func (iamPolicy) schema() schema {
	return schema{
		Properties: []string{"Groups", "PolicyDocument", "PolicyName", "Roles", "Users"},
		IAM:        true,
		Permissions: handlerPermissions{
			Create: []string{"iam:PutRolePolicy"},
			Read:   noDriftDetection,
			Update: []string{"iam:PutRolePolicy", "iam:DeleteRolePolicy"},
			Delete: []string{"iam:DeleteRolePolicy"},
		},
		Rights: handlerRights{
			ARN: iamRoleARN,
			Unused: map[string]string{
				"iam:GetGroupPolicy": "Groups is set, which is refused", "iam:PutGroupPolicy": "Groups is set, which is refused",
				"iam:DeleteGroupPolicy": "Groups is set, which is refused", "iam:GetUserPolicy": "Users is set, which is refused",
				"iam:PutUserPolicy": "Users is set, which is refused", "iam:DeleteUserPolicy": "Users is set, which is refused",
			},
		},
	}
}

func (p iamPolicy) create(r *request) (outcome, error) {
	if r.props.has("Users") || r.props.has("Groups") {
		return outcome{}, errors.New("permstack local does not write policies of users and groups")
	}
	if len(r.props.list("Roles")) == 0 {
		return outcome{}, errors.New("At least one of [Groups,Roles,Users] must be non-empty.")
	}
	id := generateName(r.stack.name, r.logicalID, 64)
	out, err := p.update(r)
	out.id = id
	return out, err
}

func (iamPolicy) update(r *request) (outcome, error) {
	c := iam.NewFromConfig(r.cfg)
	name, doc := r.props.str("PolicyName"), r.props.json("PolicyDocument")
	roles := r.props.list("Roles")
	for _, role := range roles {
		if _, err := c.PutRolePolicy(r.ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name,
			PolicyDocument: &doc}); err != nil {
			return outcome{}, err
		}
	}
	for _, role := range r.old.list("Roles") {
		if slices.Contains(roles, role) && r.old.str("PolicyName") == name {
			continue
		}
		if _, err := c.DeleteRolePolicy(r.ctx,
			&iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: aws.String(r.old.str("PolicyName"))}); err != nil &&
			!isNotFound(err) {
			return outcome{}, err
		}
	}
	return outcome{id: r.id}, nil
}

func (p iamPolicy) delete(r *request) error {
	gone := &request{ctx: r.ctx, cfg: r.cfg, old: r.props}
	_, err := p.update(gone)
	return err
}

func (iamPolicy) read(*request) (map[string]any, error) { return nil, errNoDrift }

// iamInstanceProfile is an instance profile with its one role.
type iamInstanceProfile struct{}

func (iamInstanceProfile) schema() schema {
	return schema{
		Properties: []string{"InstanceProfileName", "Path", "Roles"},
		Name:       "InstanceProfileName", NameLength: 128, IAM: true,
		Permissions: handlerPermissions{
			Create: []string{
				"iam:CreateInstanceProfile", "iam:GetInstanceProfile", "iam:AddRoleToInstanceProfile",
				"iam:PassRole",
			},
			Read: []string{"iam:GetInstanceProfile"},
			Update: []string{
				"iam:AddRoleToInstanceProfile", "iam:PassRole", "iam:RemoveRoleFromInstanceProfile",
				"iam:GetInstanceProfile",
			},
			Delete: []string{
				"iam:GetInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile",
			},
		},
		Rights: handlerRights{ARN: iamARN("instance-profile", "Path")},
	}
}

func (p iamInstanceProfile) create(r *request) (outcome, error) {
	c := iam.NewFromConfig(r.cfg)
	name := r.name(p.schema())
	out, err := r.creation(func() (outcome, error) {
		made, err := c.CreateInstanceProfile(r.ctx,
			&iam.CreateInstanceProfileInput{InstanceProfileName: &name, Path: optional(r.props, "Path")})
		if err != nil {
			return outcome{}, err
		}
		return outcome{id: name, attrs: map[string]any{"Arn": *made.InstanceProfile.Arn}}, nil
	}, func() (outcome, *time.Time, error) {
		got, err := c.GetInstanceProfile(r.ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
		if err != nil {
			return outcome{}, nil, err
		}
		return outcome{
			id:    name,
			attrs: map[string]any{"Arn": *got.InstanceProfile.Arn},
		}, got.InstanceProfile.CreateDate, nil
	})
	if err != nil {
		return outcome{}, err
	}
	return out, p.reconcileRoles(c, r, name)
}

func (iamInstanceProfile) reconcileRoles(c *iam.Client, r *request, name string) error {
	return r.reconcileList("Roles", func(role string) error {
		in := &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &name, RoleName: &role}
		_, err := c.AddRoleToInstanceProfile(r.ctx, in)
		return err
	}, func(role string) error {
		in := &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: &name, RoleName: &role}
		_, err := c.RemoveRoleFromInstanceProfile(r.ctx, in)
		return err
	})
}

func (p iamInstanceProfile) update(r *request) (outcome, error) {
	c := iam.NewFromConfig(r.cfg)
	if err := p.reconcileRoles(c, r, r.id); err != nil {
		return outcome{}, err
	}
	got, err := c.GetInstanceProfile(r.ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &r.id})
	if err != nil {
		return outcome{}, err
	}
	return outcome{id: r.id, attrs: map[string]any{"Arn": *got.InstanceProfile.Arn}}, nil
}

func (p iamInstanceProfile) delete(r *request) error {
	c := iam.NewFromConfig(r.cfg)
	if _, err := c.GetInstanceProfile(r.ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &r.id}); err != nil {
		return err // as for a role
	}
	if err := p.reconcileRoles(c, &request{ctx: r.ctx, old: r.props}, r.id); err != nil {
		return err
	}
	_, err := c.DeleteInstanceProfile(r.ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: &r.id})
	return err
}

func (iamInstanceProfile) read(r *request) (map[string]any, error) {
	got, err := iam.NewFromConfig(r.cfg).
		GetInstanceProfile(r.ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &r.id})
	if err != nil {
		return nil, notFound(err)
	}
	roles := []any{}
	for _, role := range got.InstanceProfile.Roles {
		roles = append(roles, *role.RoleName)
	}
	return map[string]any{
		"InstanceProfileName": *got.InstanceProfile.InstanceProfileName,
		"Path":                *got.InstanceProfile.Path,
		"Roles":               roles,
	}, nil
}
