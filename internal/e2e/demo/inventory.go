package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"permstack/internal/policies"
)

// deliveryWait is how many seconds a queue is read for a message.
var deliveryWait int32 = 10

// probeSource is the source of an event that the demo's own rule sends to the topic.
const probeSource = "permstack.try"

// checkInventoryEvents subscribes a queue of the vendor to the inventory topic,
// puts one event for a rule on the customer's bus, and checks that the vendor
// receives it. EventBridge, SNS and SQS evaluate the policies on the way.
func (run *runner) checkInventoryEvents(ctx context.Context, c choice) (err error) {
	set, err := run.site.synthesize(run.site.Connection, c)
	if err != nil {
		return err
	}
	if len(set.Topics) == 0 || len(set.Rules) == 0 {
		run.out.passed("the catalogue has no inventory topic for these assets")
		return nil
	}
	topic := run.site.arn("sns", set.Topics[0].Name)
	vendor, err := subscribeQueue(ctx, run.site.Vendor, run.site.VendorQueue, topic, run.site.Tags)
	if err != nil {
		return err
	}
	run.out.note("the vendor, account %s, subscribes a queue to topic %s", run.site.VendorAccount, set.Topics[0].Name)
	rule, entry, err := sampleEvent(set.Rules)
	if err != nil {
		return err
	}
	if run.site.OwnEventsOnly {
		// PutEvents refuses the sources of AWS services (EventBridge API reference,
		// PutEventsRequestEntry: Source).
		rule = run.site.Stack + "-probe"
		entry = ebtypes.PutEventsRequestEntry{
			Source: aws.String(probeSource), DetailType: aws.String("probe"), Detail: aws.String("{}"),
		}
		remove, err := run.createProbe(ctx, rule, topic)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove(ctx)) }()
	}
	run.out.note("an event for rule %s: %s, %s", rule, *entry.Source, *entry.DetailType)
	if err := run.deliver(ctx, vendor, topic, entry); err != nil {
		return err
	}
	run.out.passed("EventBridge published the event to the topic, and the vendor received it")
	return vendor.close(ctx)
}

// createProbe creates a rule that sends events of the demo to a topic, and returns the
// function that removes it.
func (run *runner) createProbe(ctx context.Context, name, topic string) (func(context.Context) error, error) {
	client := eventbridge.NewFromConfig(run.site.Config)
	var tags []ebtypes.Tag
	for key, value := range run.site.Tags {
		tags = append(tags, ebtypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err := client.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: &name, EventPattern: aws.String(`{"source":["` + probeSource + `"]}`), Tags: tags,
		Description: aws.String("Sends an event of permstack try to the inventory topic."),
	})
	if err != nil {
		return nil, fmt.Errorf("create event rule %s: %w", name, err)
	}
	put, err := client.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: &name, Targets: []ebtypes.Target{{Id: aws.String("topic"), Arn: &topic}},
	})
	if err == nil && put.FailedEntryCount > 0 {
		err = errors.New(aws.ToString(put.FailedEntries[0].ErrorMessage))
	}
	if err != nil {
		return nil, fmt.Errorf("add a target to event rule %s: %w", name, err)
	}
	return func(ctx context.Context) error {
		in := &eventbridge.RemoveTargetsInput{Rule: &name, Ids: []string{"topic"}}
		if _, err := client.RemoveTargets(ctx, in); err != nil {
			return fmt.Errorf("remove the target of event rule %s: %w", name, err)
		}
		if _, err := client.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &name}); err != nil {
			return fmt.Errorf("delete event rule %s: %w", name, err)
		}
		return nil
	}, nil
}

// deliver puts an event on the bus and checks that the vendor's queue receives it from
// the topic. A new rule may match events late, therefore the event may be repeated.
func (run *runner) deliver(ctx context.Context, vendor *queue, topic string, e ebtypes.PutEventsRequestEntry) error {
	client := eventbridge.NewFromConfig(run.site.Config)
	sent := map[string]bool{}
	for range run.site.Attempts {
		put, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{e}})
		if err != nil {
			return fmt.Errorf("put an event: %w", err)
		}
		if put.FailedEntryCount > 0 {
			return fmt.Errorf("put an event: %s: %s", aws.ToString(put.Entries[0].ErrorCode),
				aws.ToString(put.Entries[0].ErrorMessage))
		}
		sent[*put.Entries[0].EventId] = true
		messages, err := vendor.receive(ctx, deliveryWait)
		if err != nil {
			return err
		}
		for _, m := range messages {
			var event struct{ ID, Source string }
			if err := json.Unmarshal([]byte(m.Message), &event); err != nil {
				return fmt.Errorf("parse the message in queue %s: %w", vendor.name, err)
			}
			if !sent[event.ID] || m.TopicArn != topic {
				return fmt.Errorf("the vendor's queue received event %s of topic %s, want %s of %s",
					event.ID, m.TopicArn, *put.Entries[0].EventId, topic)
			}
			return nil
		}
	}
	return fmt.Errorf("the vendor's queue received no event within %d seconds: compare the policy of topic %s",
		int(deliveryWait)*run.site.Attempts, topic)
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
