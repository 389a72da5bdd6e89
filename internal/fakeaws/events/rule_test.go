package events_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"permstack/internal/fakeaws/apitest"
)

func TestRules(t *testing.T) {
	ctx := context.Background()
	_, n := apitest.NewCloud(t)
	name := aws.String("inventory")
	put := &eventbridge.PutRuleInput{
		Name:         name,
		EventPattern: aws.String(`{"source":["aws.ec2"],"detail":{"state":[{"prefix":"run"},null,1,true]}}`),
		Tags:         []ebtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	}
	arn := apitest.Must[*eventbridge.PutRuleOutput](t)(n.Events.PutRule(ctx, put)).RuleArn
	targets := func(count int) []ebtypes.Target {
		var out []ebtypes.Target
		for i := range count {
			out = append(
				out,
				ebtypes.Target{
					Id:          aws.String(fmt.Sprint(i)),
					Arn:         aws.String("arn:aws:sns:eu-west-1:111122223333:t"),
					RetryPolicy: &ebtypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(3)},
				},
			)
		}
		return out
	}
	apitest.Succeed(t)(n.Events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: name, Targets: targets(5)}))
	_, err := n.Events.PutTargets(
		ctx,
		&eventbridge.PutTargetsInput{
			Rule: name,
			Targets: []ebtypes.Target{
				{Id: aws.String("more"), Arn: aws.String("arn:aws:sns:eu-west-1:111122223333:t")},
			},
		},
	)
	apitest.WantError(t, err, "LimitExceededException", "maximum number")
	apitest.Succeed(t)(n.Events.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: name}))
	r := apitest.Must[*eventbridge.DescribeRuleOutput](t)(
		n.Events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: name}),
	)
	if *r.Arn != *arn || *arn != "arn:aws:events:eu-west-1:111122223333:rule/inventory" ||
		r.State != ebtypes.RuleStateDisabled ||
		*r.EventPattern != *put.EventPattern ||
		r.Description != nil {
		t.Errorf("rule: %+v", r)
	}
	_, err = n.Events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: name})
	apitest.WantError(t, err, "ValidationException", "Rule can't be deleted since it has targets.")
	got := apitest.Must[*eventbridge.ListTargetsByRuleOutput](t)(
		n.Events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: name, Limit: aws.Int32(3)}),
	)
	if len(got.Targets) != 3 || got.NextToken == nil || *got.Targets[2].RetryPolicy.MaximumRetryAttempts != 3 {
		t.Errorf("targets: %+v", got)
	}
	removed := apitest.Must[*eventbridge.RemoveTargetsOutput](t)(
		n.Events.RemoveTargets(
			ctx,
			&eventbridge.RemoveTargetsInput{Rule: name, Ids: []string{"0", "1", "2", "3", "4", "none"}},
		),
	)
	if removed.FailedEntryCount != 1 || *removed.FailedEntries[0].TargetId != "none" {
		t.Errorf("removed: %+v", removed)
	}
	tags := apitest.Must[*eventbridge.ListTagsForResourceOutput](t)(
		n.Events.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: arn}),
	)
	if len(tags.Tags) != 1 {
		t.Errorf("tags: %+v", tags.Tags)
	}
	apitest.Succeed(t)(n.Events.DescribeEventBus(ctx, nil))
	for range 2 {
		apitest.Succeed(t)(n.Events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: name}))
	}
	_, err = n.Events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: name})
	apitest.WantError(t, err, "ResourceNotFoundException", "Rule inventory does not exist on EventBus default.")
}

func TestRulesRefused(t *testing.T) {
	_, n := apitest.NewCloud(t)
	for pattern, part := range map[string]string{
		`[]`:                                  "Filter is not an object",
		`{}`:                                  "Empty event pattern",
		`{"source":"aws.ec2"}`:                `"source" must be an object or an array`,
		`{"source":[]}`:                       "Empty arrays are not allowed",
		`{"source":[["a"]]}`:                  "Match value must be",
		`{"source":[{"like":"a"}]}`:           "Unrecognized match type like",
		`{"source":[{"exists":"yes"}]}`:       "either true or false",
		`{"detail":{"a":{}}}`:                 "Empty objects are not allowed",
		`{"source":["a"]} x`:                  "text after its end",
		`{"a":[{"prefix":"a","suffix":"b"}]}`: "Only one key allowed",
	} {
		t.Run(pattern, func(t *testing.T) {
			_, err := n.Events.PutRule(
				context.Background(),
				&eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: &pattern},
			)
			apitest.WantError(t, err, "InvalidEventPatternException", part)
		})
	}
	good := aws.String(`{"source":["a"]}`)
	for _, tt := range []struct {
		in         eventbridge.PutRuleInput
		code, part string
	}{
		{eventbridge.PutRuleInput{Name: aws.String(strings.Repeat("a", 65)), EventPattern: good}, "ValidationException",
			"'name'"},
		{eventbridge.PutRuleInput{Name: aws.String("r")}, "ValidationException", "must be specified"},
		{eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("every day")}, "ValidationException",
			"ScheduleExpression is not valid"},
		{eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: good, EventBusName: aws.String("other")},
			"ResourceNotFoundException", "Event bus other does not exist."},
		{eventbridge.PutRuleInput{Name: aws.String("r"),
			EventPattern: aws.String(`{"source":["` + strings.Repeat("a", 2048) + `"]}`)}, "LimitExceededException", "2048"},
	} {
		t.Run(tt.code+" "+tt.part, func(t *testing.T) {
			_, err := n.Events.PutRule(context.Background(), &tt.in)
			apitest.WantError(t, err, tt.code, tt.part)
		})
	}
}
