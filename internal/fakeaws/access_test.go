package fakeaws_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/protocol"
)

// asRole makes a role with one inline policy and gives its clients.
func asRole(t *testing.T, c *fakeaws.Cloud, owner clients, name, statements string) clients {
	t.Helper()
	makeRole(t, owner, name)
	doc := `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	must[*iam.PutRolePolicyOutput](t)(owner.iam.PutRolePolicy(context.Background(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("own"), PolicyDocument: &doc}))
	return newClients(c.ConfigAs(account, region, "arn:aws:iam::111122223333:role/"+name))
}

func TestRoleSessionsAreBound(t *testing.T) {
	ctx := context.Background()
	c, owner := newCloud(t)
	bound := makePolicy(t, owner, "bound", readAll)
	other := makePolicy(t, owner, "other", readAll)
	topic := must[*sns.CreateTopicOutput](t)(owner.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("alerts")})).TopicArn
	as := asRole(t, c, owner, "stack", `
		{"Effect":"Allow","Action":["iam:CreateRole","iam:TagRole"],"Resource":"arn:aws:iam::*:role/permstack/*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+bound+`"}}},
		{"Effect":"Allow","Action":["iam:GetRole","iam:DeleteRole"],"Resource":"arn:aws:iam::${aws:PrincipalAccount}:role/permstack/*"},
		{"Effect":"Allow","Action":"iam:AttachRolePolicy","Resource":"arn:aws:iam::*:role/permstack/*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::*:policy/bound"}}},
		{"Effect":"Allow","Action":"sns:Publish","Resource":"`+*topic+`"},
		{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"arn:aws:ssm:*:*:parameter/permstack/*"},
		{"Effect":"Allow","Action":"events:PutRule","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/owner":"permstack"}}},
		{"Effect":"Allow","Action":["events:PutTargets","events:TagResource"],"Resource":"*"}`)

	create := func(path, boundary string, tags ...types.Tag) error {
		in := &iam.CreateRoleInput{RoleName: aws.String("made"), Path: &path, AssumeRolePolicyDocument: aws.String(trustEC2), Tags: tags}
		if boundary != "" {
			in.PermissionsBoundary = &boundary
		}
		_, err := as.iam.CreateRole(ctx, in)
		return err
	}
	wantError(t, create("/permstack/", ""), "AccessDenied",
		"User: arn:aws:sts::111122223333:assumed-role/stack/permstack-local is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/permstack/made because no identity-based policy allows the iam:CreateRole action")
	wantError(t, create("/permstack/", other), "AccessDenied", "iam:CreateRole")
	wantError(t, create("/other/", bound), "AccessDenied", "role/other/made")
	if err := create("/permstack/", bound, types.Tag{Key: aws.String("a"), Value: aws.String("b")}); err != nil {
		t.Error(err)
	}
	if _, err := as.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("made")}); err != nil {
		t.Errorf("a role is judged by its real path: %v", err)
	}
	_, err := as.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("stack")})
	wantError(t, err, "AccessDenied", "role/stack")
	attach := func(arn string) error {
		_, err := as.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("made"), PolicyArn: &arn})
		return err
	}
	wantError(t, attach(other), "AccessDenied", "iam:AttachRolePolicy")
	if err := attach(bound); err != nil {
		t.Error(err)
	}
	_, err = as.iam.ListRoles(ctx, nil)
	wantError(t, err, "AccessDenied", "iam:ListRoles because")

	if _, err := as.sns.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("x")}); err != nil {
		t.Error(err)
	}
	_, err = as.sns.ListTopics(ctx, nil)
	wantError(t, err, "AuthorizationError", "sns:ListTopics")
	_, err = as.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/other")})
	wantError(t, err, "AccessDeniedException", "parameter/other")
	_, err = as.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/permstack/x")})
	wantError(t, err, "ParameterNotFound", "")

	rule := &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["a"]}`)}
	_, err = as.events.PutRule(ctx, rule)
	wantError(t, err, "AccessDeniedException", "events:PutRule")
	rule.Tags = []ebtypes.Tag{{Key: aws.String("owner"), Value: aws.String("permstack")}}
	must[*eventbridge.PutRuleOutput](t)(as.events.PutRule(ctx, rule))
	_, err = as.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []ebtypes.Target{{Id: aws.String("a"), Arn: topic, RoleArn: aws.String("arn:aws:iam::111122223333:role/stack")}}})
	wantError(t, err, "AccessDeniedException", "iam:PassRole on resource: arn:aws:iam::111122223333:role/stack")
	must[*sts.GetCallerIdentityOutput](t)(as.sts.GetCallerIdentity(ctx, nil))
}

func TestBoundaryAndLateChanges(t *testing.T) {
	ctx := context.Background()
	c, owner := newCloud(t)
	as := asRole(t, c, owner, "wide", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	list := func() error { _, err := as.iam.ListRoles(ctx, nil); return err }
	if err := list(); err != nil {
		t.Fatal(err)
	}
	bound := makePolicy(t, owner, "bound", readAll)
	must[*iam.PutRolePermissionsBoundaryOutput](t)(owner.iam.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("wide"), PermissionsBoundary: &bound}))
	wantError(t, list(), "AccessDenied", "because no permissions boundary allows the iam:ListRoles action")
	must[*iam.DeleteRolePermissionsBoundaryOutput](t)(owner.iam.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("wide")}))
	if err := list(); err != nil {
		t.Error(err)
	}
	must[*iam.DeleteRolePolicyOutput](t)(owner.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("wide"), PolicyName: aws.String("own")}))
	wantError(t, list(), "AccessDenied", "because no identity-based policy allows")
	must[*iam.DeleteRoleOutput](t)(owner.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("wide")}))
	asRole(t, c, owner, "wide", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	wantError(t, list(), "AccessDenied", "")
}

func TestAssumeRole(t *testing.T) {
	ctx := context.Background()
	c, owner := newCloud(t)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"secret"}}},{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}]}`
	arn := *must[*iam.CreateRoleOutput](t)(owner.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("backup"), Path: aws.String("/p/"), AssumeRolePolicyDocument: &trust})).Role.Arn
	vendor := newClients(c.Config("444455556666", region))
	assume := func(n clients, arn, external string) (*sts.AssumeRoleOutput, error) {
		in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("run")}
		if external != "" {
			in.ExternalId = &external
		}
		return n.sts.AssumeRole(ctx, in)
	}
	_, err := assume(vendor, arn, "")
	wantError(t, err, "AccessDenied", "User: arn:aws:iam::444455556666:root is not authorized to perform: sts:AssumeRole on resource: "+arn)
	_, err = assume(vendor, arn, "wrong")
	wantError(t, err, "AccessDenied", "")
	_, err = assume(owner, arn, "secret")
	wantError(t, err, "AccessDenied", "")
	_, err = assume(vendor, "arn:aws:iam::111122223333:role/none", "secret")
	wantError(t, err, "AccessDenied", "")
	out := must[*sts.AssumeRoleOutput](t)(assume(vendor, arn, "secret"))
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/backup/run" {
		t.Errorf("assumed: %s", *out.AssumedRoleUser.Arn)
	}
	session := newClients(c.ConfigWith(region, aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}))
	if id := must[*sts.GetCallerIdentityOutput](t)(session.sts.GetCallerIdentity(ctx, nil)); *id.Account != account || *id.Arn != *out.AssumedRoleUser.Arn {
		t.Errorf("identity: %+v", id)
	}
	_, err = session.iam.ListRoles(ctx, nil)
	wantError(t, err, "AccessDenied", "iam:ListRoles")

	// A role that is named by its account also needs to be allowed by its own policies.
	makeRole(t, owner, "open")
	vendorRole := asRole(t, c, owner, "caller", `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`)
	_, err = assume(vendorRole, "arn:aws:iam::111122223333:role/open", "")
	wantError(t, err, "AccessDenied", "because no identity-based policy allows the sts:AssumeRole action")

	if err := c.AssumableBy(account, arn, "cloudformation.amazonaws.com", nil); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{arn, "arn:aws:iam::111122223333:role/none"} {
		if err := c.AssumableBy(account, bad, "lambda.amazonaws.com", nil); err == nil {
			t.Errorf("lambda may assume %s", bad)
		}
	}
}

func TestAuthorizeFromAService(t *testing.T) {
	ctx := context.Background()
	c, owner := newCloud(t)
	c.Register(protocol.Service{
		Name: "sts", Namespace: "x",
		Actions: map[string]protocol.Action{"GetCallerIdentity": protocol.NewAction(func(_ context.Context, call *protocol.Call) (any, error) {
			return nil, call.Authorize("iam:PassRole", "arn:aws:iam::111122223333:role/stack", map[string][]string{"iam:PassedToService": {"cloudformation.amazonaws.com"}})
		}, protocol.CheckedByHandler)},
	})
	call := func(n clients) error { _, err := n.sts.GetCallerIdentity(ctx, nil); return err }
	if err := call(owner); err != nil {
		t.Error(err)
	}
	pass := func(service string) string {
		return `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"` + service + `"}}}`
	}
	if err := call(asRole(t, c, owner, "good", pass("cloudformation.amazonaws.com"))); err != nil {
		t.Error(err)
	}
	wantError(t, call(asRole(t, c, owner, "bad", pass("ec2.amazonaws.com"))), "AccessDenied", "iam:PassRole")
}

// TestConfigCaller: what a service does on its caller's behalf has the caller's
// name and the caller's limits.
func TestConfigCaller(t *testing.T) {
	ctx := context.Background()
	c, owner := newCloud(t)
	c.Register(protocol.Service{
		Name: "sns", Namespace: "x",
		Actions: map[string]protocol.Action{"ListTopics": protocol.NewAction(func(ctx context.Context, call *protocol.Call) (any, error) {
			n := newClients(c.ConfigCaller(call))
			id, err := n.sts.GetCallerIdentity(ctx, nil)
			if err != nil {
				return nil, err
			}
			if *id.Arn != call.Caller.ARN {
				return nil, protocol.Errorf("WrongCaller", "%s, not %s", *id.Arn, call.Caller.ARN)
			}
			if _, err := n.iam.ListRoles(ctx, nil); err != nil {
				return nil, protocol.Errorf("Inner", "%v", err)
			}
			return nil, nil
		}, protocol.CheckedByHandler)},
	})
	call := func(n clients) error { _, err := n.sns.ListTopics(ctx, nil); return err }
	if err := call(owner); err != nil {
		t.Error(err)
	}
	if err := call(asRole(t, c, owner, "may", `{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}`)); err != nil {
		t.Error(err)
	}
	wantError(t, call(asRole(t, c, owner, "maynot", `{"Effect":"Allow","Action":"iam:GetRole","Resource":"*"}`)), "Inner", "AccessDenied")
}
