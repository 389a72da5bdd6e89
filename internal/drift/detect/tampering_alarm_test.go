package detect_test

import (
	"context"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/logs"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// TestAlarmTampering replaces, disarms and deletes the alarms, with the rights of CloudWatch alone.
func TestAlarmTampering(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	c := cloudwatch.NewFromConfig(w.attacker(`"cloudwatch:*"`))
	name := w.parentResource("DriftCheckMissing")
	a := must(c.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{*name}})).MetricAlarms[0]
	put := func(edit func(*cloudwatch.PutMetricAlarmInput)) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			in := &cloudwatch.PutMetricAlarmInput{
				AlarmName: name, AlarmDescription: a.AlarmDescription, Namespace: a.Namespace, MetricName: a.MetricName,
				Dimensions: a.Dimensions, Statistic: a.Statistic, Period: a.Period, EvaluationPeriods: a.EvaluationPeriods,
				ComparisonOperator: a.ComparisonOperator, Threshold: a.Threshold, TreatMissingData: a.TreatMissingData,
				ActionsEnabled: a.ActionsEnabled, AlarmActions: a.AlarmActions, OKActions: a.OKActions, Unit: a.Unit,
			}
			edit(in)
			_, err := c.PutMetricAlarm(ctx, in)
			return err
		}
	}
	restore := put(func(*cloudwatch.PutMetricAlarmInput) {})
	row := func(title, text string, edit func(*cloudwatch.PutMetricAlarmInput)) change {
		return change{title, put(edit), restore, finding.PropertyChanged, finding.Monitoring, text}
	}
	testChanges(t, w, []change{
		row("no actions", "AlarmActions", func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmActions = nil }),
		row("actions of somebody else", ":theirs", func(in *cloudwatch.PutMetricAlarmInput) {
			in.AlarmActions = []string{"arn:aws:sns:us-east-1:123456789012:theirs"}
		}),
		row("actions disabled", "ActionsEnabled", func(in *cloudwatch.PutMetricAlarmInput) {
			in.ActionsEnabled = aws.Bool(false)
		}),
		row("threshold", "Threshold", func(in *cloudwatch.PutMetricAlarmInput) { in.Threshold = aws.Float64(-1) }),
		row("missing data", "TreatMissingData", func(in *cloudwatch.PutMetricAlarmInput) {
			in.TreatMissingData = aws.String("notBreaching")
		}),
		row("more periods", "EvaluationPeriods", func(in *cloudwatch.PutMetricAlarmInput) {
			in.EvaluationPeriods = aws.Int32(168)
		}),
		row("metric of another stack", "Dimensions", func(in *cloudwatch.PutMetricAlarmInput) {
			in.Dimensions = []types.Dimension{{Name: aws.String("Stack"), Value: aws.String("other")}}
		}),
		row("unit that the metric does not have", "Unit", func(in *cloudwatch.PutMetricAlarmInput) {
			in.Unit = types.StandardUnitBytes
		}),
		row("other comparison", "ComparisonOperator", func(in *cloudwatch.PutMetricAlarmInput) {
			in.ComparisonOperator = types.ComparisonOperatorGreaterThanThreshold
		}),
		{"deleted", func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{
				*name, *w.parentResource("DriftCheckFailed"),
			}})
			return err
		}, nil, finding.ResourceDeleted, finding.Monitoring, "DriftCheckFailed"},
	})
}

// TestLogGroupTampering changes and deletes the log group, whose lines have the metrics of the alarms.
func TestLogGroupTampering(t *testing.T) {
	w := installTemplate(t)
	name := *w.parentResource("ProvisionerLogGroup")
	before := w.Stacks.LogGroups(account, region)[name]
	put := func(edit func(logs.Group)) func(context.Context, *environment) error {
		return func(context.Context, *environment) error {
			group := maps.Clone(before)
			edit(group)
			w.Stacks.PutLogGroup(account, region, name, group)
			return nil
		}
	}
	restore := put(func(logs.Group) {})
	testChanges(t, w, []change{
		{"retention", put(func(g logs.Group) { g["RetentionInDays"] = 1 }), restore, finding.PropertyChanged,
			finding.Monitoring, "RetentionInDays"},
		{"deleted", func(context.Context, *environment) error {
			w.Stacks.PutLogGroup(account, region, name, nil)
			return nil
		}, nil, finding.ResourceDeleted, finding.Monitoring, "ProvisionerLogGroup"},
	})
}

// TestSubscriptionTampering changes the declared subscription and the topic's policy in the ways that
// TestAttackerWithSNS does not, with the rights of SNS alone.
func TestSubscriptionTampering(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := newEnvironment(t)
	w.launchTemplate(map[string]string{"NotificationEmail": "security@example.com"})
	topic, events := w.parentResource("AlertTopic"), aws.String(topicARN)
	for _, c := range w.AWS.SNS().Confirmations(*topic) {
		must(w.SNS.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: &c.Token}))
	}
	c := sns.NewFromConfig(w.attacker(`"sns:*"`))
	permission := func(topic *string) (do, undo func(context.Context, *environment) error) {
		return func(ctx context.Context, _ *environment) error {
				_, err := c.AddPermission(ctx, &sns.AddPermissionInput{TopicArn: topic, Label: aws.String("theirs"),
					AWSAccountId: []string{"999988887777"}, ActionName: []string{"Subscribe"}})
				return err
			}, func(ctx context.Context, _ *environment) error {
				_, err := c.RemovePermission(ctx, &sns.RemovePermissionInput{TopicArn: topic, Label: aws.String("theirs")})
				return err
			}
	}
	allow, remove := permission(topic)
	allowEvents, removeEvents := permission(events)
	attribute := func(name, value string) func(context.Context, *environment) error {
		return func(ctx context.Context, w *environment) error {
			_, err := c.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
				SubscriptionArn: w.parentResource("AlertSubscription"), AttributeName: &name, AttributeValue: &value,
			})
			return err
		}
	}
	testChanges(t, w, []change{
		{"permission to subscribe to alerts", allow, remove, finding.TopicPolicyChanged, finding.GrantsMore, "999988887777"},
		{"permission to subscribe to events", allowEvents, removeEvents, finding.TopicPolicyChanged, finding.GrantsMore,
			"999988887777"},
		{"filter on the body", func(ctx context.Context, w *environment) error {
			if err := attribute("FilterPolicyScope", "MessageBody")(ctx, w); err != nil {
				return err
			}
			return attribute("FilterPolicy", `{"nothing":["matches"]}`)(ctx, w)
		}, attribute("FilterPolicy", "{}"), finding.TopicChanged, finding.Monitoring, "security@example.com"},
		{"policy of the event topic reset", func(ctx context.Context, _ *environment) error {
			_, err := c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: events,
				AttributeName: aws.String("Policy"), AttributeValue: aws.String("")})
			return err
		}, nil, finding.TopicPolicyChanged, finding.GrantsMore, "SNS"},
		{"recipient removed", func(ctx context.Context, w *environment) error {
			_, err := c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: w.parentResource("AlertSubscription")})
			return err
		}, nil, finding.ResourceDeleted, finding.Monitoring, "AlertSubscription"},
	})
}
