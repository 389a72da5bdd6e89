package iam_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/fakeaws/apitest"
)

func TestRole(t *testing.T) {
	ctx := context.Background()
	_, n := apitest.NewCloud(t)
	boundary := apitest.CreatePolicy(t, n, "boundary", apitest.ReadAll)
	apitest.Succeed(t)(n.IAM.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("Backup"),
		Path:     aws.String("/permstack/"), AssumeRolePolicyDocument: aws.String(apitest.TrustEC2),
		Description: aws.String("for backups"), MaxSessionDuration: aws.Int32(7200), PermissionsBoundary: &boundary,
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
	}))
	got := apitest.Must[*iam.GetRoleOutput](t)(
		n.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("backup")}),
	).Role
	if *got.Arn != "arn:aws:iam::111122223333:role/permstack/Backup" || *got.Description != "for backups" ||
		*got.MaxSessionDuration != 7200 ||
		*got.PermissionsBoundary.PermissionsBoundaryArn != boundary ||
		len(got.Tags) != 1 ||
		!strings.HasPrefix(*got.RoleId, "AROA") ||
		got.CreateDate.IsZero() {
		t.Errorf("role: %+v", got)
	}
	if doc := apitest.Must[string](t)(url.PathUnescape(*got.AssumeRolePolicyDocument)); doc != apitest.TrustEC2 {
		t.Errorf("trust policy: %s", doc)
	}
	apitest.Succeed(t)(
		n.IAM.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: aws.String("Backup"), Description: aws.String("")}),
	)
	apitest.Succeed(t)(n.IAM.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
		RoleName:       aws.String("Backup"),
		PolicyDocument: aws.String(apitest.TrustSelf),
	}))
	apitest.Succeed(t)(n.IAM.DeleteRolePermissionsBoundary(ctx,
		&iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("Backup")}))
	apitest.Succeed(t)(
		n.IAM.UntagRole(ctx, &iam.UntagRoleInput{RoleName: aws.String("Backup"), TagKeys: []string{"TEAM"}}),
	)
	apitest.Succeed(t)(n.IAM.TagRole(ctx, &iam.TagRoleInput{
		RoleName: aws.String("Backup"),
		Tags:     []types.Tag{{Key: aws.String("b"), Value: aws.String("")}},
	}))
	got = apitest.Must[*iam.GetRoleOutput](t)(
		n.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("Backup")}),
	).Role
	if got.Description != nil || *got.MaxSessionDuration != 7200 || got.PermissionsBoundary != nil ||
		len(got.Tags) != 1 ||
		*got.Tags[0].Key != "b" {
		t.Errorf("role after changes: %+v", got)
	}
	apitest.Succeed(t)(n.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("Backup")}))
	apitest.Succeed(t)(n.IAM.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &boundary}))
}

func TestPaging(t *testing.T) {
	ctx := context.Background()
	_, n := apitest.NewCloud(t)
	for i := range 7 {
		apitest.CreateRole(t, n, fmt.Sprintf("role-%d", i))
	}
	var names []string
	pages := iam.NewListRolesPaginator(n.IAM, &iam.ListRolesInput{MaxItems: aws.Int32(3)})
	count := 0
	for ; pages.HasMorePages(); count++ {
		for _, r := range apitest.Must[*iam.ListRolesOutput](t)(pages.NextPage(ctx)).Roles {
			names = append(names, *r.RoleName)
		}
	}
	if count != 3 || strings.Join(names, " ") != "role-0 role-1 role-2 role-3 role-4 role-5 role-6" {
		t.Errorf("%d pages: %v", count, names)
	}
	_, err := n.IAM.ListRoles(ctx, &iam.ListRolesInput{Marker: aws.String("!")})
	apitest.WantError(t, err, "ValidationError", "Invalid Marker")
}

func TestManagedPolicyVersions(t *testing.T) {
	ctx := context.Background()
	_, n := apitest.NewCloud(t)
	arn := apitest.CreatePolicy(t, n, "p", apitest.ReadAll)
	add := func(setDefault bool) (*iam.CreatePolicyVersionOutput, error) {
		return n.IAM.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
			PolicyArn:      &arn,
			PolicyDocument: aws.String(apitest.ReadAll),
			SetAsDefault:   setDefault,
		})
	}
	for range 4 {
		apitest.Succeed(t)(add(true))
	}
	_, err := add(true)
	apitest.WantError(t, err, "LimitExceeded", "A managed policy can have up to 5 versions.")
	_, err = n.IAM.DeletePolicyVersion(ctx,
		&iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v5")})
	apitest.WantError(t, err, "DeleteConflict", "Cannot delete the default version of a policy.")
	_, err = n.IAM.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn})
	apitest.WantError(t, err, "DeleteConflict", "This policy has more than one version.")
	apitest.Succeed(t)(n.IAM.SetDefaultPolicyVersion(ctx,
		&iam.SetDefaultPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v2")}))
	apitest.Succeed(t)(
		n.IAM.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v5")}),
	)
	if v := apitest.Must[*iam.CreatePolicyVersionOutput](t)(add(false)).PolicyVersion; *v.VersionId != "v6" ||
		v.IsDefaultVersion {
		t.Errorf("a version number was reused: %+v", v)
	}
	p := apitest.Must[*iam.GetPolicyOutput](t)(n.IAM.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})).Policy
	if *p.DefaultVersionId != "v2" || *p.AttachmentCount != 0 {
		t.Errorf("policy: %+v", p)
	}
	_, err = n.IAM.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v5")})
	apitest.WantError(t, err, "NoSuchEntity", "version v5 does not exist")
}

func TestDeleteConflicts(t *testing.T) {
	ctx := context.Background()
	_, n := apitest.NewCloud(t)
	apitest.CreateRole(t, n, "r")
	arn := apitest.CreatePolicy(t, n, "p", apitest.ReadAll)
	r := aws.String("r")
	deleteRole := func() error {
		_, err := n.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: r})
		return err
	}
	apitest.Succeed(t)(n.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: r, PolicyArn: &arn}))
	apitest.WantError(t, deleteRole(), "DeleteConflict", "must detach all policies first")
	_, err := n.IAM.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn})
	apitest.WantError(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.")
	entities := apitest.Must[*iam.ListEntitiesForPolicyOutput](t)(
		n.IAM.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: &arn}),
	)
	if len(entities.PolicyRoles) != 1 || *entities.PolicyRoles[0].RoleName != "r" {
		t.Errorf("entities: %+v", entities)
	}
	apitest.Succeed(t)(n.IAM.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: r, PolicyArn: &arn}))

	apitest.Succeed(t)(n.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName:       r,
		PolicyName:     aws.String("i"),
		PolicyDocument: aws.String(apitest.ReadAll),
	}))
	apitest.WantError(t, deleteRole(), "DeleteConflict", "must delete policies first")
	apitest.Succeed(t)(
		n.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: r, PolicyName: aws.String("i")}),
	)

	p := aws.String("profile")
	apitest.Succeed(t)(n.IAM.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: p}))
	apitest.Succeed(t)(
		n.IAM.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: p, RoleName: r}),
	)
	apitest.WantError(t, deleteRole(), "DeleteConflict", "must remove roles from instance profile first")
	_, err = n.IAM.AddRoleToInstanceProfile(ctx,
		&iam.AddRoleToInstanceProfileInput{InstanceProfileName: p, RoleName: r})
	apitest.WantError(t, err, "LimitExceeded", "InstanceSessionsPerInstanceProfile: 1")
	_, err = n.IAM.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: p})
	apitest.WantError(t, err, "DeleteConflict", "must remove roles from instance profile first")
	got := apitest.Must[*iam.GetInstanceProfileOutput](t)(
		n.IAM.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: p}),
	).InstanceProfile
	if len(got.Roles) != 1 || *got.Roles[0].RoleName != "r" {
		t.Errorf("profile: %+v", got)
	}
	apitest.Succeed(t)(n.IAM.RemoveRoleFromInstanceProfile(ctx,
		&iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: p, RoleName: r}))
	apitest.Succeed(t)(n.IAM.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: p}))
	if err := deleteRole(); err != nil {
		t.Error(err)
	}
}

// policyDocument returns an identity policy of exactly size counted characters.
func policyDocument(size int) string {
	const head, tail = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:`, `","Resource":"*"}]}`
	return head + strings.Repeat("A", size-len(head)-len(tail)) + tail
}

func TestIAMLimits(t *testing.T) {
	ctx := context.Background()
	_, n := apitest.NewCloud(t)
	apitest.CreateRole(t, n, "r")
	r := aws.String("r")
	for i := range 10 {
		arn := apitest.CreatePolicy(t, n, fmt.Sprintf("p%d", i), policyDocument(6144))
		apitest.Succeed(t)(n.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: r, PolicyArn: &arn}))
		apitest.Succeed(t)(n.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: r, PolicyArn: &arn}))
	}
	_, err := n.IAM.AttachRolePolicy(ctx,
		&iam.AttachRolePolicyInput{RoleName: r, PolicyArn: aws.String("arn:aws:iam::aws:policy/SecurityAudit")})
	apitest.WantError(t, err, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
	create := func(doc string) error {
		_, err := n.IAM.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("big"), PolicyDocument: &doc})
		return err
	}
	apitest.WantError(t, create(policyDocument(6145)), "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
	if err := create(policyDocument(6144) + strings.Repeat(" \n\t", 1000)); err != nil {
		t.Errorf("white space was counted: %v", err)
	}
	put := func(name string, size int) error {
		_, err := n.IAM.PutRolePolicy(ctx,
			&iam.PutRolePolicyInput{RoleName: r, PolicyName: &name, PolicyDocument: aws.String(policyDocument(size))})
		return err
	}
	for _, step := range []struct {
		name string
		size int
		ok   bool
	}{{"a", 5000, true}, {"b", 5240, true}, {"c", 100, false}, {"b", 5241, false}, {"b", 5000, true}} {
		err := put(step.name, step.size)
		if step.ok && err != nil {
			t.Error(err)
		}
		if !step.ok {
			apitest.WantError(t, err, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role r")
		}
	}
	long := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole",` +
		`"Condition":{"StringEquals":{"a:b":"` + strings.Repeat("x", 2048) + `"}}}]}`
	_, err = n.IAM.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: r, PolicyDocument: &long})
	apitest.WantError(t, err, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")
}

func TestCreateRoleRefuses(t *testing.T) {
	ctx := context.Background()
	_, n := apitest.NewCloud(t)
	apitest.CreateRole(t, n, "Taken")
	tags := make([]types.Tag, 51)
	for i := range tags {
		tags[i] = types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("v")}
	}
	for _, tt := range []struct {
		name       string
		change     func(*iam.CreateRoleInput)
		code, part string
	}{
		{"name taken", func(i *iam.CreateRoleInput) { i.RoleName = aws.String("tAKEN") }, "EntityAlreadyExists",
			"Role with name tAKEN already exists."},
		{"name too long", func(i *iam.CreateRoleInput) { i.RoleName = aws.String(strings.Repeat("a", 65)) },
			"ValidationError", "at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"name with a slash", func(i *iam.CreateRoleInput) { i.RoleName = aws.String("a/b") }, "ValidationError",
			"The specified value for roleName is invalid."},
		{"path without end", func(i *iam.CreateRoleInput) { i.Path = aws.String("/a") }, "ValidationError",
			"The specified value for path is invalid."},
		{"path too long", func(i *iam.CreateRoleInput) { i.Path = aws.String("/" + strings.Repeat("a", 511) + "/") },
			"ValidationError", "less than or equal to 512"},
		{"description too long", func(i *iam.CreateRoleInput) { i.Description = aws.String(strings.Repeat("a", 1001)) },
			"ValidationError", "less than or equal to 1000"},
		{"description characters", func(i *iam.CreateRoleInput) { i.Description = aws.String("a – b") }, "ValidationError",
			"regular expression"},
		{"session too short", func(i *iam.CreateRoleInput) { i.MaxSessionDuration = aws.Int32(3599) }, "ValidationError",
			"greater than or equal to 3600"},
		{"session too long", func(i *iam.CreateRoleInput) { i.MaxSessionDuration = aws.Int32(43201) }, "ValidationError",
			"less than or equal to 43200"},
		{"no such boundary", func(i *iam.CreateRoleInput) {
			i.PermissionsBoundary = aws.String("arn:aws:iam::111122223333:policy/none")
		}, "NoSuchEntity", "does not exist or is not attachable."},
		{"too many tags", func(i *iam.CreateRoleInput) { i.Tags = tags }, "ValidationError", "less than or " +
			"equal to 50"},
		{"tag twice", func(i *iam.CreateRoleInput) {
			i.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("")}, {Key: aws.String("A"), Value: aws.String("")}}
		}, "InvalidInput", "Duplicate tag keys"},
		{"not JSON", func(i *iam.CreateRoleInput) { i.AssumeRolePolicyDocument = aws.String("{") }, "MalformedPolicyDocument",
			"Syntax errors in policy."},
		{"principal that is not there", func(i *iam.CreateRoleInput) {
			i.AssumeRolePolicyDocument = aws.String(strings.Replace(apitest.TrustSelf, apitest.Account,
				"arn:aws:iam::111122223333:role/none", 1))
		}, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/none"`},
		{"identity policy as trust", func(i *iam.CreateRoleInput) {
			i.AssumeRolePolicyDocument = aws.String(apitest.ReadAll)
		}, "MalformedPolicyDocument", "Principal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := &iam.CreateRoleInput{
				RoleName:                 aws.String("new"),
				AssumeRolePolicyDocument: aws.String(apitest.TrustEC2),
			}
			tt.change(in)
			_, err := n.IAM.CreateRole(ctx, in)
			apitest.WantError(t, err, tt.code, tt.part)
		})
	}
	if got := apitest.Must[*iam.ListRolesOutput](t)(n.IAM.ListRoles(ctx, nil)); len(got.Roles) != 1 {
		t.Errorf("a refused role was made: %+v", got.Roles)
	}
}

func TestAWSManagedPolicies(t *testing.T) {
	ctx := context.Background()
	c, n := apitest.NewCloud(t)
	apitest.CreateRole(t, n, "r")
	arn := "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
	apitest.Succeed(t)(
		n.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: &arn}),
	)
	_, err := n.IAM.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn})
	apitest.WantError(t, err, "AccessDenied", "iam:DeletePolicy")
	aws1 := apitest.Must[*iam.ListPoliciesOutput](t)(
		n.IAM.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, OnlyAttached: true}),
	)
	if len(aws1.Policies) != 1 || *aws1.Policies[0].Arn != arn {
		t.Errorf("attached policies of AWS: %+v", aws1.Policies)
	}
	gov := apitest.NewClients(c.Config(apitest.Account, "us-gov-west-1"))
	apitest.Succeed(t)(gov.IAM.GetPolicy(ctx,
		&iam.GetPolicyInput{PolicyArn: aws.String("arn:aws-us-gov:iam::aws:policy/AdministratorAccess")}))
}
