package sqs_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/simclock"
	fakesqs "permstack/internal/fakeaws/sqs"
)

// queueClient is the client of one account with helpers that end the test.
type queueClient struct {
	t *testing.T
	*sqs.Client
}

func (c queueClient) create(name string, attributes map[string]string) string {
	c.t.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes, Tags: map[string]string{"team": "a"}}
	return *apitest.Must[*sqs.CreateQueueOutput](c.t)(c.CreateQueue(context.Background(), in)).QueueUrl
}

func (c queueClient) send(url, body string) {
	c.t.Helper()
	apitest.Succeed(c.t)(c.SendMessage(context.Background(), &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &body,
		MessageAttributes: map[string]types.MessageAttributeValue{
			"kind": {DataType: aws.String("String"), StringValue: aws.String("sample")},
		},
	}))
}

func (c queueClient) receive(url string) []types.Message {
	c.t.Helper()
	return apitest.Must[*sqs.ReceiveMessageOutput](c.t)(c.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})).Messages
}

func start(t *testing.T) (*fakeaws.Cloud, queueClient, *simclock.Clock) {
	k := simclock.New(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC))
	cloud := fakeaws.New(fakeaws.Options{Clock: k.Now})
	return cloud, queueClient{t, apitest.NewClients(cloud.Config(apitest.Account, apitest.Region)).SQS}, k
}

func TestMessages(t *testing.T) {
	ctx := context.Background()
	cloud, c, k := start(t)
	dead := c.create("dead", nil)
	url := c.create("work", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:dead","maxReceiveCount":2}`,
	})
	if url != "https://sqs.eu-west-1.amazonaws.com/111122223333/work" {
		t.Errorf("got URL %s", url)
	}
	c.send(url, "one")
	got := c.receive(url) // the SDK verifies both checksums
	if len(got) != 1 || *got[0].Body != "one" || *got[0].MessageAttributes["kind"].StringValue != "sample" ||
		got[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Fatalf("got %+v", got)
	}
	if again := c.receive(url); len(again) != 0 {
		t.Errorf("got %d messages during the visibility timeout, want none", len(again))
	}
	k.Advance(31 * time.Second)
	if again := c.receive(url); len(again) != 1 {
		t.Errorf("got %d messages after the visibility timeout, want 1", len(again))
	}
	k.Advance(31 * time.Second)
	if again := c.receive(url); len(again) != 0 {
		t.Errorf("got %d messages after maxReceiveCount, want none", len(again))
	}
	moved := c.receive(dead)
	if len(moved) != 1 || *moved[0].Body != "one" {
		t.Fatalf("dead-letter queue: got %+v, want the message", moved)
	}
	apitest.Succeed(t)(c.DeleteMessage(ctx,
		&sqs.DeleteMessageInput{QueueUrl: &dead, ReceiptHandle: moved[0].ReceiptHandle}))
	if left := cloud.SQS().Messages("arn:aws:sqs:eu-west-1:111122223333:dead"); len(left) != 0 {
		t.Errorf("got %+v after DeleteMessage, want none", left)
	}
	c.send(url, "old")
	k.Advance(5 * 24 * time.Hour)
	if left := c.receive(url); len(left) != 0 {
		t.Errorf("got %d messages after the retention period, want none", len(left))
	}
}

func TestBatches(t *testing.T) {
	ctx := context.Background()
	cloud, c, _ := start(t)
	url := c.create("work", map[string]string{"MaximumMessageSize": "1024"})
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	sent := apitest.Must[*sqs.SendMessageBatchOutput](t)(c.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
		QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
			entry("a", "one"), entry("long", strings.Repeat("x", 1025)), entry("b", "two"),
		},
	})) // the SDK verifies the checksums
	if len(sent.Successful) != 2 || len(sent.Failed) != 1 || *sent.Failed[0].Id != "long" || !sent.Failed[0].SenderFault {
		t.Fatalf("got %+v", sent)
	}
	var hide []types.ChangeMessageVisibilityBatchRequestEntry
	var remove []types.DeleteMessageBatchRequestEntry
	for _, m := range c.receive(url) {
		hide = append(hide, types.ChangeMessageVisibilityBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
	}
	hide = append(hide, types.ChangeMessageVisibilityBatchRequestEntry{
		Id: aws.String("no"), ReceiptHandle: aws.String("no"),
	})
	shown := apitest.Must[*sqs.ChangeMessageVisibilityBatchOutput](t)(c.ChangeMessageVisibilityBatch(ctx,
		&sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: hide}))
	if len(shown.Successful) != 2 || len(shown.Failed) != 1 || *shown.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("got %+v", shown)
	}
	for _, m := range c.receive(url) {
		remove = append(remove, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
	}
	apitest.Succeed(t)(c.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: remove}))
	if left := cloud.SQS().Messages("arn:aws:sqs:eu-west-1:111122223333:work"); len(remove) != 2 || len(left) != 0 {
		t.Errorf("deleted %d messages, %v are left", len(remove), left)
	}
	for _, tt := range []struct {
		entries []types.SendMessageBatchRequestEntry
		code    string
	}{
		{[]types.SendMessageBatchRequestEntry{}, "EmptyBatchRequest"},
		{slices.Repeat([]types.SendMessageBatchRequestEntry{entry("a", "x")}, 11), "TooManyEntriesInBatchRequest"},
		{slices.Repeat([]types.SendMessageBatchRequestEntry{entry("a", "x")}, 2), "BatchEntryIdsNotDistinct"},
		{[]types.SendMessageBatchRequestEntry{entry("a b", "x")}, "InvalidBatchEntryId"},
	} {
		t.Run(tt.code, func(t *testing.T) {
			_, err := c.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: tt.entries})
			apitest.WantError(t, err, "AWS.SimpleQueueService."+tt.code, "")
		})
	}
}

func TestPolicyStatements(t *testing.T) {
	ctx := context.Background()
	_, c, _ := start(t)
	url := c.create("q", nil)
	add := func(label, action string) error {
		_, err := c.AddPermission(ctx, &sqs.AddPermissionInput{
			QueueUrl: &url, Label: &label, AWSAccountIds: []string{"444455556666"}, Actions: []string{action},
		})
		return err
	}
	policy := func() string {
		return apitest.Must[*sqs.GetQueueAttributesOutput](t)(c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNamePolicy},
		})).Attributes["Policy"]
	}
	if err := add("l", "SendMessage"); err != nil {
		t.Fatal(err)
	}
	if got := policy(); !strings.Contains(got, `"Action":["SQS:SendMessage"]`) ||
		!strings.Contains(got, `"arn:aws:iam::444455556666:root"`) {
		t.Errorf("got policy %s", got)
	}
	apitest.WantError(t, add("l", "SendMessage"), "InvalidParameterValue", "Already exists")
	apitest.WantError(t, add("m", "DeleteQueue"), "InvalidParameterValue", "Only the queue owner")
	remove := &sqs.RemovePermissionInput{QueueUrl: &url, Label: aws.String("l")}
	apitest.Succeed(t)(c.RemovePermission(ctx, remove))
	if got := policy(); got != "" {
		t.Errorf("got policy %s after RemovePermission, want none", got)
	}
	_, err := c.RemovePermission(ctx, remove)
	apitest.WantError(t, err, "InvalidParameterValue", "can't find label")
}

func TestReceiveWaits(t *testing.T) {
	_, c, _ := start(t)
	url := c.create("work", nil)
	received := make(chan int)
	go func() {
		out, err := c.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
		if err != nil {
			t.Error(err)
			received <- 0
			return
		}
		received <- len(out.Messages)
	}()
	c.send(url, "late")
	if n := <-received; n != 1 {
		t.Errorf("got %d messages, want 1", n)
	}
}

func TestAttributesAndTags(t *testing.T) {
	ctx := context.Background()
	_, c, _ := start(t)
	url := c.create("q", map[string]string{"MessageRetentionPeriod": "1209600"})
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},` +
		`"Action":"sqs:SendMessage","Resource":"*"}]}`
	set := map[string]string{"Policy": policy, "VisibilityTimeout": "60"}
	apitest.Succeed(t)(c.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: set}))
	all := apitest.Must[*sqs.GetQueueAttributesOutput](t)(c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})).Attributes
	want := map[string]string{
		"Policy": policy, "VisibilityTimeout": "60", "MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true",
		"QueueArn": "arn:aws:sqs:eu-west-1:111122223333:q", "ApproximateNumberOfMessages": "0",
	}
	for k, v := range want {
		if all[k] != v {
			t.Errorf("attribute %s: got %q, want %q", k, all[k], v)
		}
	}
	apitest.Succeed(t)(c.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: &url, Tags: map[string]string{"cost": "1"}}))
	apitest.Succeed(t)(c.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: &url, TagKeys: []string{"team"}}))
	tags := apitest.Must[*sqs.ListQueueTagsOutput](t)(c.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})).Tags
	if fmt.Sprint(tags) != "map[cost:1]" {
		t.Errorf("got tags %v", tags)
	}
	list := apitest.Must[*sqs.ListQueuesOutput](t)(c.ListQueues(ctx,
		&sqs.ListQueuesInput{QueueNamePrefix: aws.String("q")}))
	if len(list.QueueUrls) != 1 || list.QueueUrls[0] != url {
		t.Errorf("got queues %v", list.QueueUrls)
	}
	apitest.Succeed(t)(c.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url}))
	_, err := c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	apitest.WantError(t, err, "AWS.SimpleQueueService.NonExistentQueue", "does not exist")
}

func TestRefused(t *testing.T) {
	_, c, _ := start(t)
	c.create("q", nil)
	for _, tt := range []struct {
		name, queue string
		attributes  map[string]string
		code        string
	}{
		{"name", "a b", nil, "InvalidParameterValue"},
		{"range", "r", map[string]string{"MessageRetentionPeriod": "1"}, "InvalidAttributeValue"},
		{"unknown attribute", "r", map[string]string{"Size": "1"}, "InvalidAttributeName"},
		{"policy", "r", map[string]string{"Policy": "{}"}, "InvalidAttributeValue"},
		{"redrive policy", "r", map[string]string{"RedrivePolicy": `{"maxReceiveCount":0}`}, "InvalidParameterValue"},
		{"other attributes", "q", map[string]string{"DelaySeconds": "5"}, "QueueAlreadyExists"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := &sqs.CreateQueueInput{QueueName: &tt.queue, Attributes: tt.attributes}
			_, err := c.CreateQueue(context.Background(), in)
			apitest.WantError(t, err, tt.code, "")
		})
	}
}

func TestPermissions(t *testing.T) {
	ctx := context.Background()
	cloud, owner := apitest.NewCloud(t)
	url := *apitest.Must[*sqs.CreateQueueOutput](t)(
		owner.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})).QueueUrl
	send := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")}
	role := apitest.AsRole(t, cloud, owner, "sender",
		`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:*:q"}`)
	apitest.Succeed(t)(role.SQS.SendMessage(ctx, send))
	_, err := role.SQS.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
	apitest.WantError(t, err, "AccessDeniedException", "sqs:DeleteQueue")

	other := apitest.NewClients(cloud.Config("444455556666", apitest.Region))
	_, err = other.SQS.SendMessage(ctx, send)
	apitest.WantError(t, err, "AccessDenied", "no resource-based policy")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},` +
		`"Action":"sqs:SendMessage","Resource":"*"}]}`
	apitest.Succeed(t)(owner.SQS.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: &url, Attributes: map[string]string{"Policy": policy},
	}))
	apitest.Succeed(t)(other.SQS.SendMessage(ctx, send))
	if got := bodies(cloud.SQS().Messages("arn:aws:sqs:eu-west-1:111122223333:q")); got != "x x" {
		t.Errorf("got messages %q, want two", got)
	}
}

func bodies(messages []fakesqs.Body) string {
	var out []string
	for _, m := range messages {
		out = append(out, m.Text)
	}
	return strings.Join(out, " ")
}
