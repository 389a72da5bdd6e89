package detect

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/notify/finding"
)

const typeTopicInlinePolicy = "AWS::SNS::TopicInlinePolicy"

var snsTopicInlinePolicy = &resourceType{
	name:        typeTopicInlinePolicy,
	rank:        4,
	readHandler: []string{"sns:GetTopicAttributes"},
	untagged:    true,
	declared: func(_ *model, r *resource) liveState {
		live := liveTopicPolicy{}
		for _, arn := range r.topics() {
			live[arn] = liveTopicAttributes{policy: parseDocument(r.props["PolicyDocument"]).text}
		}
		return live
	},
	compared: []string{"PolicyDocument"},
	read:     readTopicPolicy,
	owner:    func(r *resource) (string, []string) { return typeTopic, r.topics() },
	reverts:  topicPolicyReverts,
}

// snsTopicPolicy is a policy of several topics. CloudFormation has no read handler
// for it.
var snsTopicPolicy = &resourceType{
	name:     "AWS::SNS::TopicPolicy",
	rank:     4,
	untagged: true,
	compared: []string{"PolicyDocument"},
	read:     readTopicPolicy,
	owner:    func(r *resource) (string, []string) { return typeTopic, r.topics() },
	reverts:  topicPolicyReverts,
}

// Change sets do not compare AWS::SNS::TopicInlinePolicy ("Using drift-aware
// change sets", CloudFormation User Guide).
var topicPolicyReverts = map[finding.Kind]revert{
	finding.TopicPolicyChanged: {do: func(ctx context.Context, v *reverter, r *resource, _ finding.Finding) outcome {
		if r.stack == v.parent() && v.clients.Operator == nil {
			return outcome{result: finding.ParentStack}
		}
		return writeTopicPolicy(ctx, v, r)
	}},
}

// topics returns the ARNs of the topics that a topic policy is for; none for
// resources of other types.
func (r *resource) topics() []string {
	if r.typ.name == typeTopicInlinePolicy {
		return []string{text(r.props["TopicArn"])}
	}
	return texts(r.props["Topics"])
}

// declaresTopicPolicy reports whether a template declares a policy for a topic.
func (m *model) declaresTopicPolicy(topicARN string) bool {
	return slices.ContainsFunc(m.resources, func(r *resource) bool {
		return (r.typ.name == typeTopicInlinePolicy || r.typ.name == "AWS::SNS::TopicPolicy") &&
			slices.Contains(r.topics(), topicARN)
	})
}

// liveTopicPolicy is the attributes of each topic that a policy is for, by ARN.
type liveTopicPolicy map[string]liveTopicAttributes

// A topic policy does not exist by itself: see resourceType.owner.
func (live liveTopicPolicy) deleted() bool { return false }

func (live liveTopicPolicy) unreadable() readErrors {
	var out readErrors
	for _, topic := range live {
		out = append(out, topic.errs...)
	}
	return out
}

func readTopicPolicy(ctx context.Context, c *reader, _ *model, r *resource) (liveState, readErrors) {
	live := liveTopicPolicy{}
	for _, arn := range r.topics() {
		live[arn] = c.readTopicAttributes(ctx, arn)
	}
	return live, live.unreadable()
}

func (live liveTopicPolicy) compare(m *model, r *resource) []draft {
	var out []draft
	expected := parseDocument(r.props["PolicyDocument"])
	for _, arn := range sorted(live) {
		subject := ""
		if len(live) > 1 {
			subject = arn
		}
		topic := live[arn]
		switch {
		case topic.missing && m.isDeleted(typeTopic, arn): // reported of the topic
		case topic.missing:
			d := r.deletedDraft()
			d.Subject, d.Expected = subject, finding.Text(arn)
			out = append(out, d)
		case topic.errs != nil:
			out = append(out, r.readErrorDrafts(topic.errs)...)
		case expected.unknown && r.hasDetection(): // compared by CloudFormation alone
		case expected.unknown:
			d := r.draft(finding.Live, finding.NotReadable, finding.Unreadable)
			d.Subject, d.Reason = "PolicyDocument", finding.ExpectedUnknown
			out = append(out, d)
		default:
			out = append(out, m.topicPolicyDrafts(r, "PolicyDocument", subject, expected, topic.policy)...)
		}
	}
	return out
}

func (m *model) topicPolicyDrafts(r *resource, property, subject string, expected document, policy string) []draft {
	d, differs := m.documentDraft(r, finding.TopicPolicyChanged, property, subject, expected, parseDocument(policy))
	if !differs {
		return nil
	}
	return []draft{d}
}

// writeTopicPolicy writes the policy of the template to its topics.
func writeTopicPolicy(ctx context.Context, v *reverter, r *resource) outcome {
	expected := parseDocument(r.props["PolicyDocument"])
	if expected.unknown || expected.text == "" {
		return outcome{result: finding.ValueUnknown}
	}
	for _, arn := range r.topics() {
		set := v.clients.TopicPolicies.SetTopicAttributes
		_, err := ratelimit.Call(ctx, v.aws.Limits.SNS, set, &sns.SetTopicAttributesInput{
			TopicArn: &arn, AttributeName: aws.String("Policy"), AttributeValue: &expected.text,
		})
		if err != nil {
			return failed(fmt.Errorf("write policy of topic %s: %w", arn, err))
		}
	}
	return outcome{result: finding.PolicyRestored}
}
