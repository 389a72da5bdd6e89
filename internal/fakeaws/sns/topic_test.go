package sns_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"permstack/internal/fakeaws/apitest"
)

func TestTopics(t *testing.T) {
	ctx := context.Background()
	c, n := apitest.NewCloud(t)
	in := &sns.CreateTopicInput{
		Name:       aws.String("alerts"),
		Attributes: map[string]string{"DisplayName": "Alerts"},
		Tags:       []snstypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	}
	arn := apitest.Must[*sns.CreateTopicOutput](t)(n.SNS.CreateTopic(ctx, in)).TopicArn
	if again := apitest.Must[*sns.CreateTopicOutput](t)(n.SNS.CreateTopic(ctx, in)).TopicArn; *again != *arn ||
		*arn != "arn:aws:sns:eu-west-1:111122223333:alerts" {
		t.Errorf("topic %s, again %s", *arn, *again)
	}
	_, err := n.SNS.CreateTopic(
		ctx,
		&sns.CreateTopicInput{Name: aws.String("alerts"), Attributes: map[string]string{"DisplayName": "Other"}},
	)
	apitest.WantError(t, err, "InvalidParameter", "Topic already exists with different attributes")
	_, err = n.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("a b")})
	apitest.WantError(t, err, "InvalidParameter", "Topic Name")

	attributes := func() map[string]string {
		return apitest.Must[*sns.GetTopicAttributesOutput](t)(
			n.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: arn}),
		).Attributes
	}
	if a := attributes(); !strings.Contains(a["Policy"], "__default_policy_ID") || a["DisplayName"] != "Alerts" ||
		a["Owner"] != apitest.Account {
		t.Errorf("attributes: %v", a)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}`
	apitest.Succeed(t)(
		n.SNS.SetTopicAttributes(
			ctx,
			&sns.SetTopicAttributesInput{TopicArn: arn, AttributeName: aws.String("Policy"), AttributeValue: &policy},
		),
	)
	if a := attributes(); a["Policy"] != policy {
		t.Errorf("policy: %s", a["Policy"])
	}
	_, err = n.SNS.SetTopicAttributes(
		ctx,
		&sns.SetTopicAttributesInput{
			TopicArn:       arn,
			AttributeName:  aws.String("Policy"),
			AttributeValue: aws.String("{}"),
		},
	)
	apitest.WantError(t, err, "InvalidParameter", "Policy Error")

	sub := apitest.Must[*sns.SubscribeOutput](t)(
		n.SNS.Subscribe(
			ctx,
			&sns.SubscribeInput{TopicArn: arn, Protocol: aws.String("email"), Endpoint: aws.String("a@example.com")},
		),
	)
	if *sub.SubscriptionArn != "pending confirmation" {
		t.Errorf("subscription %s", *sub.SubscriptionArn)
	}
	list := apitest.Must[*sns.ListSubscriptionsByTopicOutput](t)(
		n.SNS.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: arn}),
	)
	if len(list.Subscriptions) != 1 || *list.Subscriptions[0].Endpoint != "a@example.com" ||
		*list.Subscriptions[0].SubscriptionArn != "PendingConfirmation" {
		t.Errorf("subscriptions: %+v", list.Subscriptions)
	}
	_, err = n.SNS.Subscribe(
		ctx,
		&sns.SubscribeInput{TopicArn: arn, Protocol: aws.String("email"), Endpoint: aws.String("nobody")},
	)
	apitest.WantError(t, err, "InvalidParameter", "Email address")

	apitest.Succeed(t)(
		n.SNS.Publish(
			ctx,
			&sns.PublishInput{
				TopicArn: arn,
				Subject:  aws.String("Drift"),
				Message:  aws.String("grants more"),
				MessageAttributes: map[string]snstypes.MessageAttributeValue{
					"direction": {DataType: aws.String("String"), StringValue: aws.String("more")},
				},
			},
		),
	)
	sent := c.SNS().Messages(*arn)
	if len(sent) != 1 || sent[0].Subject != "Drift" || sent[0].Body != "grants more" ||
		sent[0].Attributes["direction"].StringValue != "more" ||
		sent[0].ID == "" {
		t.Errorf("messages: %+v", sent)
	}
	for name, bad := range map[string]sns.PublishInput{
		"long subject":             {Message: aws.String("x"), Subject: aws.String(strings.Repeat("a", 101))},
		"subject beyond ASCII":     {Message: aws.String("x"), Subject: aws.String("über")},
		"subject of two lines":     {Message: aws.String("x"), Subject: aws.String("a\nb")},
		"empty message":            {Message: aws.String("")},
		"long message":             {Message: aws.String(strings.Repeat("a", 256<<10+1))},
		"JSON without the default": {Message: aws.String("{}"), MessageStructure: aws.String("json")},
	} {
		t.Run(name, func(t *testing.T) {
			bad.TopicArn = arn
			_, err := n.SNS.Publish(ctx, &bad)
			apitest.WantError(t, err, "InvalidParameter", "Invalid parameter: ")
		})
	}
	apitest.Succeed(t)(n.SNS.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: arn}))
	apitest.Succeed(t)(n.SNS.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: arn}))
	_, err = n.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: arn})
	apitest.WantError(t, err, "NotFound", "Topic does not exist")
}
