package events_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/events"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
)

const (
	ruleARN  = "arn:aws:events:eu-west-1:111122223333:rule/r"
	topicARN = "arn:aws:sns:eu-west-1:111122223333:t"
	queueARN = "arn:aws:sqs:eu-west-1:111122223333:q"
	deadARN  = "arn:aws:sqs:eu-west-1:111122223333:dead"
)

// allow returns a resource policy that lets EventBridge make a call, with a
// condition.
func allow(action, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"` +
		action + `","Resource":"*","Condition":` + condition + `}]}`
}

// bus is an account with a topic, two queues and a rule with one target.
type bus struct {
	t     *testing.T
	cloud *fakeaws.Cloud
	apitest.Clients
}

func newBus(t *testing.T) bus {
	ctx := context.Background()
	cloud, n := apitest.NewCloud(t)
	apitest.Succeed(t)(n.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")}))
	for _, name := range []string{"q", "dead"} {
		apitest.Succeed(t)(n.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name}))
	}
	apitest.Succeed(t)(n.Events.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: aws.String("r"), EventPattern: aws.String(`{"source":["app"],"detail":{"kind":[{"prefix":"a"}]}}`),
	}))
	return bus{t, cloud, n}
}

func (b bus) topicPolicy(policy string) {
	b.t.Helper()
	apitest.Succeed(b.t)(b.SNS.SetTopicAttributes(context.Background(), &sns.SetTopicAttributesInput{
		TopicArn: aws.String(topicARN), AttributeName: aws.String("Policy"), AttributeValue: &policy,
	}))
}

func (b bus) queuePolicy(arn, policy string) {
	b.t.Helper()
	url := "https://sqs.eu-west-1.amazonaws.com/111122223333/" + arn[strings.LastIndexByte(arn, ':')+1:]
	apitest.Succeed(b.t)(b.SQS.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{
		QueueUrl: &url, Attributes: map[string]string{"Policy": policy},
	}))
}

func (b bus) target(t ebtypes.Target) {
	b.t.Helper()
	t.Id = aws.String("1")
	apitest.Succeed(b.t)(b.Events.PutTargets(context.Background(), &eventbridge.PutTargetsInput{
		Rule: aws.String("r"), Targets: []ebtypes.Target{t},
	}))
}

// put puts an event and waits for its delivery.
func (b bus) put(detail string) {
	b.t.Helper()
	out := apitest.Must[*eventbridge.PutEventsOutput](b.t)(b.Events.PutEvents(context.Background(),
		&eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
			Source: aws.String("app"), DetailType: aws.String("Sample"), Detail: &detail, Resources: []string{"arn:a"},
		}}}))
	if out.FailedEntryCount != 0 || aws.ToString(out.Entries[0].EventId) == "" {
		b.t.Fatalf("PutEvents: got %+v", out)
	}
	b.cloud.Events().WaitDelivered()
}

// TestPoliciesOfTargets delivers to a topic and a queue under policies with and
// without conditions: EventBridge sends SNS no source key, and SQS the rule.
func TestPoliciesOfTargets(t *testing.T) {
	account := `{"StringEquals":{"aws:SourceAccount":"111122223333"}}`
	rule := `{"ArnEquals":{"aws:SourceArn":"` + ruleARN + `"}}`
	other := `{"ArnEquals":{"aws:SourceArn":"` + ruleARN + `2"}}`
	for _, tt := range []struct {
		name, target, condition string
		delivered               bool
	}{
		{"topic without condition", topicARN, `{}`, true},
		{"topic, account", topicARN, account, false},
		{"topic, rule", topicARN, rule, false},
		{"topic, account if it exists", topicARN, strings.Replace(account, "Equals", "EqualsIfExists", 1), true},
		{"queue without condition", queueARN, `{}`, true},
		{"queue, rule", queueARN, rule, true},
		{"queue, another rule", queueARN, other, false},
		{"queue, account", queueARN, account, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBus(t)
			b.topicPolicy(allow("sns:Publish", tt.condition))
			b.queuePolicy(queueARN, allow("sqs:SendMessage", tt.condition))
			b.target(ebtypes.Target{Arn: &tt.target})
			b.put(`{"kind":"abc"}`)
			b.put(`{"kind":"other"}`)
			got := len(b.cloud.SNS().Messages(topicARN)) + len(b.cloud.SQS().Messages(queueARN))
			m := b.cloud.Events().Metrics(ruleARN)
			want := events.Metrics{MatchedEvents: 1, Invocations: 1}
			if !tt.delivered {
				want.FailedInvocations, want.LastError = 1, m.LastError
			}
			if m != want || (got == 1) != tt.delivered || (m.LastError == "") != tt.delivered {
				t.Errorf("got %d messages, metrics %+v, want delivered %v", got, m, tt.delivered)
			}
		})
	}
}

func TestDeadLetterQueue(t *testing.T) {
	b := newBus(t)
	b.topicPolicy(allow("sns:Publish", `{"StringEquals":{"aws:SourceAccount":"111122223333"}}`))
	target := ebtypes.Target{
		Arn: aws.String(topicARN), DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: aws.String(deadARN)},
	}
	b.target(target)
	b.put(`{"kind":"a"}`)
	if m := b.cloud.Events().Metrics(ruleARN); m.InvocationsFailedToBeSentToDLQ != 1 || m.InvocationsSentToDLQ != 0 {
		t.Errorf("queue without policy: got metrics %+v", m)
	}
	b.queuePolicy(deadARN, allow("sqs:SendMessage", `{"ArnEquals":{"aws:SourceArn":"`+ruleARN+`"}}`))
	b.put(`{"kind":"a"}`)
	dead := b.cloud.SQS().Messages(deadARN)
	if len(dead) != 1 {
		t.Fatalf("got %d messages in the dead-letter queue, want 1", len(dead))
	}
	for name, want := range map[string]string{
		"RULE_ARN": ruleARN, "TARGET_ARN": topicARN, "ERROR_CODE": "NO_PERMISSIONS", "RETRY_ATTEMPTS": "0",
	} {
		if got := dead[0].Attributes[name].StringValue; got != want {
			t.Errorf("attribute %s: got %q, want %q", name, got, want)
		}
	}
	var event struct {
		Source string
		Detail struct{ Kind string }
	}
	if err := json.Unmarshal([]byte(dead[0].Text), &event); err != nil || event.Detail.Kind != "a" {
		t.Errorf("got %s (%v), want the event", dead[0].Text, err)
	}
}

// TestRetries delivers to a function that is throttled.
func TestRetries(t *testing.T) {
	for _, tt := range []struct{ failures, retries, wantRetries, wantFailed int }{
		{failures: 2, retries: 5, wantRetries: 2, wantFailed: 0},
		{failures: 9, retries: 3, wantRetries: 3, wantFailed: 1},
		{failures: 1, retries: 0, wantRetries: 0, wantFailed: 1},
	} {
		t.Run(fmt.Sprintf("%d failures, %d retries", tt.failures, tt.retries), func(t *testing.T) {
			b := newBus(t)
			calls := 0
			b.cloud.Events().SetTargets(events.Targets{
				Lambda: func(call resourcepolicy.ServiceCall, _ []byte) error {
					if calls++; calls <= tt.failures {
						return protocol.Errorf("TooManyRequestsException", "Rate Exceeded.").WithStatus(429)
					}
					return nil
				},
				SQS: b.cloud.SQS().SendAsService,
			})
			b.queuePolicy(deadARN, allow("sqs:SendMessage", `{}`))
			b.target(ebtypes.Target{
				Arn:              aws.String("arn:aws:lambda:eu-west-1:111122223333:function:f"),
				RetryPolicy:      &ebtypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(int32(tt.retries))},
				DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: aws.String(deadARN)},
			})
			b.put(`{"kind":"a"}`)
			m := b.cloud.Events().Metrics(ruleARN)
			if m.RetryInvocationAttempts != tt.wantRetries || m.FailedInvocations != tt.wantFailed ||
				m.InvocationsSentToDLQ != tt.wantFailed {
				t.Errorf("got %+v", m)
			}
			for _, dead := range b.cloud.SQS().Messages(deadARN) {
				if c := dead.Attributes["EXHAUSTED_RETRY_CONDITION"].StringValue; c != "MaximumRetryAttempts" {
					t.Errorf("got condition %q", c)
				}
			}
		})
	}
}

func TestInput(t *testing.T) {
	for _, tt := range []struct {
		name   string
		target ebtypes.Target
		want   string
	}{
		{"constant", ebtypes.Target{Input: aws.String(`{"a":1}`)}, `{"a":1}`},
		{"path", ebtypes.Target{InputPath: aws.String("$.detail.list[1]")}, `"y"`},
		{"transformer", ebtypes.Target{InputTransformer: &ebtypes.InputTransformer{
			InputPathsMap: map[string]string{"kind": "$.detail.kind", "all": "$.detail", "none": "$.detail.none"},
			InputTemplate: aws.String(`{"text":"kind <kind>, <none>","kind":<kind>,"all":<all>,"rule":<aws.events.rule-name>}`),
		}}, `{"text":"kind a \"b\", ","kind":"a \"b\"","all":{"kind":"a \"b\"","list":["x","y"]},"rule":"r"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBus(t)
			b.queuePolicy(queueARN, allow("sqs:SendMessage", `{}`))
			tt.target.Arn = aws.String(queueARN)
			b.target(tt.target)
			b.put(`{"kind":"a \"b\"","list":["x","y"]}`)
			if got := b.cloud.SQS().Messages(queueARN); len(got) != 1 || got[0].Text != tt.want {
				t.Errorf("got %+v, want %s", got, tt.want)
			}
		})
	}
}

func TestEventFormat(t *testing.T) {
	b := newBus(t)
	b.queuePolicy(queueARN, allow("sqs:SendMessage", `{}`))
	b.target(ebtypes.Target{Arn: aws.String(queueARN)})
	b.put(`{"kind":"a"}`)
	var got map[string]any
	if err := json.Unmarshal([]byte(b.cloud.SQS().Messages(queueARN)[0].Text), &got); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]string{
		"version": "0", "account": "111122223333", "region": "eu-west-1", "source": "app", "detail-type": "Sample",
		"resources": "[arn:a]", "detail": "map[kind:a]",
	} {
		if fmt.Sprint(got[k]) != want {
			t.Errorf("%s: got %v, want %s", k, got[k], want)
		}
	}
	if len(got) != 9 {
		t.Errorf("got members %v, want 9", got)
	}
}

func TestPutEventsRefused(t *testing.T) {
	b := newBus(t)
	good := ebtypes.PutEventsRequestEntry{Source: aws.String("app"), DetailType: aws.String("d"), Detail: aws.String("{}")}
	for _, tt := range []struct {
		name, code string
		change     func(*ebtypes.PutEventsRequestEntry)
	}{
		{"source", "InvalidArgument", func(e *ebtypes.PutEventsRequestEntry) { e.Source = nil }},
		{"detail type", "InvalidArgument", func(e *ebtypes.PutEventsRequestEntry) { e.DetailType = nil }},
		{"detail", "MalformedDetail", func(e *ebtypes.PutEventsRequestEntry) { e.Detail = aws.String("[]") }},
		{"bus", "InvalidArgument", func(e *ebtypes.PutEventsRequestEntry) { e.EventBusName = aws.String("other") }},
		{"source of AWS", "NotAuthorizedForSource",
			func(e *ebtypes.PutEventsRequestEntry) { e.Source = aws.String("aws.ec2") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			entry := good
			tt.change(&entry)
			out := apitest.Must[*eventbridge.PutEventsOutput](t)(b.Events.PutEvents(context.Background(),
				&eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{good, entry}}))
			if out.FailedEntryCount != 1 || aws.ToString(out.Entries[1].ErrorCode) != tt.code || out.Entries[0].EventId == nil {
				t.Errorf("got %+v, want %s for the second entry", out, tt.code)
			}
		})
	}
}
