package cloudformation

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/fakeaws/protocol"
)

type iamRole struct{}

func (iamRole) schema() schema {
	return schema{
		Properties: []string{
			"AssumeRolePolicyDocument",
			"Description",
			"ManagedPolicyArns",
			"MaxSessionDuration",
			"Path",
			"PermissionsBoundary",
			"Policies",
			"RoleName",
			"Tags",
		},
		Name: "RoleName", NameLength: 64, IAM: true, Tags: true,
		Permissions: handlerPermissions{
			Create: []string{
				"iam:CreateRole", "iam:GetRole", "iam:TagRole", "iam:AttachRolePolicy",
				"iam:PutRolePolicy",
			},
			Read: []string{
				"iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy",
			},
			Update: []string{
				"iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:PutRolePermissionsBoundary",
				"iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:DetachRolePolicy",
				"iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:TagRole", "iam:UntagRole",
			},
			Delete: []string{"iam:GetRole", "iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole"},
		},
		Rights: handlerRights{
			ARN: iamARN("role", "Path"),
			For: map[string][]string{"iam:GetRolePolicy": {"Policies"}, "iam:UpdateRoleDescription": {"Description"}},
			Unused: map[string]string{
				"iam:TagRole":   "deletes a role together with its tags",
				"iam:UntagRole": "creates and deletes a role together with its tags",
			},
		},
	}
}

func (p iamRole) create(r *request) (outcome, error) {
	c := iam.NewFromConfig(r.cfg)
	name := r.name(p.schema())
	in := &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: aws.String(r.props.json("AssumeRolePolicyDocument")),
		Description: optional(r.props, "Description"), Path: optional(r.props, "Path"),
		PermissionsBoundary: optional(r.props, "PermissionsBoundary"), Tags: iamTags(r.tags()),
	}
	if r.props.has("MaxSessionDuration") {
		n, err := r.props.int("MaxSessionDuration")
		if err != nil {
			return outcome{}, err
		}
		in.MaxSessionDuration = aws.Int32(int32(n))
	}
	out, err := r.creation(func() (outcome, error) {
		made, err := c.CreateRole(r.ctx, in)
		if err != nil {
			return outcome{}, err
		}
		return p.outcome(made.Role), nil
	}, func() (outcome, *time.Time, error) {
		got, err := c.GetRole(r.ctx, &iam.GetRoleInput{RoleName: &name})
		if err != nil {
			return outcome{}, nil, err
		}
		return p.outcome(got.Role), got.Role.CreateDate, nil
	})
	if err != nil {
		return outcome{}, err
	}
	return out, p.reconcilePolicies(c, r, name)
}

func (iamRole) outcome(role *iamtypes.Role) outcome {
	return outcome{id: *role.RoleName, attrs: map[string]any{"Arn": *role.Arn, "RoleId": *role.RoleId}}
}

// reconcilePolicies attaches and detaches managed policies, and writes and
// removes inline policies, so that the role has the declared ones.
func (iamRole) reconcilePolicies(c *iam.Client, r *request, name string) error {
	err := r.reconcileList("ManagedPolicyArns", func(arn string) error {
		_, err := c.AttachRolePolicy(r.ctx, &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: &arn})
		return err
	}, func(arn string) error {
		_, err := c.DetachRolePolicy(r.ctx, &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: &arn})
		return err
	})
	if err != nil {
		return err
	}
	before, now := map[string][]string{}, policiesByName(r.props)
	for _, v := range r.versions() {
		for n, doc := range policiesByName(v) {
			before[n] = append(before[n], doc)
		}
	}
	for _, n := range sortedKeys(before) {
		if _, stays := now[n]; !stays {
			if _, err := c.DeleteRolePolicy(r.ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &n}); err != nil &&
				!isNotFound(err) {
				return err
			}
		}
	}
	for _, n := range sortedKeys(now) {
		doc := now[n]
		if len(before[n]) == len(r.versions()) &&
			!slices.ContainsFunc(before[n], func(was string) bool { return was != doc }) {
			continue
		}
		if _, err := c.PutRolePolicy(r.ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: &n,
			PolicyDocument: &doc}); err != nil {
			return err
		}
	}
	return nil
}

func policiesByName(p props) map[string]string {
	out := map[string]string{}
	for _, o := range p.objects("Policies") {
		out[o.str("PolicyName")] = o.json("PolicyDocument")
	}
	return out
}

func (p iamRole) update(r *request) (outcome, error) {
	c := iam.NewFromConfig(r.cfg)
	name := r.id
	if r.changed("AssumeRolePolicyDocument") {
		if _, err := c.UpdateAssumeRolePolicy(r.ctx,
			&iam.UpdateAssumeRolePolicyInput{RoleName: &name,
				PolicyDocument: aws.String(r.props.json("AssumeRolePolicyDocument"))}); err != nil {
			return outcome{}, err
		}
	}
	if r.changed("Description", "MaxSessionDuration") {
		n, err := r.props.int("MaxSessionDuration")
		if err != nil {
			return outcome{}, err
		}
		if n == 0 {
			n = 3600
		}
		if _, err := c.UpdateRole(r.ctx, &iam.UpdateRoleInput{RoleName: &name,
			Description: aws.String(r.props.str("Description")), MaxSessionDuration: aws.Int32(int32(n))}); err != nil {
			return outcome{}, err
		}
	}
	if r.changed("PermissionsBoundary") {
		var err error
		if arn := r.props.str("PermissionsBoundary"); arn != "" {
			_, err = c.PutRolePermissionsBoundary(r.ctx,
				&iam.PutRolePermissionsBoundaryInput{RoleName: &name, PermissionsBoundary: &arn})
		} else {
			_, err = c.DeleteRolePermissionsBoundary(r.ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: &name})
		}
		if err != nil {
			return outcome{}, err
		}
	}
	if err := p.reconcilePolicies(c, r, name); err != nil {
		return outcome{}, err
	}
	err := r.reconcileTags(func(tags []protocol.Tag) error {
		_, err := c.TagRole(r.ctx, &iam.TagRoleInput{RoleName: &name, Tags: iamTags(tags)})
		return err
	}, func(keys []string) error {
		_, err := c.UntagRole(r.ctx, &iam.UntagRoleInput{RoleName: &name, TagKeys: keys})
		return err
	})
	if err != nil {
		return outcome{}, err
	}
	got, err := iam.NewFromConfig(r.unrestricted()).GetRole(r.ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return outcome{}, err
	}
	return p.outcome(got.Role), nil
}

// delete removes what is declared and then the role. A policy that a third party
// attached prevents the deletion, as on AWS.
func (p iamRole) delete(r *request) error {
	c := iam.NewFromConfig(r.cfg)
	if _, err := c.GetRole(r.ctx, &iam.GetRoleInput{RoleName: &r.id}); err != nil {
		return err // without the role IAM has no path to authorize the changes by, and would deny them
	}
	gone := &request{
		ctx:      r.ctx,
		engine:   r.engine,
		cfg:      r.cfg,
		stack:    r.stack,
		id:       r.id,
		old:      r.props,
		attempts: r.attempts,
	}
	if err := p.reconcilePolicies(c, gone, r.id); err != nil {
		return err
	}
	_, err := c.DeleteRole(r.ctx, &iam.DeleteRoleInput{RoleName: &r.id})
	return err
}

func (iamRole) read(r *request) (map[string]any, error) {
	c := iam.NewFromConfig(r.cfg)
	got, err := c.GetRole(r.ctx, &iam.GetRoleInput{RoleName: &r.id})
	if err != nil {
		return nil, notFound(err)
	}
	role := got.Role
	out := map[string]any{
		"RoleName": *role.RoleName, "Path": *role.Path, "AssumeRolePolicyDocument": document(role.AssumeRolePolicyDocument),
		"Description":        aws.ToString(role.Description),
		"MaxSessionDuration": int64(aws.ToInt32(role.MaxSessionDuration)), "Tags": tagList(fromIAM(role.Tags)),
	}
	if b := role.PermissionsBoundary; b != nil {
		out["PermissionsBoundary"] = aws.ToString(b.PermissionsBoundaryArn)
	}
	attached := []any{}
	pages := iam.NewListAttachedRolePoliciesPaginator(c, &iam.ListAttachedRolePoliciesInput{RoleName: &r.id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.AttachedPolicies {
			attached = append(attached, *a.PolicyArn)
		}
	}
	inline := []any{}
	names := iam.NewListRolePoliciesPaginator(c, &iam.ListRolePoliciesInput{RoleName: &r.id})
	for names.HasMorePages() {
		page, err := names.NextPage(r.ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range page.PolicyNames {
			if r.ownedElsewhere(n) {
				continue // the stack's AWS::IAM::RolePolicy or AWS::IAM::Policy
			}
			doc, err := c.GetRolePolicy(r.ctx, &iam.GetRolePolicyInput{RoleName: &r.id, PolicyName: &n})
			if err != nil {
				return nil, err
			}
			inline = append(inline, map[string]any{"PolicyName": n, "PolicyDocument": document(doc.PolicyDocument)})
		}
	}
	out["ManagedPolicyArns"], out["Policies"] = attached, inline
	return out, nil
}

// ownedElsewhere reports whether another resource of the stack writes an inline
// policy of this name.
func (r *request) ownedElsewhere(policyName string) bool {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	for _, o := range r.stack.resources {
		if (o.typ == "AWS::IAM::RolePolicy" || o.typ == "AWS::IAM::Policy") &&
			props(o.props).str("PolicyName") == policyName {
			return true
		}
	}
	return false
}

// document decodes a policy document as IAM returns it, URL-encoded.
func document(s *string) any {
	text, err := url.PathUnescape(strings.ReplaceAll(aws.ToString(s), "+", "%2B"))
	if err != nil {
		text = aws.ToString(s)
	}
	return parseJSON(text)
}

func optional(p props, name string) *string {
	if !p.has(name) {
		return nil
	}
	return aws.String(p.str(name))
}

func iamTags(tags []protocol.Tag) []iamtypes.Tag {
	var out []iamtypes.Tag
	for _, t := range tags {
		out = append(out, iamtypes.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out
}

func fromIAM(tags []iamtypes.Tag) []protocol.Tag {
	var out []protocol.Tag
	for _, t := range tags {
		out = append(out, protocol.Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)})
	}
	return out
}

func notFound(err error) error {
	if isNotFound(err) {
		return errNotFound
	}
	return err
}
