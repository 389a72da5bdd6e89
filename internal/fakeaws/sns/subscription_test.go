package sns_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/apitest"
)

func TestSubscriptions(t *testing.T) {
	ctx := context.Background()
	cloud, n := apitest.NewCloud(t)
	topic := apitest.Must[*sns.CreateTopicOutput](t)(
		n.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")}),
	).TopicArn
	subscribe := func(protocol, endpoint string) *string {
		t.Helper()
		return apitest.Must[*sns.SubscribeOutput](t)(
			n.SNS.Subscribe(
				ctx,
				&sns.SubscribeInput{
					TopicArn:              topic,
					Protocol:              &protocol,
					Endpoint:              &endpoint,
					ReturnSubscriptionArn: true,
				},
			),
		).SubscriptionArn
	}
	queue := subscribe("sqs", "arn:aws:sqs:eu-west-1:111122223333:q")
	mail := subscribe("email", "a@example.com")
	if again := subscribe("email", "a@example.com"); *again != *mail {
		t.Errorf("subscribed twice: %s, %s", *mail, *again)
	}
	pending := func(arn *string) string {
		t.Helper()
		return apitest.Must[*sns.GetSubscriptionAttributesOutput](t)(n.SNS.GetSubscriptionAttributes(ctx,
			&sns.GetSubscriptionAttributesInput{SubscriptionArn: arn})).Attributes["PendingConfirmation"]
	}
	if pending(queue) != "false" || pending(mail) != "true" {
		t.Errorf("pending: queue %s, mail %s", pending(queue), pending(mail))
	}
	_, err := n.SNS.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: aws.String("any")})
	apitest.WantError(t, err, "InvalidParameter", "Token")
	list := cloud.SNS().Confirmations(*topic)
	if len(list) != 1 || list[0].Endpoint != "a@example.com" {
		t.Fatalf("confirmations: got %+v, want one of a@example.com", list)
	}
	apitest.Succeed(t)(
		n.SNS.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: &list[0].Token}),
	)
	if pending(mail) != "false" {
		t.Error("still pending")
	}
	counts := apitest.Must[*sns.GetTopicAttributesOutput](t)(
		n.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic}),
	).Attributes
	if counts["SubscriptionsConfirmed"] != "2" || counts["SubscriptionsPending"] != "0" {
		t.Errorf("counts: %v", counts)
	}
	for range 2 {
		apitest.Succeed(t)(n.SNS.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: queue}))
	}
	if list := apitest.Must[*sns.ListSubscriptionsOutput](t)(n.SNS.ListSubscriptions(ctx, nil)); len(
		list.Subscriptions,
	) != 1 ||
		*list.Subscriptions[0].SubscriptionArn != *mail {
		t.Errorf("subscriptions: %+v", list.Subscriptions)
	}
	apitest.Succeed(t)(n.SNS.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic}))
	_, err = n.SNS.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: mail})
	apitest.WantError(t, err, "NotFound", "Subscription does not exist")
}
