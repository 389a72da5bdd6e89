package sqs_test

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"permstack/internal/fakeaws/apitest"
)

// TestFIFO sends to a FIFO queue: order, deduplication, groups in flight, and what is refused.
func TestFIFO(t *testing.T) {
	ctx := context.Background()
	_, clients := apitest.NewCloud(t)
	c := queueClient{t, clients.SQS}
	url := c.create("q.fifo", map[string]string{"FifoQueue": "true"})
	send := func(body, group, id string) (*sqs.SendMessageOutput, error) {
		in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}
		if group != "" {
			in.MessageGroupId = &group
		}
		if id != "" {
			in.MessageDeduplicationId = &id
		}
		return c.SendMessage(ctx, in)
	}
	receive := func() (bodies []string) {
		out := apitest.Must[*sqs.ReceiveMessageOutput](t)(c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 2, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		}))
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body+" "+m.Attributes["MessageGroupId"])
		}
		return bodies
	}
	_, err := send("x", "", "1")
	apitest.WantError(t, err, "MissingParameter", "MessageGroupId")
	_, err = send("x", "g", "")
	apitest.WantError(t, err, "InvalidParameterValue", "ContentBasedDeduplication")
	for i, id := range []string{"a", "b", "a", "c"} {
		out := apitest.Must[*sqs.SendMessageOutput](t)(send(strconv.Itoa(i), "g", id))
		if aws.ToString(out.SequenceNumber) == "" {
			t.Errorf("message %d has no sequence number", i)
		}
	}
	apitest.Succeed(t)(send("other", "h", "d"))
	for i, want := range [][]string{{"0 g", "1 g"}, {"other h"}, nil} {
		if got := receive(); !slices.Equal(got, want) {
			t.Errorf("receive %d: got %v, want %v", i, got, want)
		}
	}
	for name, attributes := range map[string]map[string]string{
		"plain":     {"FifoQueue": "true"},
		"p.fifo":    nil,
		"plain2":    {"ContentBasedDeduplication": "true"},
		"badq.fifo": {"FifoQueue": "true", "DeduplicationScope": "x"},
	} {
		in := &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes}
		if _, err := c.CreateQueue(ctx, in); err == nil {
			t.Errorf("queue %s with %v was created", name, attributes)
		}
	}
}
