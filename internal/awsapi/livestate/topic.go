package livestate

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/iampolicy"
)

// TopicPolicy returns the access policy of a topic.
func (r *Reader) TopicPolicy(ctx context.Context, arn string) (string, error) {
	attributes, err := r.TopicAttributes(ctx, arn)
	return attributes["Policy"], err
}

// TopicAttributes returns the attributes of a topic (API reference,
// GetTopicAttributes).
func (r *Reader) TopicAttributes(ctx context.Context, arn string) (map[string]string, error) {
	got, err := ratelimit.Call(ctx, r.Limits.SNS, r.SNS.GetTopicAttributes,
		&sns.GetTopicAttributesInput{TopicArn: &arn})
	if err != nil {
		return nil, fmt.Errorf("read topic %s: %w", arn, err)
	}
	return got.Attributes, nil
}

// TopicTags returns the tags of a topic.
func (r *Reader) TopicTags(ctx context.Context, arn string) (map[string]string, error) {
	got, err := ratelimit.Call(ctx, r.Limits.SNS, r.SNS.ListTagsForResource,
		&sns.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		return nil, fmt.Errorf("list tags of topic %s: %w", arn, err)
	}
	out := map[string]string{}
	for _, t := range got.Tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out, nil
}

// Subscription is a subscription to a topic.
type Subscription struct {
	ARN      string // "PendingConfirmation" until it is confirmed
	Owner    string // account
	Protocol string
	Endpoint string
}

// SubscriptionFilter returns the filter policy of a subscription, which decides which
// messages it receives; "" if it has none.
func (r *Reader) SubscriptionFilter(ctx context.Context, arn string) (string, error) {
	got, err := ratelimit.Call(ctx, r.Limits.SNS, r.SNS.GetSubscriptionAttributes,
		&sns.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	if err != nil {
		return "", fmt.Errorf("read subscription %s: %w", arn, err)
	}
	filter := got.Attributes["FilterPolicy"]
	// An empty document removes a filter (developer guide, "Removing a subscription filter policy").
	if strings.TrimSpace(filter) == "{}" {
		filter = ""
	}
	return filter, nil
}

// Subscriptions lists the subscriptions to a topic. If a page cannot be read it
// returns those before it and the error.
func (r *Reader) Subscriptions(ctx context.Context, topicARN string) ([]Subscription, error) {
	var out []Subscription
	in := &sns.ListSubscriptionsByTopicInput{TopicArn: &topicARN}
	err := eachPage(ctx, r.Limits.SNS, r.SNS.ListSubscriptionsByTopic, in,
		func(page *sns.ListSubscriptionsByTopicOutput) bool {
			for _, s := range page.Subscriptions {
				out = append(out, Subscription{
					ARN: aws.ToString(s.SubscriptionArn), Owner: aws.ToString(s.Owner),
					Protocol: aws.ToString(s.Protocol), Endpoint: aws.ToString(s.Endpoint),
				})
			}
			in.NextToken = page.NextToken
			return in.NextToken != nil
		})
	if err != nil {
		return out, fmt.Errorf("list subscriptions to topic %s: %w", topicARN, err)
	}
	return out, nil
}

// Topic is an SNS topic with its access policy.
type Topic struct {
	Name, ARN string
	Policy    iampolicy.Document
}

// TopicNames lists the topics.
func (r *Reader) TopicNames(ctx context.Context) ([]Name, error) {
	found, err := r.listTopics(ctx)
	var out []Name
	for _, t := range found {
		out = append(out, Name{Name: t.Name, ARN: t.ARN})
	}
	return out, err
}

// listTopics lists the topics, without their policies.
func (r *Reader) listTopics(ctx context.Context) ([]Topic, error) {
	var out []Topic
	in := &sns.ListTopicsInput{}
	err := eachPage(ctx, r.Limits.SNS, r.SNS.ListTopics, in, func(page *sns.ListTopicsOutput) bool {
		for _, t := range page.Topics {
			arn := aws.ToString(t.TopicArn)
			out = append(out, Topic{Name: arn[strings.LastIndexByte(arn, ':')+1:], ARN: arn})
		}
		in.NextToken = page.NextToken
		return in.NextToken != nil
	})
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	return out, nil
}

// Topics reads every topic.
func (r *Reader) Topics(ctx context.Context) ([]Topic, error) {
	out, err := r.listTopics(ctx)
	if err != nil {
		return nil, err
	}
	for i, topic := range out {
		text, err := r.TopicPolicy(ctx, topic.ARN)
		if err != nil {
			return nil, err
		}
		if out[i].Policy, err = parse(text); err != nil {
			return nil, fmt.Errorf("read policy of topic %s: %w", topic.Name, err)
		}
	}
	return out, nil
}
