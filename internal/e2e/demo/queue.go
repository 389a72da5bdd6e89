package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queue receives what a topic publishes.
type queue struct {
	name, url string
	client    *sqs.Client
}

// notification is a message of a topic in a queue (SNS developer guide, "Fanout to
// Amazon SQS queues": message format).
type notification struct{ Type, TopicArn, Subject, Message string }

// subscribeQueue creates a queue in the account of cfg, which SNS may send to for this
// topic, and subscribes it.
func subscribeQueue(ctx context.Context, cfg aws.Config, name, topic string, tags map[string]string) (*queue, error) {
	client := sqs.NewFromConfig(cfg)
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
		`"Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*",`+
		`"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, topic)
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: &name, Attributes: map[string]string{"Policy": policy}, Tags: tags,
	})
	if err != nil {
		return nil, fmt.Errorf("create queue %s: %w", name, err)
	}
	q := &queue{name: name, url: *made.QueueUrl, client: client}
	attributes, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return nil, fmt.Errorf("read queue %s: %w", name, err)
	}
	_, err = sns.NewFromConfig(cfg).Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"),
		Endpoint: aws.String(attributes.Attributes[string(types.QueueAttributeNameQueueArn)]),
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe queue %s to topic %s: %w", name, topic, err)
	}
	return q, nil
}

// receive waits up to some seconds for messages, and deletes them from the queue.
func (q *queue) receive(ctx context.Context, seconds int32) ([]notification, error) {
	got, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, WaitTimeSeconds: seconds, MaxNumberOfMessages: 10,
	})
	if err != nil {
		return nil, fmt.Errorf("receive from queue %s: %w", q.name, err)
	}
	var out []notification
	for _, m := range got.Messages {
		var n notification
		if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &n); err != nil {
			return nil, fmt.Errorf("parse the message in queue %s: %w", q.name, err)
		}
		in := &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle}
		if _, err := q.client.DeleteMessage(ctx, in); err != nil {
			return nil, fmt.Errorf("delete a message from queue %s: %w", q.name, err)
		}
		out = append(out, n)
	}
	return out, nil
}

// close deletes the queue. Its subscription ends with the topic.
func (q *queue) close(ctx context.Context) error {
	if _, err := q.client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q.url}); err != nil {
		return fmt.Errorf("delete queue %s: %w", q.name, err)
	}
	return nil
}
