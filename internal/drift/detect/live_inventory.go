package detect

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/awsapi/awserr"
)

// liveTopic is a topic's policy and tags.
type liveTopic struct {
	gone   bool
	policy string
	gaps   readErrors
}

// readTopic reads a topic's attributes, once for the topic and its policy.
func (c *reader) readTopic(ctx context.Context, arn string) liveTopic {
	return c.topics.get(arn, func() liveTopic {
		var t liveTopic
		got, err := call(ctx, c.sns, c.clients.SNS.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: &arn})
		switch {
		case awserr.IsNotFound(err):
			t.gone = true
		case err != nil:
			t.gaps.add(err, "", "PolicyDocument")
		default:
			t.policy = got.Attributes["Policy"]
		}
		return t
	})
}

// readTopicTags reads the tags that GetTopicAttributes does not give.
func (c *reader) readTopicTags(ctx context.Context, arn string) (map[string]string, error) {
	got, err := call(ctx, c.sns, c.clients.SNS.ListTagsForResource, &sns.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range got.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// liveTopicTags is a topic resource: what readTopic gives, and its tags.
type liveTopicTags struct {
	liveTopic
	tags map[string]string
	gaps readErrors
}

// liveRule is an event rule with its targets.
type liveRule struct {
	gone     bool
	state    string
	pattern  string
	schedule string
	roleARN  string
	targets  map[string]map[string]any // by id
	tags     map[string]string
	gaps     readErrors
}

// readRule reads a rule. Its physical id is its name; on a bus of its own,
// <bus>|<name>.
func (c *reader) readRule(ctx context.Context, physicalID string) *liveRule {
	rule := &liveRule{}
	name, bus := physicalID, (*string)(nil)
	if before, after, found := strings.Cut(physicalID, "|"); found {
		name, bus = after, &before
	}
	got, err := call(ctx, c.events, c.clients.Events.DescribeRule, &eventbridge.DescribeRuleInput{Name: &name, EventBusName: bus})
	switch {
	case awserr.IsNotFound(err):
		rule.gone = true
		return rule
	case err != nil:
		rule.gaps.add(err, "", "State", "EventPattern", "RoleArn", "ScheduleExpression", "Tags")
	default:
		rule.state, rule.pattern = string(got.State), aws.ToString(got.EventPattern)
		rule.schedule, rule.roleARN = aws.ToString(got.ScheduleExpression), aws.ToString(got.RoleArn)
		tags, err := call(ctx, c.events, c.clients.Events.ListTagsForResource, &eventbridge.ListTagsForResourceInput{ResourceARN: got.Arn})
		if err != nil {
			rule.gaps.add(err, "", "Tags")
			break
		}
		rule.tags = map[string]string{}
		for _, t := range tags.Tags {
			rule.tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	rule.targets = map[string]map[string]any{}
	for in := (&eventbridge.ListTargetsByRuleInput{Rule: &name, EventBusName: bus}); ; {
		page, err := call(ctx, c.events, c.clients.Events.ListTargetsByRule, in)
		if err != nil {
			rule.gaps.add(err, "", "Targets")
			return rule
		}
		for _, t := range page.Targets {
			rule.targets[aws.ToString(t.Id)] = plain(t)
		}
		if page.NextToken == nil {
			return rule
		}
		in.NextToken = page.NextToken
	}
}

// plain gives an SDK value as JSON would have it, without what is unset. The
// names of its fields are those of CloudFormation's properties.
func plain(v any) map[string]any {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out map[string]any
	if json.Unmarshal(data, &out) != nil {
		return nil
	}
	prune(out)
	return out
}

func prune(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case map[string]any:
			prune(v)
		}
	}
}
