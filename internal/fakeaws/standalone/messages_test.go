package standalone_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/standalone"
)

func TestMessagesPath(t *testing.T) {
	server, err := standalone.Start("127.0.0.1:0", standalone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	get := func() (out []map[string]any) {
		t.Helper()
		response, err := http.Get(server.Endpoint + standalone.MessagesPath)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := get(); got == nil || len(got) != 0 {
		t.Errorf("got %v, want an empty list", got)
	}
	ctx := t.Context()
	n := apitest.NewClients(server.Config(apitest.Account, apitest.Region))
	topic := apitest.Must[*sns.CreateTopicOutput](t)(n.SNS.CreateTopic(ctx,
		&sns.CreateTopicInput{Name: aws.String("t")})).TopicArn
	for _, mail := range []string{"a@example.com", "b@example.com"} {
		apitest.Succeed(t)(n.SNS.Subscribe(ctx,
			&sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("email"), Endpoint: &mail}))
	}
	_, err = n.SNS.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: aws.String("x")})
	apitest.WantError(t, err, "InvalidParameter", "Token")
	response, err := http.Get(server.Endpoint + standalone.ConfirmationsPath)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var pending []struct{ Topic, Protocol, Endpoint, Token string }
	if err := json.NewDecoder(response.Body).Decode(&pending); err != nil || len(pending) != 2 ||
		pending[0].Topic != *topic || pending[0].Endpoint != "a@example.com" {
		t.Fatalf("confirmations: got %+v, %v, want both subscriptions", pending, err)
	}
	apitest.Succeed(t)(n.SNS.ConfirmSubscription(ctx,
		&sns.ConfirmSubscriptionInput{TopicArn: topic, Token: &pending[0].Token}))
	apitest.Succeed(t)(n.SNS.Publish(ctx, &sns.PublishInput{
		TopicArn: topic, Subject: aws.String("Drift"), Message: aws.String("grants more"),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{
			"direction": {DataType: aws.String("String"), StringValue: aws.String("more")},
		},
	}))
	got := get()
	if len(got) != 1 {
		t.Fatalf("got %d messages, want 1", len(got))
	}
	for name, want := range map[string]string{
		"topic": *topic, "subject": "Drift", "body": "grants more", "attributes": "map[direction:more]",
	} {
		if fmt.Sprint(got[0][name]) != want {
			t.Errorf("%s: got %v, want %s", name, got[0][name], want)
		}
	}
	recipients := got[0]["recipients"].([]any) // one of the two is confirmed
	if len(recipients) != 1 || got[0]["time"] == nil {
		t.Errorf("got recipients %v and time %v", recipients, got[0]["time"])
	}
}
