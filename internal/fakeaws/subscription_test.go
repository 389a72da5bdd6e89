package fakeaws_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

func TestSubscriptions(t *testing.T) {
	ctx := context.Background()
	_, n := newCloud(t)
	topic := must[*sns.CreateTopicOutput](t)(n.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")})).TopicArn
	subscribe := func(protocol, endpoint string) *string {
		t.Helper()
		return must[*sns.SubscribeOutput](t)(n.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: &protocol, Endpoint: &endpoint, ReturnSubscriptionArn: true})).SubscriptionArn
	}
	queue := subscribe("sqs", "arn:aws:sqs:eu-west-1:111122223333:q")
	mail := subscribe("email", "a@example.com")
	if again := subscribe("email", "a@example.com"); *again != *mail {
		t.Errorf("subscribed twice: %s, %s", *mail, *again)
	}
	pending := func(arn *string) string {
		t.Helper()
		return must[*sns.GetSubscriptionAttributesOutput](t)(n.sns.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: arn})).Attributes["PendingConfirmation"]
	}
	if pending(queue) != "false" || pending(mail) != "true" {
		t.Errorf("pending: queue %s, mail %s", pending(queue), pending(mail))
	}
	must[*sns.ConfirmSubscriptionOutput](t)(n.sns.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: aws.String("any")}))
	if pending(mail) != "false" {
		t.Error("still pending")
	}
	counts := must[*sns.GetTopicAttributesOutput](t)(n.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic})).Attributes
	if counts["SubscriptionsConfirmed"] != "2" || counts["SubscriptionsPending"] != "0" {
		t.Errorf("counts: %v", counts)
	}
	for range 2 {
		must[*sns.UnsubscribeOutput](t)(n.sns.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: queue}))
	}
	if list := must[*sns.ListSubscriptionsOutput](t)(n.sns.ListSubscriptions(ctx, nil)); len(list.Subscriptions) != 1 || *list.Subscriptions[0].SubscriptionArn != *mail {
		t.Errorf("subscriptions: %+v", list.Subscriptions)
	}
	must[*sns.DeleteTopicOutput](t)(n.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic}))
	_, err := n.sns.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: mail})
	wantError(t, err, "NotFound", "Subscription does not exist")
}
