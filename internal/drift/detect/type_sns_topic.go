package detect

import (
	"context"
	"fmt"
	"slices"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/notify/finding"
)

const typeTopic = "AWS::SNS::Topic"

var snsTopic = &resourceType{
	name: typeTopic,
	rank: 5,
	readHandler: []string{
		"sns:GetTopicAttributes", "sns:ListTagsForResource", "sns:ListSubscriptionsByTopic", "sns:GetDataProtectionPolicy",
	},
	physicalID: func(v *resolver, props map[string]any) string {
		name := text(props["TopicName"])
		if name == "" { // CloudFormation chooses it
			return ""
		}
		return v.arn("sns", v.region(), name)
	},
	declared:   declaredTopic,
	attributes: map[string]attribute{"TopicArn": isPhysicalID, "TopicName": lastPart(":")},
	compared:   []string{"DeliveryPolicy", "KmsMasterKeyId", "Tags"},
	read:       readTopic,
	reverts: map[finding.Kind]revert{
		// The finding is about the default policy: no template declares one.
		finding.TopicPolicyChanged: {do: func(_ context.Context, v *reverter, r *resource, _ finding.Finding) outcome {
			if r.stack == v.parent() && v.clients.Operator == nil {
				return outcome{result: finding.ParentStack}
			}
			return outcome{result: finding.PolicyNotDeclared}
		}},
	},
	afterRecreation: restorePolicies,
}

// declaredTopic returns a topic as a template declares it.
func declaredTopic(_ *model, r *resource) liveState {
	live := &liveTopic{tags: r.expectedTags()}
	live.settings = map[string]string{}
	for _, name := range topicSettings {
		if r.props[name] != nil {
			live.settings[name] = jsonText(r.props[name])
		}
	}
	return live
}

// liveTopicAttributes is what GetTopicAttributes returns.
type liveTopicAttributes struct {
	missing  bool
	policy   string
	settings map[string]string // the attributes in topicSettings that are set
	errs     readErrors
}

// topicSettings are attributes that decide whether messages are delivered.
var topicSettings = []string{"DeliveryPolicy", "KmsMasterKeyId"}

// readTopicAttributes reads a topic's attributes, once for the topic and its
// policy.
func (c *reader) readTopicAttributes(ctx context.Context, arn string) liveTopicAttributes {
	return c.topics.get(arn, func() liveTopicAttributes {
		var t liveTopicAttributes
		attributes, err := c.aws.TopicAttributes(ctx, arn)
		switch {
		case awserr.IsNotFound(err):
			t.missing = true
		case err != nil:
			t.errs.add(err, "", "PolicyDocument")
		default:
			t.policy, t.settings = attributes["Policy"], map[string]string{}
			for _, name := range topicSettings {
				if attributes[name] != "" {
					t.settings[name] = attributes[name]
				}
			}
		}
		return t
	})
}

// liveTopic is a topic with its tags, which GetTopicAttributes does not return.
type liveTopic struct {
	liveTopicAttributes
	tags    map[string]string
	tagErrs readErrors
	// subscriptions are those of a topic of an installation; nil if they were not read.
	subscriptions    []livestate.Subscription
	filters          map[string]string // filter policies of subscriptions to the alert topic, by ARN
	subscriptionErrs readErrors
}

func (live *liveTopic) deleted() bool          { return live.missing }
func (live *liveTopic) unreadable() readErrors { return live.tagErrs }

func readTopic(ctx context.Context, c *reader, m *model, r *resource) (liveState, readErrors) {
	live := &liveTopic{liveTopicAttributes: c.readTopicAttributes(ctx, r.physicalID)}
	if live.missing {
		return live, nil
	}
	var err error
	if live.tags, err = c.aws.TopicTags(ctx, r.physicalID); err != nil && !awserr.IsNotFound(err) {
		live.tagErrs.add(err, "", "Tags")
	}
	if m.installation != nil {
		if live.subscriptions, err = c.aws.Subscriptions(ctx, r.physicalID); err != nil {
			live.subscriptionErrs.add(err, "", "Subscription")
		}
	}
	if r.stack == m.installation {
		live.readFilters(ctx, c)
	}
	return live, slices.Concat(live.tagErrs, live.errs, live.subscriptionErrs)
}

func (live *liveTopic) compare(m *model, r *resource) []draft {
	if live.missing {
		return []draft{r.deletedDraft()}
	}
	out := r.readErrorDrafts(live.tagErrs)
	if live.tags != nil {
		out = append(out, r.compareTags(live.tags)...)
	}
	out = append(out, live.compareTopicSettings(r)...)
	out = append(out, r.readErrorDrafts(live.subscriptionErrs)...)
	out = append(out, live.compareSubscriptions(m, r)...)
	// A topic without a policy in a template has the default policy of SNS.
	if !m.declaresTopicPolicy(r.physicalID) {
		out = append(out, r.readErrorDrafts(live.errs)...)
		if live.policy != "" {
			expected := parseDocument(DefaultTopicPolicy(r.physicalID, m.account))
			out = append(out, m.topicPolicyDrafts(r, "Policy", "", expected, live.policy)...)
		}
	}
	return out
}

// compareTopicSettings compares the key and the delivery policy, which CloudFormation
// compares only if the template declares them. With a key whose policy does not allow
// it, neither EventBridge nor CloudWatch can publish. Without the declared key, whoever
// the topic's policy allows can publish and is not limited by the key's policy.
func (live *liveTopic) compareTopicSettings(r *resource) []draft {
	if live.settings == nil {
		return nil
	}
	var out []draft
	for _, name := range topicSettings {
		expected, actual := "", live.settings[name]
		if r.props[name] != nil {
			expected = jsonText(r.props[name])
		}
		if expected == actual || isUnknown(expected) {
			continue
		}
		direction := finding.Changed
		if name == "KmsMasterKeyId" {
			direction = finding.GrantsLess
			if actual == "" {
				direction = finding.GrantsMore
			}
		}
		out = append(out, r.liveDraft(finding.TopicChanged, name, name, direction, finding.Text(expected),
			finding.Text(actual)))
	}
	return out
}

// DefaultTopicPolicy is the policy of a new topic (SNS Developer Guide, "Amazon
// SNS access control": only the owner's account).
func DefaultTopicPolicy(arn, account string) string {
	return fmt.Sprintf(
		`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",`+
			`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes",`+
			`"SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic",`+
			`"SNS:Publish"],"Resource":%q,"Condition":{"StringEquals":{"AWS:SourceOwner":%q}}}]}`,
		arn,
		account,
	)
}

// restorePolicies restores the policies of a topic that a change set created
// again.
func restorePolicies(ctx context.Context, v *reverter, f finding.Finding) outcome {
	result := finding.Restored
	// A topic whose name CloudFormation chooses has another one now. CloudFormation has changed what refers to it, the
	// policy included.
	for _, s := range v.stacks {
		if s.name != f.Stack {
			continue
		}
		now, err := v.listResources(ctx, s.id)
		if err != nil {
			return failed(fmt.Errorf("read the recreated topic: %w", err))
		}
		if !slices.ContainsFunc(now, func(l listed) bool { return l.physicalID == f.PhysicalID && l.typ == f.Type }) {
			return outcome{result: result}
		}
	}
	for _, r := range v.model.resources {
		if r.typ.name != typeTopicInlinePolicy || !slices.Contains(r.topics(), f.PhysicalID) {
			continue
		}
		if o := writeTopicPolicy(ctx, v, r); o.result != finding.PolicyRestored {
			if o.err != nil {
				o.err = fmt.Errorf("restore policy of the recreated topic: %w", o.err)
			}
			return o
		}
		result = finding.TopicRecreated
	}
	return outcome{result: result}
}
