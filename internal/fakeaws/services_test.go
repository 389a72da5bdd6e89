package fakeaws_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestTopics(t *testing.T) {
	ctx := context.Background()
	c, n := newCloud(t)
	in := &sns.CreateTopicInput{Name: aws.String("alerts"), Attributes: map[string]string{"DisplayName": "Alerts"}, Tags: []snstypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}
	arn := must[*sns.CreateTopicOutput](t)(n.sns.CreateTopic(ctx, in)).TopicArn
	if again := must[*sns.CreateTopicOutput](t)(n.sns.CreateTopic(ctx, in)).TopicArn; *again != *arn || *arn != "arn:aws:sns:eu-west-1:111122223333:alerts" {
		t.Errorf("topic %s, again %s", *arn, *again)
	}
	_, err := n.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("alerts"), Attributes: map[string]string{"DisplayName": "Other"}})
	wantError(t, err, "InvalidParameter", "Topic already exists with different attributes")
	_, err = n.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("a b")})
	wantError(t, err, "InvalidParameter", "Topic Name")

	attributes := func() map[string]string {
		return must[*sns.GetTopicAttributesOutput](t)(n.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: arn})).Attributes
	}
	if a := attributes(); !strings.Contains(a["Policy"], "__default_policy_ID") || a["DisplayName"] != "Alerts" || a["Owner"] != account {
		t.Errorf("attributes: %v", a)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}`
	must[*sns.SetTopicAttributesOutput](t)(n.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: arn, AttributeName: aws.String("Policy"), AttributeValue: &policy}))
	if a := attributes(); a["Policy"] != policy {
		t.Errorf("policy: %s", a["Policy"])
	}
	_, err = n.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: arn, AttributeName: aws.String("Policy"), AttributeValue: aws.String("{}")})
	wantError(t, err, "InvalidParameter", "Policy Error")

	sub := must[*sns.SubscribeOutput](t)(n.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: arn, Protocol: aws.String("email"), Endpoint: aws.String("a@example.com")}))
	if *sub.SubscriptionArn != "pending confirmation" {
		t.Errorf("subscription %s", *sub.SubscriptionArn)
	}
	list := must[*sns.ListSubscriptionsByTopicOutput](t)(n.sns.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: arn}))
	if len(list.Subscriptions) != 1 || *list.Subscriptions[0].Endpoint != "a@example.com" || *list.Subscriptions[0].SubscriptionArn != "PendingConfirmation" {
		t.Errorf("subscriptions: %+v", list.Subscriptions)
	}
	_, err = n.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: arn, Protocol: aws.String("email"), Endpoint: aws.String("nobody")})
	wantError(t, err, "InvalidParameter", "Email address")

	must[*sns.PublishOutput](t)(n.sns.Publish(ctx, &sns.PublishInput{TopicArn: arn, Subject: aws.String("Drift"), Message: aws.String("grants more"), MessageAttributes: map[string]snstypes.MessageAttributeValue{
		"direction": {DataType: aws.String("String"), StringValue: aws.String("more")},
	}}))
	sent := c.SNS().Messages(*arn)
	if len(sent) != 1 || sent[0].Subject != "Drift" || sent[0].Body != "grants more" || sent[0].Attributes["direction"].StringValue != "more" || sent[0].ID == "" {
		t.Errorf("messages: %+v", sent)
	}
	for _, bad := range []sns.PublishInput{
		{Message: aws.String("x"), Subject: aws.String(strings.Repeat("a", 101))},
		{Message: aws.String("x"), Subject: aws.String("über")},
		{Message: aws.String("x"), Subject: aws.String("a\nb")},
		{Message: aws.String("")},
		{Message: aws.String(strings.Repeat("a", 256<<10+1))},
		{Message: aws.String("{}"), MessageStructure: aws.String("json")},
	} {
		bad.TopicArn = arn
		_, err := n.sns.Publish(ctx, &bad)
		wantError(t, err, "InvalidParameter", "Invalid parameter: ")
	}
	must[*sns.DeleteTopicOutput](t)(n.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: arn}))
	must[*sns.DeleteTopicOutput](t)(n.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: arn}))
	_, err = n.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: arn})
	wantError(t, err, "NotFound", "Topic does not exist")
}

func TestRules(t *testing.T) {
	ctx := context.Background()
	_, n := newCloud(t)
	name := aws.String("inventory")
	put := &eventbridge.PutRuleInput{Name: name, EventPattern: aws.String(`{"source":["aws.ec2"],"detail":{"state":[{"prefix":"run"},null,1,true]}}`), Tags: []ebtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}
	arn := must[*eventbridge.PutRuleOutput](t)(n.events.PutRule(ctx, put)).RuleArn
	targets := func(count int) []ebtypes.Target {
		var out []ebtypes.Target
		for i := range count {
			out = append(out, ebtypes.Target{Id: aws.String(fmt.Sprint(i)), Arn: aws.String("arn:aws:sns:eu-west-1:111122223333:t"), RetryPolicy: &ebtypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(3)}})
		}
		return out
	}
	must[*eventbridge.PutTargetsOutput](t)(n.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: name, Targets: targets(5)}))
	_, err := n.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: name, Targets: []ebtypes.Target{{Id: aws.String("more"), Arn: aws.String("arn:aws:sns:eu-west-1:111122223333:t")}}})
	wantError(t, err, "LimitExceededException", "maximum number")
	must[*eventbridge.DisableRuleOutput](t)(n.events.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: name}))
	r := must[*eventbridge.DescribeRuleOutput](t)(n.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: name}))
	if *r.Arn != *arn || *arn != "arn:aws:events:eu-west-1:111122223333:rule/inventory" || r.State != ebtypes.RuleStateDisabled || *r.EventPattern != *put.EventPattern || r.Description != nil {
		t.Errorf("rule: %+v", r)
	}
	_, err = n.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: name})
	wantError(t, err, "ValidationException", "Rule can't be deleted since it has targets.")
	got := must[*eventbridge.ListTargetsByRuleOutput](t)(n.events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: name, Limit: aws.Int32(3)}))
	if len(got.Targets) != 3 || got.NextToken == nil || *got.Targets[2].RetryPolicy.MaximumRetryAttempts != 3 {
		t.Errorf("targets: %+v", got)
	}
	removed := must[*eventbridge.RemoveTargetsOutput](t)(n.events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: name, Ids: []string{"0", "1", "2", "3", "4", "none"}}))
	if removed.FailedEntryCount != 1 || *removed.FailedEntries[0].TargetId != "none" {
		t.Errorf("removed: %+v", removed)
	}
	tags := must[*eventbridge.ListTagsForResourceOutput](t)(n.events.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: arn}))
	if len(tags.Tags) != 1 {
		t.Errorf("tags: %+v", tags.Tags)
	}
	must[*eventbridge.DescribeEventBusOutput](t)(n.events.DescribeEventBus(ctx, nil))
	for range 2 {
		must[*eventbridge.DeleteRuleOutput](t)(n.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: name}))
	}
	_, err = n.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: name})
	wantError(t, err, "ResourceNotFoundException", "Rule inventory does not exist on EventBus default.")
}

func TestRulesRefused(t *testing.T) {
	_, n := newCloud(t)
	for pattern, part := range map[string]string{
		`[]`:                                  "Filter is not an object",
		`{}`:                                  "Empty event pattern",
		`{"source":"aws.ec2"}`:                `"source" must be an object or an array`,
		`{"source":[]}`:                       "Empty arrays are not allowed",
		`{"source":[["a"]]}`:                  "Match value must be",
		`{"source":[{"like":"a"}]}`:           "Unrecognized match type like",
		`{"source":[{"exists":"yes"}]}`:       "either true or false",
		`{"detail":{"a":{}}}`:                 "Empty objects are not allowed",
		`{"source":["a"]} x`:                  "text after its end",
		`{"a":[{"prefix":"a","suffix":"b"}]}`: "Only one key allowed",
	} {
		_, err := n.events.PutRule(context.Background(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: &pattern})
		wantError(t, err, "InvalidEventPatternException", part)
	}
	good := aws.String(`{"source":["a"]}`)
	for _, tt := range []struct {
		in         eventbridge.PutRuleInput
		code, part string
	}{
		{eventbridge.PutRuleInput{Name: aws.String(strings.Repeat("a", 65)), EventPattern: good}, "ValidationException", "'name'"},
		{eventbridge.PutRuleInput{Name: aws.String("r")}, "ValidationException", "must be specified"},
		{eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("every day")}, "ValidationException", "ScheduleExpression is not valid"},
		{eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: good, EventBusName: aws.String("other")}, "ResourceNotFoundException", "Event bus other does not exist."},
		{eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["` + strings.Repeat("a", 2048) + `"]}`)}, "LimitExceededException", "2048"},
	} {
		_, err := n.events.PutRule(context.Background(), &tt.in)
		wantError(t, err, tt.code, tt.part)
	}
}

func TestParameters(t *testing.T) {
	ctx := context.Background()
	_, n := newCloud(t)
	put := func(name, value string, overwrite bool) error {
		_, err := n.ssm.PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: &value, Type: ssmtypes.ParameterTypeString, Overwrite: &overwrite})
		return err
	}
	if err := put("/permstack/state", "1", false); err != nil {
		t.Fatal(err)
	}
	wantError(t, put("/permstack/state", "2", false), "ParameterAlreadyExists", "already exists")
	if err := put("/permstack/state", strings.Repeat("é", 2048), true); err != nil {
		t.Error(err)
	}
	wantError(t, put("/permstack/state", strings.Repeat("a", 4097), true), "ValidationException", "4096")
	wantError(t, put("/aws/state", "a", true), "AccessDeniedException", "reserved parameter name")
	wantError(t, put("a/b", "a", true), "ValidationException", "fully qualified")
	got := must[*ssm.GetParameterOutput](t)(n.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/permstack/state")})).Parameter
	if got.Version != 2 || *got.ARN != "arn:aws:ssm:eu-west-1:111122223333:parameter/permstack/state" || got.LastModifiedDate.IsZero() {
		t.Errorf("parameter: %+v", got)
	}
	many := must[*ssm.GetParametersOutput](t)(n.ssm.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{"/permstack/state", *got.ARN, "none"}}))
	if len(many.Parameters) != 2 || len(many.InvalidParameters) != 1 {
		t.Errorf("parameters: %+v", many)
	}
	must[*ssm.AddTagsToResourceOutput](t)(n.ssm.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{ResourceType: ssmtypes.ResourceTypeForTaggingParameter, ResourceId: aws.String("/permstack/state"), Tags: []ssmtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}))
	tags := must[*ssm.ListTagsForResourceOutput](t)(n.ssm.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: ssmtypes.ResourceTypeForTaggingParameter, ResourceId: aws.String("/permstack/state")}))
	if len(tags.TagList) != 1 {
		t.Errorf("tags: %+v", tags.TagList)
	}
	described := must[*ssm.DescribeParametersOutput](t)(n.ssm.DescribeParameters(ctx, &ssm.DescribeParametersInput{ParameterFilters: []ssmtypes.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("BeginsWith"), Values: []string{"/permstack/"}}}}))
	if len(described.Parameters) != 1 {
		t.Errorf("described: %+v", described.Parameters)
	}
	must[*ssm.DeleteParameterOutput](t)(n.ssm.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String("/permstack/state")}))
	_, err := n.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/permstack/state")})
	wantError(t, err, "ParameterNotFound", "")
}
