package detect_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// ruleState is a rule with its targets, to restore it.
type ruleState struct {
	rule    *eventbridge.DescribeRuleOutput
	targets []ebtypes.Target
}

func (s ruleState) input() *eventbridge.PutRuleInput {
	return &eventbridge.PutRuleInput{
		Name: s.rule.Name, Description: s.rule.Description, EventPattern: s.rule.EventPattern,
		ScheduleExpression: s.rule.ScheduleExpression, State: s.rule.State, RoleArn: s.rule.RoleArn,
	}
}

// TestRuleTampering changes the rules that start the check, with the rights of EventBridge alone: each change is one of
// monitoring.
func TestRuleTampering(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	c := eventbridge.NewFromConfig(w.attacker(`"events:*"`))
	var all []change
	for _, id := range []string{"DriftRule", "DriftCallsRule", "DriftStackCallsRule", "DriftIAMRule"} {
		name := w.parentResource(id)
		before := ruleState{
			must(c.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: name})),
			must(c.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: name})).Targets,
		}
		put := func(edit func(*eventbridge.PutRuleInput)) func(context.Context, *environment) error {
			return func(ctx context.Context, _ *environment) error {
				in := before.input()
				edit(in)
				_, err := c.PutRule(ctx, in)
				return err
			}
		}
		target := func(edit func(*ebtypes.Target)) func(context.Context, *environment) error {
			return func(ctx context.Context, _ *environment) error {
				one := before.targets[0]
				edit(&one)
				_, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: name, Targets: []ebtypes.Target{one}})
				return err
			}
		}
		restore := put(func(*eventbridge.PutRuleInput) {})
		restoreTarget := target(func(*ebtypes.Target) {})
		add := func(
			title string, do, undo func(context.Context, *environment) error, direction finding.Direction, text string,
		) {
			all = append(all, change{title + " of " + id, do, undo, finding.RuleChanged, direction, text})
		}
		if id == "DriftRule" || id == "DriftIAMRule" {
			add("narrower pattern", put(func(in *eventbridge.PutRuleInput) {
				pattern := parse(t, *in.EventPattern)
				pattern["account"] = []any{"999988887777"}
				in.EventPattern = format(pattern)
			}), restore, finding.Monitoring, "pattern")
			add("input", target(func(one *ebtypes.Target) { one.Input = aws.String(`{}`) }), restoreTarget,
				finding.Monitoring, "Input")
			add("transformed input", target(func(one *ebtypes.Target) {
				one.InputTransformer = &ebtypes.InputTransformer{InputTemplate: aws.String(`{"detail-type":"nothing"}`)}
			}), restoreTarget, finding.Monitoring, "InputTransformer")
			add("part of the event as input", target(func(one *ebtypes.Target) { one.InputPath = aws.String("$.id") }),
				restoreTarget, finding.Monitoring, "InputPath")
			add("queue of failed deliveries", target(func(one *ebtypes.Target) { one.DeadLetterConfig = nil }), restoreTarget,
				finding.Monitoring, "DeadLetterConfig")
			add("no retries", target(func(one *ebtypes.Target) {
				one.RetryPolicy = &ebtypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(0)}
			}), restoreTarget, finding.Monitoring, "RetryPolicy")
			add("queue of others for failed deliveries", target(func(one *ebtypes.Target) {
				one.DeadLetterConfig = &ebtypes.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:us-east-1:999988887777:theirs")}
			}), restoreTarget, finding.GrantsMore, ":theirs")
			add("another function", target(func(one *ebtypes.Target) {
				one.Arn = aws.String("arn:aws:lambda:us-east-1:123456789012:function:theirs")
			}), restoreTarget, finding.GrantsMore, ":theirs")
			add("second target", func(ctx context.Context, _ *environment) error {
				_, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: name, Targets: []ebtypes.Target{
					{Id: aws.String("theirs"), Arn: aws.String("arn:aws:sqs:us-east-1:999988887777:theirs")},
				}})
				return err
			}, func(ctx context.Context, _ *environment) error {
				_, err := c.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: name, Ids: []string{"theirs"}})
				return err
			}, finding.GrantsMore, ":theirs")
		}
		if id == "DriftRule" {
			add("once a year", put(func(in *eventbridge.PutRuleInput) {
				in.ScheduleExpression = aws.String("cron(0 0 1 1 ? *)")
			}), restore, finding.Monitoring, "cron(0 0 1 1 ? *)")
			add("no schedule", put(func(in *eventbridge.PutRuleInput) { in.ScheduleExpression = nil }), restore,
				finding.Monitoring, "rate(1 day)")
		}
		add("disabled", func(ctx context.Context, _ *environment) error {
			_, err := c.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: name})
			return err
		}, restore, finding.Monitoring, "DISABLED")
		add("no target", func(ctx context.Context, _ *environment) error {
			_, err := c.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: name, Ids: []string{"Drift"}})
			return err
		}, restoreTarget, finding.Monitoring, "Drift")
	}
	name := w.parentResource("DriftIAMRule")
	all = append(all, change{"rule deleted", func(ctx context.Context, w *environment) error {
		w.deleteRule(*name)
		return nil
	}, nil, finding.ResourceDeleted, finding.Monitoring, "DriftIAMRule"})
	testChanges(t, w, all)
}

// TestQueueTampering changes the queue of events that wait for the check, and the one of failed runs, with the rights
// of SQS alone.
func TestQueueTampering(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	c := sqs.NewFromConfig(w.attacker(`"sqs:*"`))
	var all []change
	for _, id := range []string{"DriftEvents", "DriftFailures"} {
		queue := w.parentResource(id)
		arn := must(c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: queue, AttributeNames: []sqstypes.QueueAttributeName{"All"},
		})).Attributes
		set := func(name, value string) func(context.Context, *environment) error {
			return func(ctx context.Context, _ *environment) error {
				_, err := c.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
					QueueUrl: queue, Attributes: map[string]string{name: value},
				})
				return err
			}
		}
		for name, value := range map[string]string{
			"MessageRetentionPeriod": "60", "DelaySeconds": "900", "VisibilityTimeout": "43200", "MaximumMessageSize": "1024",
			"SqsManagedSseEnabled": "false",
		} {
			all = append(all, change{name + " of " + id, set(name, value), set(name, arn[name]), finding.PropertyChanged,
				finding.Monitoring, value})
		}
		all = append(all, change{"policy of " + id, set("Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
			`"Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sqs:ReceiveMessage","Resource":"`+arn["QueueArn"]+
			`"}]}`), set("Policy", arn["Policy"]), finding.QueuePolicyChanged, finding.GrantsMore, "999988887777"},
			change{"dead letters of " + id, set("RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"`+
				must(c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
					QueueUrl:       must(c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("theirs")})).QueueUrl,
					AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"},
				})).Attributes["QueueArn"]+`"}`), set("RedrivePolicy", ""), finding.PropertyChanged, finding.Monitoring, "theirs"},
		)
	}
	all = append(all, change{"queue deleted", func(ctx context.Context, w *environment) error {
		_, err := c.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: w.parentResource("DriftEvents")})
		return err
	}, nil, finding.ResourceDeleted, finding.Monitoring, "DriftEvents"})
	testChanges(t, w, all)
}
