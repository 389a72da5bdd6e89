package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// every has a resource of each type that TestLifecycle does not have. WORD is
// changed in the update.
const every = `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: [lambda.amazonaws.com, scheduler.amazonaws.com]}, Action: sts:AssumeRole}]}}
  RolePolicy:
    Type: AWS::IAM::RolePolicy
    Properties: {RoleName: !Ref Role, PolicyName: a, PolicyDocument: {Version: 2012-10-17, Statement: [{Sid: WORD, Effect: Allow, Action: ec2:DescribeTags, Resource: "*"}]}}
  Policy:
    Type: AWS::IAM::Policy
    Properties: {Roles: [!Ref Role], PolicyName: b, PolicyDocument: {Version: 2012-10-17, Statement: [{Sid: WORD, Effect: Allow, Action: ec2:DescribeTags, Resource: "*"}]}}
  Attached:
    Type: AWS::IAM::ManagedPolicy
    Properties: {Roles: [!Ref Role], PolicyDocument: {Version: 2012-10-17, Statement: [{Sid: WORD, Effect: Allow, Action: ec2:DescribeTags, Resource: "*"}]}}
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: WORD, Tags: [{Key: k, Value: WORD}]}}
  TopicPolicy:
    Type: AWS::SNS::TopicPolicy
    Properties: {Topics: [!Ref Topic], PolicyDocument: {Version: 2012-10-17, Statement: [{Sid: WORD, Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sns:Publish, Resource: !Ref Topic}]}}
  Subscription: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref Topic, Protocol: email, Endpoint: b@example.com}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Description: WORD
      ScheduleExpression: rate(1 hour)
      State: ENABLED
      Targets: [{Id: WORD, Arn: !Ref Topic, InputTransformer: {InputPathsMap: {a: $.detail}, InputTemplate: '"<a>"'}}]
  Parameter: {Type: AWS::SSM::Parameter, Properties: {Name: /p/WORDLESS, Type: String, Value: WORD}}
  Function: {Type: AWS::Lambda::Function, Properties: {Runtime: provided.al2023, Handler: bootstrap, Role: !GetAtt Role.Arn, Code: ./code, MemorySize: "256", Environment: {Variables: {W: WORD}}}}
  Permission: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !GetAtt Function.Arn, Action: lambda:InvokeFunction, Principal: events.amazonaws.com, SourceArn: !GetAtt Rule.Arn}}
  Retries: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref Function, Qualifier: $LATEST, MaximumRetryAttempts: 1}}
  Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub "/aws/lambda/${Function}", RetentionInDays: 30}}
  Queue: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600, Tags: [{Key: k, Value: WORD}]}}
  QueuePolicy: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Queue], PolicyDocument: {Version: 2012-10-17, Statement: [{Sid: WORD, Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn}]}}}
  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {ComparisonOperator: GreaterThanThreshold, EvaluationPeriods: 1, AlarmDescription: WORD, AlarmActions: [!Ref Topic]}}
  Schedule: {Type: AWS::Scheduler::Schedule, Properties: {Description: WORD, FlexibleTimeWindow: {Mode: "OFF"}, ScheduleExpression: rate(1 day), Target: {Arn: !GetAtt Function.Arn, RoleArn: !GetAtt Role.Arn}}}
Outputs:
  Values: {Value: !Join [" ", [!GetAtt Log.Arn, !GetAtt Queue.QueueName, !GetAtt Alarm.Arn, !GetAtt Schedule.Arn, !GetAtt Parameter.Value, !Ref Subscription, !GetAtt Topic.TopicName, !GetAtt Attached.PolicyArn]]}
`

func TestEveryType(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	id := h.create("s", strings.ReplaceAll(every, "WORD", "one"))
	h.wait("s", "CREATE_COMPLETE")
	inSync := func() {
		t.Helper()
		started, err := h.cfn.DetectStackDrift(ctx, &cfn.DetectStackDriftInput{StackName: aws.String("s")})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.engine.WaitDetection(ctx, account, region, *started.StackDriftDetectionId); err != nil {
			t.Fatal(err)
		}
		out, err := h.cfn.DescribeStackResourceDrifts(ctx,
			&cfn.DescribeStackResourceDriftsInput{StackName: aws.String("s")})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(out.StackResourceDrifts); n != 14 { // all but those without drift detection
			t.Errorf("%d resources were checked, want 14", n)
		}
		for _, d := range out.StackResourceDrifts {
			if d.StackResourceDriftStatus != types.StackResourceDriftStatusInSync {
				t.Errorf("%s is %s: %s",
					*d.LogicalResourceId, d.StackResourceDriftStatus, aws.ToString(d.DriftStatusReason))
				for _, p := range d.PropertyDifferences {
					t.Errorf("  %s: %s, want %s", *p.PropertyPath, *p.ActualValue, *p.ExpectedValue)
				}
			}
		}
	}
	inSync()
	if err := h.update("s", strings.ReplaceAll(strings.ReplaceAll(every, "WORDLESS", "oneLESS"), "WORD",
		"two")); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	inSync()
	for _, ev := range h.events("s") {
		if strings.Contains(ev, "creation of a new physical") {
			t.Errorf("replaced in the update: %s", ev)
		}
	}
	got, err := ssm.NewFromConfig(h.cloud.Config(account, region)).
		GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/p/oneLESS")})
	if err != nil || *got.Parameter.Value != "two" {
		t.Errorf("parameter %+v %v", got, err)
	}
	h.delete("s")
	h.wait(id, "DELETE_COMPLETE")
	roles, _ := h.iam.ListRoles(ctx, &iam.ListRolesInput{PathPrefix: aws.String("/")})
	topics, _ := h.sns.ListTopics(ctx, &sns.ListTopicsInput{})
	if len(roles.Roles)+len(topics.Topics) != 0 {
		t.Errorf("got %d roles and %d topics after the deletion, want none", len(roles.Roles), len(topics.Topics))
	}
}
