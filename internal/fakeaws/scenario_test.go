package fakeaws_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/fakeaws/apitest"
)

// step is one call of the scenario that runs against the embedded AWS and
// against moto.
type step struct {
	name string
	call func(context.Context, apitest.Clients) (any, error)

	// differs is the reason why the two may respond differently: then only success or
	// failure, and the error's code, are compared.
	differs string
}

// with returns a call of an SDK method with a copy of its input.
func with[In, Out, Option any](f func(context.Context, *In, ...Option) (*Out, error), in In,
) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		copied := in
		out, err := f(ctx, &copied)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

// The scenario uses moto's default account.
const (
	scenarioPolicy = "arn:aws:iam::123456789012:policy/permstack/scenario"
	scenarioTopic  = "arn:aws:sns:eu-west-1:123456789012:scenario"
	noPolicy       = "arn:aws:iam::123456789012:policy/none"
)

// scenario is the calls to both, in this order. It leaves out, because AWS and
// moto differ and fakeaws follows AWS: every quota but those below (moto has none),
// DeletePolicy while versions or attachments are left, a broken trust policy, a
// principal or an odd Sid in an inline policy, and CreateTopic with other attributes
// than the topic has.
func scenario(n apitest.Clients) []step {
	role, profile, inline := aws.String("scenario-role"), aws.String("scenario-profile"), aws.String("inline")
	none, rule, parameter := aws.String("none"), aws.String("scenario-rule"), aws.String("/scenario/state")
	arn, missing, topic := aws.String(scenarioPolicy), aws.String(noPolicy), aws.String(scenarioTopic)
	doc, trust := aws.String(apitest.ReadAll), aws.String(apitest.TrustEC2)
	var steps []step
	add := func(name string, call func(context.Context) (any, error)) {
		plain := func(ctx context.Context, _ apitest.Clients) (any, error) { return call(ctx) }
		steps = append(steps, step{name: name, call: plain})
	}
	loose := func(name, why string, call func(context.Context) (any, error)) {
		add(name, call)
		steps[len(steps)-1].differs = why
	}

	tags := []types.Tag{{Key: aws.String("team"), Value: aws.String("backup")}}
	created := iam.CreatePolicyInput{
		PolicyName: aws.String("scenario"), Path: aws.String("/permstack/"), PolicyDocument: doc,
		Description: aws.String("d"), Tags: tags,
	}
	loose("create policy", "moto omits the description; AWS documents neither", with(n.IAM.CreatePolicy, created))
	add("create policy again", with(n.IAM.CreatePolicy, iam.CreatePolicyInput{
		PolicyName:     aws.String("scenario"),
		Path:           aws.String("/permstack/"),
		PolicyDocument: doc,
	}))
	add("get policy", with(n.IAM.GetPolicy, iam.GetPolicyInput{PolicyArn: arn}))
	loose("get no policy", "words of the message", with(n.IAM.GetPolicy, iam.GetPolicyInput{PolicyArn: missing}))
	add("get version",
		with(n.IAM.GetPolicyVersion, iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")}))
	loose("get no version", "words of the message",
		with(n.IAM.GetPolicyVersion, iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v9")}))
	loose("new version", "moto returns the document, which AWS does not", with(n.IAM.CreatePolicyVersion,
		iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: doc, SetAsDefault: true}))
	loose("list versions", "moto lists the oldest first",
		with(n.IAM.ListPolicyVersions, iam.ListPolicyVersionsInput{PolicyArn: arn}))
	add("delete default version",
		with(n.IAM.DeletePolicyVersion, iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v2")}))
	add("delete version",
		with(n.IAM.DeletePolicyVersion, iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")}))
	add("tag policy", with(n.IAM.TagPolicy,
		iam.TagPolicyInput{PolicyArn: arn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}))
	add("untag policy", with(n.IAM.UntagPolicy, iam.UntagPolicyInput{PolicyArn: arn, TagKeys: []string{"team"}}))
	add("policy tags", with(n.IAM.ListPolicyTags, iam.ListPolicyTagsInput{PolicyArn: arn}))
	add("list policies", with(n.IAM.ListPolicies, iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal}))

	loose("create role", "moto names the boundary's type otherwise", with(n.IAM.CreateRole, iam.CreateRoleInput{
		RoleName:                 role,
		Path:                     aws.String("/permstack/"),
		AssumeRolePolicyDocument: trust,
		Description:              aws.String("d"),
		MaxSessionDuration:       aws.Int32(7200),
		Tags:                     tags,
		PermissionsBoundary:      arn,
	}))
	add("create role again",
		with(n.IAM.CreateRole, iam.CreateRoleInput{RoleName: role, AssumeRolePolicyDocument: trust}))
	add("remove boundary",
		with(n.IAM.DeleteRolePermissionsBoundary, iam.DeleteRolePermissionsBoundaryInput{RoleName: role}))
	add("get role", with(n.IAM.GetRole, iam.GetRoleInput{RoleName: role}))
	loose("get no role", "moto ends the sentence otherwise", with(n.IAM.GetRole, iam.GetRoleInput{RoleName: none}))
	add("update role", with(n.IAM.UpdateRole,
		iam.UpdateRoleInput{RoleName: role, Description: aws.String("new"), MaxSessionDuration: aws.Int32(3600)}))
	add("update trust", with(n.IAM.UpdateAssumeRolePolicy,
		iam.UpdateAssumeRolePolicyInput{RoleName: role, PolicyDocument: aws.String(apitest.TrustSelf)}))
	add("tag role", with(n.IAM.TagRole,
		iam.TagRoleInput{RoleName: role, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}))
	add("untag role", with(n.IAM.UntagRole, iam.UntagRoleInput{RoleName: role, TagKeys: []string{"team"}}))
	add("role tags", with(n.IAM.ListRoleTags, iam.ListRoleTagsInput{RoleName: role}))
	add("get role after changes", with(n.IAM.GetRole, iam.GetRoleInput{RoleName: role}))
	add("list roles", with(n.IAM.ListRoles, iam.ListRolesInput{PathPrefix: aws.String("/permstack/")}))

	add("put inline",
		with(n.IAM.PutRolePolicy, iam.PutRolePolicyInput{RoleName: role, PolicyName: inline, PolicyDocument: doc}))
	for name, document := range map[string]string{
		"no statement": `{"Version":"2012-10-17"}`,
		"no effect":    `{"Version":"2012-10-17","Statement":[{"Action":"ec2:*","Resource":"*"}]}`,
		"no resource":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*"}]}`,
		"no action":    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*"}]}`,
		"odd operator": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*",` +
			`"Resource":"*","Condition":{"Like":{"a:b":"c"}}}]}`,
		"odd resource": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*",` +
			`"Resource":"bucket"}]}`,
		"odd action": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"describe","Resource":"*"}]}`,
		"odd partition": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*",` +
			`"Resource":"arn:other:s3:::a"}]}`,
		"sid twice": `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"ec2:*",` +
			`"Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`,
	} {
		add("put inline with "+name, with(n.IAM.PutRolePolicy,
			iam.PutRolePolicyInput{RoleName: role, PolicyName: none, PolicyDocument: aws.String(document)}))
	}
	add("get inline", with(n.IAM.GetRolePolicy, iam.GetRolePolicyInput{RoleName: role, PolicyName: inline}))
	loose("get no inline", "words of the message",
		with(n.IAM.GetRolePolicy, iam.GetRolePolicyInput{RoleName: role, PolicyName: none}))
	add("list inline", with(n.IAM.ListRolePolicies, iam.ListRolePoliciesInput{RoleName: role}))
	add("attach", with(n.IAM.AttachRolePolicy, iam.AttachRolePolicyInput{RoleName: role, PolicyArn: arn}))
	add("attach AWS's", with(n.IAM.AttachRolePolicy,
		iam.AttachRolePolicyInput{RoleName: role, PolicyArn: aws.String("arn:aws:iam::aws:policy/SecurityAudit")}))
	add("attach no policy",
		with(n.IAM.AttachRolePolicy, iam.AttachRolePolicyInput{RoleName: role, PolicyArn: missing}))
	loose("attached", "moto lists AWS's first",
		with(n.IAM.ListAttachedRolePolicies, iam.ListAttachedRolePoliciesInput{RoleName: role}))
	add("get attached policy", with(n.IAM.GetPolicy, iam.GetPolicyInput{PolicyArn: arn}))
	add("entities", with(n.IAM.ListEntitiesForPolicy, iam.ListEntitiesForPolicyInput{PolicyArn: arn}))
	add("create profile", with(n.IAM.CreateInstanceProfile,
		iam.CreateInstanceProfileInput{InstanceProfileName: profile, Path: aws.String("/permstack/")}))
	add("create profile again",
		with(n.IAM.CreateInstanceProfile, iam.CreateInstanceProfileInput{InstanceProfileName: profile}))
	add("add role to profile", with(n.IAM.AddRoleToInstanceProfile,
		iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: role}))
	add("add role to profile again", with(n.IAM.AddRoleToInstanceProfile,
		iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: role}))
	loose("get profile", "moto returns the tags of its role",
		with(n.IAM.GetInstanceProfile, iam.GetInstanceProfileInput{InstanceProfileName: profile}))
	loose("get no profile", "words of the message",
		with(n.IAM.GetInstanceProfile, iam.GetInstanceProfileInput{InstanceProfileName: none}))
	loose("profiles of role", "moto returns the tags of its role",
		with(n.IAM.ListInstanceProfilesForRole, iam.ListInstanceProfilesForRoleInput{RoleName: role}))
	add("delete role in profile", with(n.IAM.DeleteRole, iam.DeleteRoleInput{RoleName: role}))
	add("delete profile with role",
		with(n.IAM.DeleteInstanceProfile, iam.DeleteInstanceProfileInput{InstanceProfileName: profile}))
	add("take role out", with(n.IAM.RemoveRoleFromInstanceProfile,
		iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: profile, RoleName: role}))
	add("delete profile",
		with(n.IAM.DeleteInstanceProfile, iam.DeleteInstanceProfileInput{InstanceProfileName: profile}))
	add("delete role with attachments", with(n.IAM.DeleteRole, iam.DeleteRoleInput{RoleName: role}))
	add("detach", with(n.IAM.DetachRolePolicy, iam.DetachRolePolicyInput{RoleName: role, PolicyArn: arn}))
	add("detach again", with(n.IAM.DetachRolePolicy, iam.DetachRolePolicyInput{RoleName: role, PolicyArn: arn}))
	add("detach AWS's", with(n.IAM.DetachRolePolicy,
		iam.DetachRolePolicyInput{RoleName: role, PolicyArn: aws.String("arn:aws:iam::aws:policy/SecurityAudit")}))
	add("delete role with inline", with(n.IAM.DeleteRole, iam.DeleteRoleInput{RoleName: role}))
	add("delete inline", with(n.IAM.DeleteRolePolicy, iam.DeleteRolePolicyInput{RoleName: role, PolicyName: inline}))
	add("delete role", with(n.IAM.DeleteRole, iam.DeleteRoleInput{RoleName: role}))
	add("delete policy", with(n.IAM.DeletePolicy, iam.DeletePolicyInput{PolicyArn: arn}))
	loose("delete role again", "words of the message", with(n.IAM.DeleteRole, iam.DeleteRoleInput{RoleName: role}))

	add("create topic", with(n.SNS.CreateTopic, sns.CreateTopicInput{Name: aws.String("scenario")}))
	add("create topic again", with(n.SNS.CreateTopic, sns.CreateTopicInput{Name: aws.String("scenario")}))
	loose("topic attributes", "moto formats the default delivery policy differently",
		with(n.SNS.GetTopicAttributes, sns.GetTopicAttributesInput{TopicArn: topic}))
	add("name topic", with(n.SNS.SetTopicAttributes, sns.SetTopicAttributesInput{
		TopicArn:       topic,
		AttributeName:  aws.String("DisplayName"),
		AttributeValue: aws.String("x"),
	}))
	add("list topics", with(n.SNS.ListTopics, sns.ListTopicsInput{}))
	add("subscribe", with(n.SNS.Subscribe, sns.SubscribeInput{
		TopicArn:              topic,
		Protocol:              aws.String("email"),
		Endpoint:              aws.String("a@example.com"),
		ReturnSubscriptionArn: true,
	}))
	add("publish",
		with(n.SNS.Publish, sns.PublishInput{TopicArn: topic, Subject: aws.String("s"), Message: aws.String("m")}))
	loose("publish long subject", "words of the message", with(n.SNS.Publish, sns.PublishInput{
		TopicArn: topic,
		Subject:  aws.String(string(make([]byte, 101))),
		Message:  aws.String("m"),
	}))
	add("delete topic", with(n.SNS.DeleteTopic, sns.DeleteTopicInput{TopicArn: topic}))
	add("attributes of no topic", with(n.SNS.GetTopicAttributes, sns.GetTopicAttributesInput{TopicArn: topic}))

	add("put rule", with(n.Events.PutRule, eventbridge.PutRuleInput{
		Name:         rule,
		EventPattern: aws.String(`{"source":["aws.ec2"]}`),
		Description:  aws.String("d"),
	}))
	add("describe rule", with(n.Events.DescribeRule, eventbridge.DescribeRuleInput{Name: rule}))
	loose("put broken rule", "words of the message", with(n.Events.PutRule,
		eventbridge.PutRuleInput{Name: none, EventPattern: aws.String(`{"source":"aws.ec2"}`)}))
	add("put targets", with(n.Events.PutTargets,
		eventbridge.PutTargetsInput{Rule: rule, Targets: []ebtypes.Target{{Id: aws.String("t"), Arn: topic}}}))
	add("list targets", with(n.Events.ListTargetsByRule, eventbridge.ListTargetsByRuleInput{Rule: rule}))
	add("disable rule", with(n.Events.DisableRule, eventbridge.DisableRuleInput{Name: rule}))
	add("list rules", with(n.Events.ListRules, eventbridge.ListRulesInput{NamePrefix: rule}))
	add("delete rule with targets", with(n.Events.DeleteRule, eventbridge.DeleteRuleInput{Name: rule}))
	add("remove targets",
		with(n.Events.RemoveTargets, eventbridge.RemoveTargetsInput{Rule: rule, Ids: []string{"t"}}))
	add("delete rule", with(n.Events.DeleteRule, eventbridge.DeleteRuleInput{Name: rule}))
	loose("describe no rule", "words of the message",
		with(n.Events.DescribeRule, eventbridge.DescribeRuleInput{Name: rule}))

	add("put parameter", with(n.SSM.PutParameter,
		ssm.PutParameterInput{Name: parameter, Value: aws.String("1"), Type: ssmtypes.ParameterTypeString}))
	add("put parameter again", with(n.SSM.PutParameter,
		ssm.PutParameterInput{Name: parameter, Value: aws.String("1"), Type: ssmtypes.ParameterTypeString}))
	add("overwrite parameter", with(n.SSM.PutParameter, ssm.PutParameterInput{
		Name:      parameter,
		Value:     aws.String("2"),
		Type:      ssmtypes.ParameterTypeString,
		Overwrite: aws.Bool(true),
	}))
	add("get parameter", with(n.SSM.GetParameter, ssm.GetParameterInput{Name: parameter}))
	add("get parameters", with(n.SSM.GetParameters, ssm.GetParametersInput{Names: []string{*parameter, "none"}}))
	add("delete parameter", with(n.SSM.DeleteParameter, ssm.DeleteParameterInput{Name: parameter}))
	add("delete parameter again", with(n.SSM.DeleteParameter, ssm.DeleteParameterInput{Name: parameter}))
	return steps
}
