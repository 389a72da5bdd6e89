package livestate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"permstack/internal/awsapi/ratelimit"
)

// RuleSettings are the properties of an event rule itself, without its targets.
type RuleSettings struct {
	Name, ARN   string
	Description string
	State       string // ENABLED, DISABLED or ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS
	Pattern     string // JSON; "" if the rule has a schedule only
	Schedule    string // "" if the rule has a pattern only
	RoleARN     string
}

// RuleSettings reads an event rule. bus "" is the default event bus.
func (r *Reader) RuleSettings(ctx context.Context, bus, name string) (RuleSettings, error) {
	got, err := ratelimit.Call(ctx, r.Limits.Events, r.Events.DescribeRule,
		&eventbridge.DescribeRuleInput{Name: &name, EventBusName: optional(bus)})
	if err != nil {
		return RuleSettings{}, fmt.Errorf("read event rule %s: %w", name, err)
	}
	return RuleSettings{
		Name: aws.ToString(got.Name), ARN: aws.ToString(got.Arn), Description: aws.ToString(got.Description),
		State: string(got.State), Pattern: aws.ToString(got.EventPattern),
		Schedule: aws.ToString(got.ScheduleExpression), RoleARN: aws.ToString(got.RoleArn),
	}, nil
}

// RuleTags returns the tags of an event rule.
func (r *Reader) RuleTags(ctx context.Context, arn string) (map[string]string, error) {
	got, err := ratelimit.Call(ctx, r.Limits.Events, r.Events.ListTagsForResource,
		&eventbridge.ListTagsForResourceInput{ResourceARN: &arn})
	if err != nil {
		return nil, fmt.Errorf("list tags of event rule %s: %w", arn, err)
	}
	out := map[string]string{}
	for _, t := range got.Tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out, nil
}

// Targets lists the targets of an event rule; bus "" is the default event bus. If a
// page cannot be read it returns those before it and the error.
func (r *Reader) Targets(ctx context.Context, bus, rule string) ([]types.Target, error) {
	var out []types.Target
	in := &eventbridge.ListTargetsByRuleInput{Rule: &rule, EventBusName: optional(bus)}
	err := eachPage(ctx, r.Limits.Events, r.Events.ListTargetsByRule, in,
		func(page *eventbridge.ListTargetsByRuleOutput) bool {
			out = append(out, page.Targets...)
			in.NextToken = page.NextToken
			return in.NextToken != nil
		})
	if err != nil {
		return out, fmt.Errorf("list targets of event rule %s: %w", rule, err)
	}
	return out, nil
}

// Rule is an event rule of the default event bus with its targets.
type Rule struct {
	RuleSettings // Pattern with sorted keys
	Targets      []Target
}

// Target is the target of an event rule.
type Target struct{ ID, ARN string }

// RuleNames lists the event rules of the default event bus.
func (r *Reader) RuleNames(ctx context.Context) ([]Name, error) {
	found, err := r.listRules(ctx)
	var out []Name
	for _, rule := range found {
		out = append(out, Name{Name: aws.ToString(rule.Name), ARN: aws.ToString(rule.Arn)})
	}
	return out, err
}

// listRules lists the event rules of the default event bus.
func (r *Reader) listRules(ctx context.Context) ([]types.Rule, error) {
	var found []types.Rule
	in := &eventbridge.ListRulesInput{}
	err := eachPage(ctx, r.Limits.Events, r.Events.ListRules, in, func(page *eventbridge.ListRulesOutput) bool {
		found = append(found, page.Rules...)
		in.NextToken = page.NextToken
		return in.NextToken != nil
	})
	if err != nil {
		return nil, fmt.Errorf("list event rules: %w", err)
	}
	return found, nil
}

// Rules reads every event rule of the default event bus with its targets.
func (r *Reader) Rules(ctx context.Context) ([]Rule, error) {
	found, err := r.listRules(ctx)
	if err != nil {
		return nil, err
	}
	var out []Rule
	for _, f := range found {
		rule := Rule{RuleSettings: RuleSettings{
			Name: aws.ToString(f.Name), ARN: aws.ToString(f.Arn), Description: aws.ToString(f.Description),
			State: string(f.State), Schedule: aws.ToString(f.ScheduleExpression), RoleARN: aws.ToString(f.RoleArn),
		}}
		if rule.Pattern, err = sortKeys(aws.ToString(f.EventPattern)); err != nil {
			return nil, fmt.Errorf("read pattern of event rule %s: %w", rule.Name, err)
		}
		targets, err := r.Targets(ctx, "", rule.Name)
		if err != nil {
			return nil, err
		}
		for _, t := range targets {
			rule.Targets = append(rule.Targets, Target{ID: aws.ToString(t.Id), ARN: aws.ToString(t.Arn)})
		}
		out = append(out, rule)
	}
	return out, nil
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
