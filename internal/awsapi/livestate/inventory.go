package livestate

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/iampolicy"
)

// Topic is an SNS topic with its access policy.
type Topic struct {
	Name, ARN string
	Policy    iampolicy.Document
}

// Rule is an event rule of the default event bus.
type Rule struct {
	Name    string
	State   string // ENABLED or DISABLED
	Pattern string // JSON with sorted keys
	Targets []Target
}

// Target is the target of an event rule.
type Target struct{ ID, ARN string }

// Topics reads every topic.
func (r *Reader) Topics(ctx context.Context) ([]Topic, error) {
	var out []Topic
	pages := sns.NewListTopicsPaginator(r.SNS, &sns.ListTopicsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list topics: %w", err)
		}
		for _, t := range page.Topics {
			arn := aws.ToString(t.TopicArn)
			topic := Topic{Name: arn[strings.LastIndexByte(arn, ':')+1:], ARN: arn}
			got, err := r.SNS.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
			if err != nil {
				return nil, fmt.Errorf("read topic %s: %w", topic.Name, err)
			}
			if topic.Policy, err = iampolicy.Parse([]byte(got.Attributes["Policy"])); err != nil {
				return nil, fmt.Errorf("read policy of topic %s: %w", topic.Name, err)
			}
			out = append(out, topic)
		}
	}
	return out, nil
}

// Rules reads every event rule with its targets.
func (r *Reader) Rules(ctx context.Context) ([]Rule, error) {
	var out []Rule
	in := &eventbridge.ListRulesInput{}
	for {
		page, err := r.Events.ListRules(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list event rules: %w", err)
		}
		for _, found := range page.Rules {
			rule := Rule{Name: aws.ToString(found.Name), State: string(found.State)}
			if rule.Pattern, err = sortKeys(aws.ToString(found.EventPattern)); err != nil {
				return nil, fmt.Errorf("read pattern of event rule %s: %w", rule.Name, err)
			}
			if rule.Targets, err = r.targets(ctx, rule.Name); err != nil {
				return nil, err
			}
			out = append(out, rule)
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return out, nil
		}
	}
}

func (r *Reader) targets(ctx context.Context, rule string) ([]Target, error) {
	var out []Target
	in := &eventbridge.ListTargetsByRuleInput{Rule: &rule}
	for {
		page, err := r.Events.ListTargetsByRule(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list targets of event rule %s: %w", rule, err)
		}
		for _, t := range page.Targets {
			out = append(out, Target{ID: aws.ToString(t.Id), ARN: aws.ToString(t.Arn)})
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return out, nil
		}
	}
}

// sortKeys returns JSON with sorted keys; "" for a rule without a pattern.
func sortKeys(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return "", err
	}
	sorted, err := json.Marshal(value)
	return string(sorted), err
}
