package events_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"permstack/internal/fakeaws/apitest"
)

// TestEncryptedTargets delivers to an encrypted topic and queue: the policy of the key must let EventBridge use it.
func TestEncryptedTargets(t *testing.T) {
	ctx := context.Background()
	for name, tc := range map[string]struct {
		key       string // "" for a new key, or an alias
		service   string // which the policy of the key allows
		delivered bool
	}{
		"key of the service":      {"", "events.amazonaws.com", true},
		"key without the service": {"", "", false},
		"key of another service":  {"", "cloudwatch.amazonaws.com", false},
		"key of AWS":              {"alias/aws/", "", false},
		"key elsewhere":           {"arn:aws:kms:eu-west-1:999988887777:key/1", "", true},
	} {
		for _, target := range []string{topicARN, queueARN} {
			t.Run(name+" "+target, func(t *testing.T) {
				b := newBus(t)
				b.topicPolicy(allow("sns:Publish", "{}"))
				b.queuePolicy(queueARN, allow("sqs:SendMessage", "{}"))
				key := tc.key
				if key == "" {
					policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},` +
						`"Action":"kms:*","Resource":"*"}`
					if tc.service != "" {
						policy += `,{"Effect":"Allow","Principal":{"Service":"` + tc.service +
							`"},"Action":["kms:GenerateDataKey*","kms:Decrypt"],"Resource":"*"}`
					}
					policy += `]}`
					keys := kms.NewFromConfig(b.cloud.Config("111122223333", "eu-west-1"))
					key = *apitest.Must[*kms.CreateKeyOutput](t)(keys.CreateKey(ctx, &kms.CreateKeyInput{
						Policy: &policy,
					})).KeyMetadata.Arn
				}
				if target == topicARN {
					if key == "alias/aws/" {
						key += "sns"
					}
					apitest.Succeed(t)(b.SNS.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
						TopicArn: aws.String(topicARN), AttributeName: aws.String("KmsMasterKeyId"), AttributeValue: &key,
					}))
				} else {
					if key == "alias/aws/" {
						key += "sqs"
					}
					apitest.Succeed(t)(b.SQS.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
						QueueUrl:   aws.String("https://sqs.eu-west-1.amazonaws.com/111122223333/q"),
						Attributes: map[string]string{"KmsMasterKeyId": key},
					}))
				}
				b.target(ebtypes.Target{Arn: &target})
				b.put(`{"kind":"abc"}`)
				m := b.cloud.Events().Metrics(ruleARN)
				if (m.FailedInvocations == 0) != tc.delivered || m.Invocations != 1 {
					t.Errorf("got metrics %+v, want delivered %v", m, tc.delivered)
				}
			})
		}
	}
}

// TestPredefinedVariables fills a template with the event, with and without its detail.
func TestPredefinedVariables(t *testing.T) {
	b := newBus(t)
	b.queuePolicy(queueARN, allow("sqs:SendMessage", "{}"))
	b.target(ebtypes.Target{Arn: aws.String(queueARN), InputTransformer: &ebtypes.InputTransformer{
		InputTemplate: aws.String(`{"event": <aws.events.event>, "all": <aws.events.event.json>}`),
	}})
	b.put(`{"kind":"abc"}`)
	var got struct{ Event, All map[string]any }
	messages := b.cloud.SQS().Messages(queueARN)
	if len(messages) != 1 || json.Unmarshal([]byte(messages[0].Text), &got) != nil {
		t.Fatalf("got messages %+v", messages)
	}
	if got.Event["detail"] != nil || got.Event["source"] != "app" || got.All["detail"] == nil {
		t.Errorf("got %+v", got)
	}
}

// TestFIFOTarget delivers to a FIFO queue with the message group of the target, and lists the rules of the queue.
func TestFIFOTarget(t *testing.T) {
	ctx := context.Background()
	b := newBus(t)
	arn := "arn:aws:sqs:eu-west-1:111122223333:q.fifo"
	out := apitest.Must[*sqs.CreateQueueOutput](t)(b.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName:  aws.String("q.fifo"),
		Attributes: map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"},
	}))
	b.queuePolicy(arn, allow("sqs:SendMessage", "{}"))
	b.target(ebtypes.Target{Arn: &arn, SqsParameters: &ebtypes.SqsParameters{MessageGroupId: aws.String("g")}})
	b.put(`{"kind":"abc"}`)
	got := apitest.Must[*sqs.ReceiveMessageOutput](t)(b.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: out.QueueUrl, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
	}))
	if len(got.Messages) != 1 || got.Messages[0].Attributes["MessageGroupId"] != "g" {
		t.Errorf("got %+v", got.Messages)
	}
	names := apitest.Must[*eventbridge.ListRuleNamesByTargetOutput](t)(b.Events.ListRuleNamesByTarget(ctx,
		&eventbridge.ListRuleNamesByTargetInput{TargetArn: &arn}))
	if len(names.RuleNames) != 1 || names.RuleNames[0] != "r" {
		t.Errorf("got rules %v", names.RuleNames)
	}
}
