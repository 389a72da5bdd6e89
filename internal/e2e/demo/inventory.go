package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/policies"
)

// vendorAccount is the account of controlPlane.
const vendorAccount = "111122223333"

// deliveryWait is how many seconds the vendor waits for the event.
var deliveryWait int32 = 10

// config returns the configuration of an account's owner.
func (o Options) config(account string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: &o.Endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider(account, "local", ""),
	}
}

// checkInventoryEvents subscribes a queue of the vendor to the inventory topic,
// puts one event for a rule on the customer's bus, and checks that the vendor
// receives it. EventBridge, SNS and SQS evaluate the policies on the way.
func (run *runner) checkInventoryEvents(ctx context.Context, c choice) error {
	set, err := policies.Synthesize(selection(c), environment(connection))
	if err != nil {
		return err
	}
	if len(set.Topics) == 0 || len(set.Rules) == 0 {
		run.out.passed("the catalogue has no inventory topic for these assets")
		return nil
	}
	topic := "arn:aws:sns:" + region + ":" + account + ":" + set.Topics[0].Name
	queue, err := run.subscribeVendor(ctx, topic)
	if err != nil {
		return err
	}
	run.out.note("the vendor, account %s, subscribes a queue to topic %s", vendorAccount, set.Topics[0].Name)
	rule, entry, err := sampleEvent(set.Rules)
	if err != nil {
		return err
	}
	customer := eventbridge.NewFromConfig(run.options.config(account))
	put, err := customer.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{entry}})
	if err != nil {
		return fmt.Errorf("put an event: %w", err)
	}
	if put.FailedEntryCount > 0 {
		return fmt.Errorf("put an event: %s: %s", aws.ToString(put.Entries[0].ErrorCode),
			aws.ToString(put.Entries[0].ErrorMessage))
	}
	run.out.note("an event for rule %s: %s, %s", rule, *entry.Source, *entry.DetailType)
	vendor := sqs.NewFromConfig(run.options.config(vendorAccount))
	got, err := vendor.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: deliveryWait})
	if err != nil {
		return fmt.Errorf("receive from queue %s: %w", queue, err)
	}
	if len(got.Messages) == 0 {
		return fmt.Errorf("the vendor's queue received no event within %d seconds: compare the policy of topic %s",
			deliveryWait, topic)
	}
	var message struct{ Type, TopicArn, Message string }
	var event struct{ ID, Source string }
	if err := errors.Join(
		json.Unmarshal([]byte(*got.Messages[0].Body), &message),
		json.Unmarshal([]byte(message.Message), &event),
	); err != nil {
		return fmt.Errorf("parse the message in the vendor's queue: %w", err)
	}
	if event.ID != *put.Entries[0].EventId || message.TopicArn != topic {
		return fmt.Errorf("the vendor's queue received event %s of topic %s, want %s of %s",
			event.ID, message.TopicArn, *put.Entries[0].EventId, topic)
	}
	run.out.passed("EventBridge published the event to the topic, and the vendor received it")
	return nil
}

// subscribeVendor creates a queue of the vendor, which SNS may send to for this
// topic, subscribes it, and returns its URL.
func (run *runner) subscribeVendor(ctx context.Context, topic string) (string, error) {
	cfg := run.options.config(vendorAccount)
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
		`"Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*",`+
		`"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, topic)
	made, err := sqs.NewFromConfig(cfg).CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String("inventory"), Attributes: map[string]string{"Policy": policy},
	})
	if err != nil {
		return "", fmt.Errorf("create the vendor's queue: %w", err)
	}
	_, err = sns.NewFromConfig(cfg).Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"),
		Endpoint: aws.String("arn:aws:sqs:" + region + ":" + vendorAccount + ":inventory"),
	})
	if err != nil {
		return "", fmt.Errorf("subscribe the vendor's queue to %s: %w", topic, err)
	}
	return *made.QueueUrl, nil
}

// sampleEvent returns an event that the first rule with a source and a detail
// type matches, and the rule's name.
func sampleEvent(rules []policies.Rule) (string, ebtypes.PutEventsRequestEntry, error) {
	for _, r := range rules {
		sample, _ := matchingValue(r.Pattern).(map[string]any)
		source, _ := sample["source"].(string)
		kind, _ := sample["detail-type"].(string)
		if source == "" || kind == "" {
			continue
		}
		detail := sample["detail"]
		if detail == nil {
			detail = map[string]any{}
		}
		text, err := json.Marshal(detail)
		if err != nil {
			return "", ebtypes.PutEventsRequestEntry{}, fmt.Errorf("write an event for rule %s: %w", r.Name, err)
		}
		return r.Name, ebtypes.PutEventsRequestEntry{
			Source: &source, DetailType: &kind, Detail: aws.String(string(text)),
		}, nil
	}
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
	}
	return "", ebtypes.PutEventsRequestEntry{},
		fmt.Errorf("no rule has a source and a detail type: %s", strings.Join(names, ", "))
}

// matchingValue returns a value that a part of an event pattern matches: of a list its
// first plain value, or nil for one that must not exist.
func matchingValue(pattern any) any {
	switch p := pattern.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, part := range p {
			if v := matchingValue(part); v != nil {
				out[name] = v
			}
		}
		return out
	case []any:
		for _, v := range p {
			if _, operator := v.(map[string]any); !operator {
				return v
			}
		}
		return nil
	case []string:
		return p[0]
	}
	return nil
}
