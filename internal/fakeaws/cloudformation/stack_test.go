package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/protocol"
)

const access = `
Parameters:
  Level: {Type: String, Default: one}
  Secret: {Type: String, Default: hush, NoEcho: true}
Resources:
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties: {InstanceProfileName: profile, Path: /p/, Roles: [!Ref Role]}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: reader
      Path: /p/
      Description: !Ref Level
      MaxSessionDuration: 7200
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}]}
      ManagedPolicyArns: [!Ref Managed]
      Policies:
        - PolicyName: inline
          PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: ec2:DescribeVolumes, Resource: "*"}]}
      Tags: [{Key: own, Value: tag}]
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: managed
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "ec2:DescribeSnapshots", Resource: "*", Sid: !Ref Level}]}
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: inventory, Subscription: [{Protocol: email, Endpoint: a@example.com}]}
  TopicPolicy:
    Type: AWS::SNS::TopicInlinePolicy
    Properties:
      TopicArn: !Ref Topic
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sns:Publish, Resource: !Ref Topic}]}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: changes
      EventPattern: {source: [aws.ec2]}
      Targets: [{Id: topic, Arn: !Ref Topic}]
  Queue: {Type: AWS::SQS::Queue}
Outputs:
  RoleArn: {Value: !GetAtt Role.Arn}
  RuleArn: {Value: !GetAtt Rule.Arn, Export: {Name: rule-arn}}
  Queue: {Value: !GetAtt Queue.Arn}
`

func TestLifecycle(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	id := h.create("s", access, func(in *cfn.CreateStackInput) {
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("x")}}
	})
	h.wait("s", "CREATE_COMPLETE")
	if got := h.stackOutput("s", "RoleArn"); got != "arn:aws:iam::111122223333:role/p/reader" {
		t.Errorf("RoleArn %q", got)
	}
	if got := h.stackOutput("s", "Queue"); !strings.HasPrefix(got, "arn:aws:sqs:eu-central-1:111122223333:s-Queue-") {
		t.Errorf("Queue %q", got)
	}
	for _, p := range h.describe("s").Parameters {
		if *p.ParameterKey == "Secret" && *p.ParameterValue != "****" {
			t.Error("a NoEcho parameter is shown")
		}
	}
	role, err := h.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("reader")})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(role.Role.Tags); n != 2 || *role.Role.MaxSessionDuration != 7200 || *role.Role.Description != "one" {
		t.Errorf("role %+v", role.Role)
	}
	wantInOrder(t, h.events("s"), "s CREATE_IN_PROGRESS User Initiated", "Managed CREATE_IN_PROGRESS",
		"Managed CREATE_IN_PROGRESS Resource creation Initiated", "Managed CREATE_COMPLETE",
		"Role CREATE_IN_PROGRESS", "Role CREATE_COMPLETE", "Profile CREATE_COMPLETE", "Topic CREATE_COMPLETE",
		"Rule CREATE_COMPLETE", "s CREATE_COMPLETE")

	apitest.WantError(t, h.update("s", access, func(in *cfn.UpdateStackInput) { in.Tags = nil }), "ValidationError",
		"No updates are to be performed.")
	for i := range 7 { // more versions than a managed policy may have
		level := strings.Repeat("x", i+1)
		err := h.update("s", access, func(in *cfn.UpdateStackInput) {
			in.TemplateBody, in.UsePreviousTemplate = nil, aws.Bool(true)
			in.Parameters = []types.Parameter{
				{ParameterKey: aws.String("Level"), ParameterValue: &level},
				{ParameterKey: aws.String("Secret"), UsePreviousValue: aws.Bool(true)},
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		h.wait("s", "UPDATE_COMPLETE")
	}
	role, _ = h.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("reader")})
	if *role.Role.Description != "xxxxxxx" {
		t.Errorf("description %q", *role.Role.Description)
	}
	smaller := access[:strings.Index(access, "  Rule:\n")] + "Outputs:\n  Topic: {Value: !Ref Topic}\n"
	if err := h.update("s", smaller); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	wantInOrder(t, h.events("s"), "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "Queue DELETE_COMPLETE",
		"Rule DELETE_COMPLETE", "s UPDATE_COMPLETE")
	if _, err := eventbridge.NewFromConfig(h.cloud.Config(account, region)).DescribeRule(ctx,
		&eventbridge.DescribeRuleInput{Name: aws.String("changes")}); err == nil {
		t.Error("the rule exists after the deletion")
	}

	h.delete("s")
	h.wait(id, "DELETE_COMPLETE")
	h.delete("s") // of a deleted stack: no error
	h.delete("never")
	if _, err := h.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("reader")}); err == nil {
		t.Error("the role exists after the deletion")
	}
	_, err = h.cfn.DescribeStacks(ctx, &cfn.DescribeStacksInput{StackName: aws.String("s")})
	apitest.WantError(t, err, "ValidationError", "Stack with id s does not exist")
	wantInOrder(t, h.events(id), "s DELETE_IN_PROGRESS User Initiated", "TopicPolicy DELETE_COMPLETE",
		"Topic DELETE_COMPLETE", "Profile DELETE_COMPLETE", "Role DELETE_COMPLETE", "Managed DELETE_COMPLETE",
		"s DELETE_COMPLETE")
	deleted := []types.StackStatus{types.StackStatusDeleteComplete}
	if list, _ := h.cfn.ListStacks(ctx, &cfn.ListStacksInput{StackStatusFilter: deleted}); len(list.StackSummaries) != 1 {
		t.Errorf("%d deleted stacks listed", len(list.StackSummaries))
	}
}

const two = `
Resources:
  First: {Type: AWS::SNS::Topic, Properties: {TopicName: first, DisplayName: one}}
  Second: {Type: AWS::SNS::Topic, DependsOn: First, Properties: {TopicName: second, DisplayName: one}}
`

func second(c *protocol.Call) bool {
	return c.Form.Get("Name") == "second" || strings.HasSuffix(c.Form.Get("TopicArn"), "second")
}

func TestCreateFails(t *testing.T) {
	tests := []struct {
		onFailure types.OnFailure
		want      string
		topics    int
	}{{"", "ROLLBACK_COMPLETE", 0}, {types.OnFailureDoNothing, "CREATE_FAILED", 1},
		{types.OnFailureDelete, "DELETE_COMPLETE", 0}}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			h := newHarness(t)
			h.breakCall("sns:CreateTopic", second)
			id := h.create("s", two, func(in *cfn.CreateStackInput) { in.OnFailure = tt.onFailure })
			h.wait(id, tt.want)
			topics, _ := h.sns.ListTopics(t.Context(), &sns.ListTopicsInput{})
			if len(topics.Topics) != tt.topics {
				t.Errorf("%d topics, want %d", len(topics.Topics), tt.topics)
			}
			events := h.events(id)
			wantInOrder(t, events,
				"Second CREATE_FAILED Resource handler returned message: \"configured to deny sns:CreateTopic "+
					"(Service: SNS, Status Code: 403, Request ID:")
			if tt.want == "ROLLBACK_COMPLETE" {
				wantInOrder(t, events,
					"s ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Second]. Rollback "+
						"requested by user.", "First DELETE_COMPLETE", "s ROLLBACK_COMPLETE")
				apitest.WantError(t, h.update("s", two), "ValidationError",
					"is in ROLLBACK_COMPLETE state and can not be updated.")
			}
		})
	}
}

func TestRollbackFails(t *testing.T) {
	h := newHarness(t)
	h.cloud.SetIntercept(func(c *protocol.Call) error {
		if c.Action == "DeleteTopic" || c.Action == "CreateTopic" && second(c) {
			return protocol.Errorf("AccessDenied", "no").WithStatus(403)
		}
		return nil
	})
	id := h.create("s", two)
	h.wait("s", "ROLLBACK_FAILED")
	h.delete("s")
	h.wait("s", "DELETE_FAILED")
	wantInOrder(t, h.events(id), "s DELETE_FAILED The following resource(s) failed to delete: [First].")
	if _, err := h.cfn.DeleteStack(t.Context(),
		&cfn.DeleteStackInput{StackName: aws.String("s"), RetainResources: []string{"First"}}); err != nil {
		t.Fatal(err)
	}
	h.wait(id, "DELETE_COMPLETE")
	wantInOrder(t, h.events(id), "First DELETE_SKIPPED")
}

func TestUpdateRollsBack(t *testing.T) {
	h := newHarness(t)
	h.create("s", two)
	h.wait("s", "CREATE_COMPLETE")
	h.breakCall("sns:SetTopicAttributes",
		func(c *protocol.Call) bool { return second(c) && c.Form.Get("AttributeValue") == "two" })
	changed := strings.ReplaceAll(two, "one", "two") + "  Third: {Type: AWS::SQS::Queue}\n"
	if err := h.update("s", changed); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
	got, _ := h.sns.GetTopicAttributes(t.Context(),
		&sns.GetTopicAttributesInput{TopicArn: aws.String("arn:aws:sns:eu-central-1:111122223333:first")})
	if got.Attributes["DisplayName"] != "one" {
		t.Errorf("display name %q after the rollback", got.Attributes["DisplayName"])
	}
	wantInOrder(t, h.events("s"), "First UPDATE_COMPLETE", "Second UPDATE_FAILED",
		"s UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [Second].",
		"First UPDATE_COMPLETE", "s UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "s UPDATE_ROLLBACK_COMPLETE")
	if body, _ := h.cfn.GetTemplate(t.Context(),
		&cfn.GetTemplateInput{StackName: aws.String("s")}); *body.TemplateBody != two {
		t.Error("the template is not the one from before")
	}

	h.breakCall("sns:SetTopicAttributes", second) // now the rollback fails too
	if err := h.update("s", changed); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_FAILED")
	h.cloud.SetIntercept(nil)
	if _, err := h.cfn.ContinueUpdateRollback(t.Context(),
		&cfn.ContinueUpdateRollbackInput{StackName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
}

func TestReplacement(t *testing.T) {
	h := newHarness(t)
	h.create("s", two)
	h.wait("s", "CREATE_COMPLETE")
	if err := h.update("s", strings.Replace(two, "TopicName: first", "TopicName: other", 1)); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	wantInOrder(t, h.events("s"),
		"First UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence "+
			"creating one.", "First UPDATE_COMPLETE", "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
		"First DELETE_COMPLETE", "s UPDATE_COMPLETE")
	topics, _ := h.sns.ListTopics(t.Context(), &sns.ListTopicsInput{})
	if len(topics.Topics) != 2 {
		t.Errorf("%d topics", len(topics.Topics))
	}
}

func TestStackRole(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	role, err := h.iam.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("stackrole"),
		AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
				`"Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		),
	})
	if err != nil {
		t.Fatal(err)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:*",` +
		`"Resource":"arn:aws:sns:*:*:first"}]}`
	if _, err := h.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("stackrole"),
		PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
		t.Fatal(err)
	}
	id := h.create("s", two, func(in *cfn.CreateStackInput) { in.RoleARN = role.Role.Arn })
	h.wait("s", "ROLLBACK_COMPLETE")
	events := h.events(id)
	wantInOrder(t, events, "First CREATE_COMPLETE",
		"Second CREATE_FAILED Resource handler returned message: \"User: "+
			"arn:aws:sts::111122223333:assumed-role/stackrole/")
	wantInOrder(t, events, "First DELETE_COMPLETE")
}
