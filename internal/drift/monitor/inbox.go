package monitor

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// SQS is the part of the SDK's client that an Inbox needs.
type SQS interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

// Inbox is a queue of the events that arrived while a run was in progress. Only the
// holder of the lease in the state receives from it.
type Inbox struct {
	Client   SQS
	QueueURL string
}

// queued is an event in the inbox.
type queued struct{ body, receipt string }

const (
	// maxReceived is how many events one run takes from the inbox.
	maxReceived = 200
	// invisible is how long a received event is hidden, in seconds: if the run fails,
	// its repetition a minute later finds the event again.
	invisible = 50
)

// send adds an event.
func (b *Inbox) send(ctx context.Context, event []byte) error {
	_, err := b.Client.SendMessage(
		ctx,
		&sqs.SendMessageInput{QueueUrl: &b.QueueURL, MessageBody: aws.String(string(event))},
	)
	if err != nil {
		return fmt.Errorf("send event to queue %s: %w", b.QueueURL, err)
	}
	return nil
}

// receive returns the events in the queue, at most maxReceived. It waits a second
// for the first, because only a receive that waits asks all servers of SQS
// (Developer Guide, "Short and long polling"). lost reports whether a response did not
// arrive: its events are hidden as if they had been received.
func (b *Inbox) receive(ctx context.Context) (out []queued, lost bool, err error) {
	for len(out) < maxReceived {
		got, err := b.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &b.QueueURL, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: invisible,
		})
		if err != nil {
			return out, true, fmt.Errorf("receive events from queue %s: %w", b.QueueURL, err)
		}
		if attempts, ok := retry.GetAttemptResults(got.ResultMetadata); ok && len(attempts.Results) > 1 {
			lost = true
		}
		for _, m := range got.Messages {
			out = append(out, queued{aws.ToString(m.Body), aws.ToString(m.ReceiptHandle)})
		}
		if len(got.Messages) == 0 {
			break
		}
	}
	return out, lost, nil
}

// isWaiting reports whether there are events. It hides one for a second: the run that
// receives it waits for longer before it does.
func (b *Inbox) isWaiting(ctx context.Context) (bool, error) {
	got, err := b.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &b.QueueURL, MaxNumberOfMessages: 1, WaitTimeSeconds: 1, VisibilityTimeout: 1,
	})
	if err != nil {
		return false, fmt.Errorf("receive events from queue %s: %w", b.QueueURL, err)
	}
	return len(got.Messages) > 0, nil
}

// remove deletes events that were received.
func (b *Inbox) remove(ctx context.Context, list []queued) error {
	for _, q := range list {
		in := &sqs.DeleteMessageInput{QueueUrl: &b.QueueURL, ReceiptHandle: &q.receipt}
		if _, err := b.Client.DeleteMessage(ctx, in); err != nil {
			return fmt.Errorf("delete event from queue %s: %w", b.QueueURL, err)
		}
	}
	return nil
}
