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

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/protocol"
)

func TestRoleSessionsAreBound(t *testing.T) {
	ctx := context.Background()
	c, owner := apitest.NewCloud(t)
	bound := apitest.CreatePolicy(t, owner, "bound", apitest.ReadAll)
	other := apitest.CreatePolicy(t, owner, "other", apitest.ReadAll)
	topic := apitest.Must[*sns.CreateTopicOutput](t)(
		owner.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("alerts")}),
	).TopicArn
	as := apitest.AsRole(t, c, owner, "stack", `
		{"Effect":"Allow","Action":["iam:CreateRole","iam:TagRole"],"Resource":"arn:aws:iam::*:role/permstack/*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+bound+`"}}},
		{"Effect":"Allow","Action":["iam:GetRole","iam:DeleteRole"],"Resource":"arn:aws:iam::${aws:PrincipalAccount}:role/permstack/*"},
		{"Effect":"Allow","Action":"iam:AttachRolePolicy","Resource":"arn:aws:iam::*:role/permstack/*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::*:policy/bound"}}},
		{"Effect":"Allow","Action":"sns:Publish","Resource":"`+*topic+`"},
		{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"arn:aws:ssm:*:*:parameter/permstack/*"},
		{"Effect":"Allow","Action":"events:PutRule","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/owner":"permstack"}}},
		{"Effect":"Allow","Action":["events:PutTargets","events:TagResource"],"Resource":"*"}`)

	create := func(path, boundary string, tags ...types.Tag) error {
		in := &iam.CreateRoleInput{
			RoleName:                 aws.String("made"),
			Path:                     &path,
			AssumeRolePolicyDocument: aws.String(apitest.TrustEC2),
			Tags:                     tags,
		}
		if boundary != "" {
			in.PermissionsBoundary = &boundary
		}
		_, err := as.IAM.CreateRole(ctx, in)
		return err
	}
	apitest.WantError(t, create("/permstack/", ""), "AccessDenied",
		"User: arn:aws:sts::111122223333:assumed-role/stack/permstack-local is not authorized to perform: "+
			"iam:CreateRole on resource: arn:aws:iam::111122223333:role/permstack/made because no "+
			"identity-based policy allows the iam:CreateRole action")
	apitest.WantError(t, create("/permstack/", other), "AccessDenied", "iam:CreateRole")
	apitest.WantError(t, create("/other/", bound), "AccessDenied", "role/other/made")
	if err := create("/permstack/", bound, types.Tag{Key: aws.String("a"), Value: aws.String("b")}); err != nil {
		t.Error(err)
	}
	if _, err := as.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("made")}); err != nil {
		t.Errorf("a role is found by its real path: %v", err)
	}
	_, err := as.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("stack")})
	apitest.WantError(t, err, "AccessDenied", "role/stack")
	attach := func(arn string) error {
		_, err := as.IAM.AttachRolePolicy(ctx,
			&iam.AttachRolePolicyInput{RoleName: aws.String("made"), PolicyArn: &arn})
		return err
	}
	apitest.WantError(t, attach(other), "AccessDenied", "iam:AttachRolePolicy")
	if err := attach(bound); err != nil {
		t.Error(err)
	}
	_, err = as.IAM.ListRoles(ctx, nil)
	apitest.WantError(t, err, "AccessDenied", "iam:ListRoles because")

	if _, err := as.SNS.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("x")}); err != nil {
		t.Error(err)
	}
	_, err = as.SNS.ListTopics(ctx, nil)
	apitest.WantError(t, err, "AuthorizationError", "sns:ListTopics")
	_, err = as.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/other")})
	apitest.WantError(t, err, "AccessDeniedException", "parameter/other")
	_, err = as.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/permstack/x")})
	apitest.WantError(t, err, "ParameterNotFound", "")

	rule := &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["a"]}`)}
	_, err = as.Events.PutRule(ctx, rule)
	apitest.WantError(t, err, "AccessDeniedException", "events:PutRule")
	rule.Tags = []ebtypes.Tag{{Key: aws.String("owner"), Value: aws.String("permstack")}}
	apitest.Succeed(t)(as.Events.PutRule(ctx, rule))
	_, err = as.Events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: aws.String("r"),
		Targets: []ebtypes.Target{
			{Id: aws.String("a"), Arn: topic, RoleArn: aws.String("arn:aws:iam::111122223333:role/stack")},
		},
	})
	apitest.WantError(t, err, "AccessDeniedException",
		"iam:PassRole on resource: arn:aws:iam::111122223333:role/stack")
	apitest.Succeed(t)(as.STS.GetCallerIdentity(ctx, nil))
}

func TestBoundaryAndLateChanges(t *testing.T) {
	ctx := context.Background()
	c, owner := apitest.NewCloud(t)
	as := apitest.AsRole(t, c, owner, "wide", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	list := func() error { _, err := as.IAM.ListRoles(ctx, nil); return err }
	if err := list(); err != nil {
		t.Fatal(err)
	}
	bound := apitest.CreatePolicy(t, owner, "bound", apitest.ReadAll)
	apitest.Succeed(t)(owner.IAM.PutRolePermissionsBoundary(ctx,
		&iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("wide"), PermissionsBoundary: &bound}))
	apitest.WantError(t, list(), "AccessDenied", "because no permissions boundary allows the iam:ListRoles action")
	apitest.Succeed(t)(owner.IAM.DeleteRolePermissionsBoundary(ctx,
		&iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String("wide")}))
	if err := list(); err != nil {
		t.Error(err)
	}
	apitest.Succeed(t)(owner.IAM.DeleteRolePolicy(ctx,
		&iam.DeleteRolePolicyInput{RoleName: aws.String("wide"), PolicyName: aws.String("own")}))
	apitest.WantError(t, list(), "AccessDenied", "because no identity-based policy allows")
	apitest.Succeed(t)(owner.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("wide")}))
	apitest.AsRole(t, c, owner, "wide", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	apitest.WantError(t, list(), "AccessDenied", "")
}

func TestAuthorizeFromAService(t *testing.T) {
	ctx := context.Background()
	c, owner := apitest.NewCloud(t)
	c.Register(protocol.Service{
		Name: "sts", Namespace: "x",
		Actions: map[string]protocol.Action{
			"GetCallerIdentity": protocol.NewAction(func(_ context.Context, call *protocol.Call) (any, error) {
				return nil, call.Authorize("iam:PassRole", "arn:aws:iam::111122223333:role/stack",
					map[string][]string{"iam:PassedToService": {"cloudformation.amazonaws.com"}})
			}, protocol.CheckedByHandler),
		},
	})
	call := func(n apitest.Clients) error { _, err := n.STS.GetCallerIdentity(ctx, nil); return err }
	if err := call(owner); err != nil {
		t.Error(err)
	}
	pass := func(service string) string {
		return `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*",` +
			`"Condition":{"StringEquals":{"iam:PassedToService":"` + service + `"}}}`
	}
	if err := call(apitest.AsRole(t, c, owner, "good", pass("cloudformation.amazonaws.com"))); err != nil {
		t.Error(err)
	}
	apitest.WantError(t, call(apitest.AsRole(t, c, owner, "bad", pass("ec2.amazonaws.com"))), "AccessDenied",
		"iam:PassRole")
}

// TestConfigCaller checks that calls of a service for its caller have the caller's
// name and the caller's limits.
func TestConfigCaller(t *testing.T) {
	ctx := context.Background()
	c, owner := apitest.NewCloud(t)
	c.Register(protocol.Service{
		Name: "sns", Namespace: "x",
		Actions: map[string]protocol.Action{
			"ListTopics": protocol.NewAction(func(ctx context.Context, call *protocol.Call) (any, error) {
				n := apitest.NewClients(c.ConfigCaller(call))
				id, err := n.STS.GetCallerIdentity(ctx, nil)
				if err != nil {
					return nil, err
				}
				if *id.Arn != call.Caller.ARN {
					return nil, protocol.Errorf("WrongCaller", "%s, not %s", *id.Arn, call.Caller.ARN)
				}
				if _, err := n.IAM.ListRoles(ctx, nil); err != nil {
					return nil, protocol.Errorf("Inner", "%v", err)
				}
				return nil, nil
			}, protocol.CheckedByHandler),
		},
	})
	call := func(n apitest.Clients) error { _, err := n.SNS.ListTopics(ctx, nil); return err }
	if err := call(owner); err != nil {
		t.Error(err)
	}
	if err := call(apitest.AsRole(t, c, owner, "may", `{"Effect":"Allow","Action":"iam:ListRoles",`+
		`"Resource":"*"}`)); err != nil {
		t.Error(err)
	}
	apitest.WantError(t,
		call(apitest.AsRole(t, c, owner, "maynot", `{"Effect":"Allow","Action":"iam:GetRole","Resource":"*"}`)),
		"Inner", "AccessDenied")
}
