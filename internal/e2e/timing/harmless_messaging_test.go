package timing

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/awsapi/livestate"
)

// ofMessaging are harmless changes of SNS, EventBridge, SQS and SSM.
func ofMessaging(w *watched) []harmless {
	topics, rules, queues := sns.NewFromConfig(w.cfg), eventbridge.NewFromConfig(w.cfg), sqs.NewFromConfig(w.cfg)
	parameters, live := ssm.NewFromConfig(w.cfg), livestate.NewReader(w.cfg)
	alerts := aws.String(w.ids["AlertTopic"])
	return []harmless{
		{"mail address confirmed", func(ctx context.Context, w *watched) error {
			for _, one := range w.cloud.SNS().Confirmations(*alerts) {
				if _, err := topics.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{
					TopicArn: alerts, Token: &one.Token,
				}); err != nil {
					return err
				}
			}
			return nil
		}},
		{"policy of the alert topic in another form", func(ctx context.Context, _ *watched) error {
			text, err := live.TopicPolicy(ctx, *alerts)
			if err == nil {
				text, err = reversed(text)
			}
			if err != nil {
				return err
			}
			_, err = topics.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
				TopicArn: alerts, AttributeName: aws.String("Policy"), AttributeValue: &text,
			})
			return err
		}},
		{"signature and tracing of a topic", func(ctx context.Context, _ *watched) error {
			for name, value := range map[string]string{"SignatureVersion": "2", "TracingConfig": "Active"} {
				if _, err := topics.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
					TopicArn: alerts, AttributeName: &name, AttributeValue: &value,
				}); err != nil {
					return err
				}
			}
			return nil
		}},
		{"tag of a topic", func(ctx context.Context, _ *watched) error {
			_, err := topics.TagResource(ctx, &sns.TagResourceInput{ResourceArn: alerts, Tags: []snstypes.Tag{
				{Key: aws.String("cost-center"), Value: aws.String("4711")},
			}})
			return err
		}},
		{"topic of others", func(ctx context.Context, _ *watched) error {
			_, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("of-others")})
			return err
		}},
		{"rules written as they are, with another description", func(ctx context.Context, w *watched) error {
			for _, id := range []string{"DriftRule", "DriftCallsRule", "DriftIAMRule"} {
				name := w.ids[id]
				got, err := rules.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
				if err != nil {
					return err
				}
				pattern, err := reversed(*got.EventPattern)
				if err != nil {
					return err
				}
				if _, err := rules.PutRule(ctx, &eventbridge.PutRuleInput{
					Name: &name, EventPattern: &pattern, ScheduleExpression: got.ScheduleExpression, State: got.State,
					Description: aws.String("Starts the check."),
				}); err != nil {
					return err
				}
				targets, err := live.Targets(ctx, "", name)
				if err != nil {
					return err
				}
				in := &eventbridge.PutTargetsInput{Rule: &name, Targets: targets}
				if _, err := rules.PutTargets(ctx, in); err != nil {
					return err
				}
			}
			return nil
		}},
		{"rule of others", func(ctx context.Context, _ *watched) error {
			_, err := rules.PutRule(ctx, &eventbridge.PutRuleInput{
				Name: aws.String("of-others"), EventPattern: aws.String(`{"source":["aws.ec2"]}`), State: ebtypes.RuleStateDisabled,
			})
			return err
		}},
		{"attribute of a queue written as it is", func(ctx context.Context, w *watched) error {
			queue := aws.String(w.ids["DriftFailures"])
			_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
				QueueUrl: queue, Attributes: map[string]string{"DelaySeconds": "0"},
			})
			return err
		}},
		{"queue of others", func(ctx context.Context, _ *watched) error {
			_, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("of-others")})
			return err
		}},
		{"parameter of others", func(ctx context.Context, _ *watched) error {
			_, err := parameters.PutParameter(ctx, &ssm.PutParameterInput{
				Name: aws.String("/of-others"), Value: aws.String("1"), Type: ssmtypes.ParameterTypeString,
			})
			return err
		}},
	}
}
