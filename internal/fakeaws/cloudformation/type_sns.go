package cloudformation

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"permstack/internal/fakeaws/protocol"
)

// snsTopic is a topic with the subscriptions that it declares.
type snsTopic struct{}

// topicAttributes are the properties that are attributes of the topic.
var topicAttributes = []string{
	"ContentBasedDeduplication",
	"DisplayName",
	"FifoTopic",
	"KmsMasterKeyId",
	"SignatureVersion",
	"TracingConfig",
}

func (snsTopic) schema() schema {
	return schema{
		Properties: append([]string{"Subscription", "Tags", "TopicName"}, topicAttributes...),
		Replace:    []string{"TopicName", "FifoTopic"},
		Name:       "TopicName", NameLength: 256, Tags: true,
		Permissions: handlerPermissions{
			Create: []string{"sns:GetTopicAttributes", "sns:CreateTopic", "sns:TagResource", "sns:Subscribe"},
			Read:   []string{"sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"},
			Update: []string{
				"sns:SetTopicAttributes", "sns:Subscribe", "sns:ListSubscriptionsByTopic",
				"sns:Unsubscribe", "sns:TagResource", "sns:UntagResource",
			},
			Delete: []string{"sns:DeleteTopic"},
		},
	}
}

func (p snsTopic) create(r *request) (outcome, error) {
	c := sns.NewFromConfig(r.cfg)
	name := r.name(p.schema())
	if r.props.bool("FifoTopic") && !strings.HasSuffix(name, ".fifo") {
		name += ".fifo"
	}
	arn := r.arn("sns", r.stack.region, name)
	if _, err := c.GetTopicAttributes(r.ctx, &sns.GetTopicAttributesInput{TopicArn: &arn}); err == nil {
		return outcome{}, protocol.Errorf("AlreadyExists", "topic %s already exists", name)
	} else if !isNotFound(err) {
		return outcome{}, err
	}
	attributes := map[string]string{}
	for _, a := range topicAttributes {
		if r.props.has(a) {
			attributes[a] = r.props.str(a)
		}
	}
	out := outcome{id: arn, attrs: map[string]any{"TopicArn": arn, "TopicName": name}}
	_, err := r.creation(func() (outcome, error) {
		_, err := c.CreateTopic(r.ctx,
			&sns.CreateTopicInput{Name: &name, Attributes: attributes, Tags: snsTags(r.tags())})
		return outcome{}, err
	}, func() (outcome, *time.Time, error) { // it was not there before
		_, err := c.GetTopicAttributes(r.ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
		return outcome{}, &r.began, err
	})
	if err != nil {
		return outcome{}, err
	}
	return out, p.subscribe(c, r, arn)
}

type endpoint struct{ protocol, endpoint string }

func declaredSubscriptions(p props) []endpoint {
	var out []endpoint
	for _, s := range p.objects("Subscription") {
		out = append(out, endpoint{s.str("Protocol"), s.str("Endpoint")})
	}
	return out
}

func (p snsTopic) subscribe(c *sns.Client, r *request, arn string) error {
	have, want := declaredSubscriptions(r.old), declaredSubscriptions(r.props)
	for _, s := range want {
		if slices.Contains(have, s) {
			continue
		}
		if _, err := c.Subscribe(r.ctx, &sns.SubscribeInput{TopicArn: &arn, Protocol: &s.protocol, Endpoint: &s.endpoint,
			ReturnSubscriptionArn: true}); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(have, func(s endpoint) bool { return !slices.Contains(want, s) }) {
		return nil
	}
	live, err := p.subscriptions(c, r, arn)
	if err != nil {
		return err
	}
	for _, s := range live {
		was := endpoint{aws.ToString(s.Protocol), aws.ToString(s.Endpoint)}
		if slices.Contains(have, was) && !slices.Contains(want, was) &&
			strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:") {
			if _, err := c.Unsubscribe(r.ctx, &sns.UnsubscribeInput{SubscriptionArn: s.SubscriptionArn}); err != nil &&
				!isNotFound(err) {
				return err
			}
		}
	}
	return nil
}

func (snsTopic) subscriptions(c *sns.Client, r *request, arn string) ([]snstypes.Subscription, error) {
	var out []snstypes.Subscription
	pages := sns.NewListSubscriptionsByTopicPaginator(c, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Subscriptions...)
	}
	return out, nil
}

func (p snsTopic) update(r *request) (outcome, error) {
	c := sns.NewFromConfig(r.cfg)
	for _, a := range topicAttributes {
		if a != "FifoTopic" && r.changed(a) {
			if _, err := c.SetTopicAttributes(r.ctx,
				&sns.SetTopicAttributesInput{TopicArn: &r.id, AttributeName: &a,
					AttributeValue: aws.String(r.props.str(a))}); err != nil {
				return outcome{}, err
			}
		}
	}
	if err := p.subscribe(c, r, r.id); err != nil {
		return outcome{}, err
	}
	err := r.reconcileTags(func(tags []protocol.Tag) error {
		_, err := c.TagResource(r.ctx, &sns.TagResourceInput{ResourceArn: &r.id, Tags: snsTags(tags)})
		return err
	}, func(keys []string) error {
		_, err := c.UntagResource(r.ctx, &sns.UntagResourceInput{ResourceArn: &r.id, TagKeys: keys})
		return err
	})
	if err != nil {
		return outcome{}, err
	}
	return outcome{id: r.id, attrs: map[string]any{"TopicArn": r.id, "TopicName": lastPart(r.id)}}, nil
}

func (snsTopic) delete(r *request) error {
	_, err := sns.NewFromConfig(r.cfg).DeleteTopic(r.ctx, &sns.DeleteTopicInput{TopicArn: &r.id})
	return err
}

func (p snsTopic) read(r *request) (map[string]any, error) {
	c := sns.NewFromConfig(r.cfg)
	got, err := c.GetTopicAttributes(r.ctx, &sns.GetTopicAttributesInput{TopicArn: &r.id})
	if err != nil {
		return nil, notFound(err)
	}
	out := map[string]any{"TopicName": lastPart(r.id)}
	for _, a := range topicAttributes {
		if v, ok := got.Attributes[a]; ok {
			out[a] = v
		}
	}
	live, err := p.subscriptions(c, r, r.id)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, s := range live {
		list = append(list,
			map[string]any{"Protocol": aws.ToString(s.Protocol), "Endpoint": aws.ToString(s.Endpoint)})
	}
	out["Subscription"] = list
	if r.props.has("Tags") {
		tags, err := c.ListTagsForResource(r.ctx, &sns.ListTagsForResourceInput{ResourceArn: &r.id})
		if err != nil {
			return nil, err
		}
		var have []protocol.Tag
		for _, t := range tags.Tags {
			have = append(have, protocol.Tag{Key: *t.Key, Value: *t.Value})
		}
		out["Tags"] = tagList(have)
	}
	return out, nil
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

func snsTags(tags []protocol.Tag) []snstypes.Tag {
	var out []snstypes.Tag
	for _, t := range tags {
		out = append(out, snstypes.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out
}

func setPolicy(r *request, arn, policy string) error {
	_, err := sns.NewFromConfig(r.cfg).
		SetTopicAttributes(r.ctx, &sns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: aws.String("Policy"),
			AttributeValue: &policy})
	return err
}

// clearPolicy restores the policy of a new topic, as the deletion of a policy
// resource does.
func clearPolicy(r *request, arn string) error {
	err := setPolicy(r, arn, marshal(map[string]any{
		"Version": "2008-10-17", "Id": "__default_policy_ID",
		"Statement": []any{map[string]any{
			"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": map[string]any{"AWS": "*"},
			"Action": []any{
				"SNS:GetTopicAttributes",
				"SNS:SetTopicAttributes",
				"SNS:AddPermission",
				"SNS:RemovePermission",
				"SNS:DeleteTopic",
				"SNS:Subscribe",
				"SNS:ListSubscriptionsByTopic",
				"SNS:Publish",
			},
			"Resource": arn, "Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceOwner": r.stack.account}},
		}},
	}))
	if isNotFound(err) {
		return nil
	}
	return err
}

// snsInlinePolicy is the policy of one topic.
type snsInlinePolicy struct{}

func (snsInlinePolicy) schema() schema {
	return schema{
		Properties: []string{"PolicyDocument", "TopicArn"},
		Required:   []string{"PolicyDocument", "TopicArn"},
		Replace:    []string{"TopicArn"},
		Permissions: handlerPermissions{
			Create: []string{"sns:SetTopicAttributes"},
			Read:   []string{"sns:GetTopicAttributes"},
			Update: []string{"sns:SetTopicAttributes"},
			Delete: []string{"sns:SetTopicAttributes"},
		},
	}
}

func (p snsInlinePolicy) create(r *request) (outcome, error) {
	arn := r.props.str("TopicArn")
	return outcome{id: arn}, setPolicy(r, arn, r.props.json("PolicyDocument"))
}

func (p snsInlinePolicy) update(r *request) (outcome, error) { return p.create(r) }

func (snsInlinePolicy) delete(r *request) error { return clearPolicy(r, r.id) }

func (snsInlinePolicy) read(r *request) (map[string]any, error) {
	got, err := sns.NewFromConfig(r.cfg).GetTopicAttributes(r.ctx, &sns.GetTopicAttributesInput{TopicArn: &r.id})
	if err != nil {
		return nil, notFound(err)
	}
	return map[string]any{"TopicArn": r.id, "PolicyDocument": parseJSON(got.Attributes["Policy"])}, nil
}

// snsTopicPolicy is one policy for several topics.
type snsTopicPolicy struct{}

func (snsTopicPolicy) schema() schema {
	return schema{
		Properties: []string{"PolicyDocument", "Topics"},
		Required:   []string{"PolicyDocument", "Topics"},
		Permissions: handlerPermissions{
			Create: []string{"sns:SetTopicAttributes"},
			Read:   noDriftDetection,
			Update: []string{"sns:SetTopicAttributes"},
			Delete: []string{"sns:SetTopicAttributes"},
		},
	}
}

func (p snsTopicPolicy) create(r *request) (outcome, error) {
	out, err := p.update(r)
	out.id = generateName(r.stack.name, r.logicalID, 128)
	out.attrs = map[string]any{"Id": out.id}
	return out, err
}

func (snsTopicPolicy) update(r *request) (outcome, error) {
	now := r.props.list("Topics")
	for _, arn := range now {
		if err := setPolicy(r, arn, r.props.json("PolicyDocument")); err != nil {
			return outcome{}, err
		}
	}
	for _, arn := range r.old.list("Topics") {
		if !slices.Contains(now, arn) {
			if err := clearPolicy(r, arn); err != nil {
				return outcome{}, err
			}
		}
	}
	return outcome{id: r.id, attrs: map[string]any{"Id": r.id}}, nil
}

func (p snsTopicPolicy) delete(r *request) error {
	_, err := p.update(&request{ctx: r.ctx, cfg: r.cfg, stack: r.stack, old: r.props})
	return err
}

func (snsTopicPolicy) read(*request) (map[string]any, error) { return nil, errNoDrift }

// snsSubscription is one subscription.
type snsSubscription struct{}

var subscriptionAttributes = []string{
	"DeliveryPolicy",
	"FilterPolicy",
	"FilterPolicyScope",
	"RawMessageDelivery",
	"RedrivePolicy",
	"SubscriptionRoleArn",
}

func (snsSubscription) schema() schema {
	return schema{
		Properties: append([]string{"Endpoint", "Protocol", "TopicArn"}, subscriptionAttributes...),
		Required:   []string{"Protocol", "TopicArn"},
		Replace:    []string{"Endpoint", "Protocol", "TopicArn"},
		Permissions: handlerPermissions{
			Create: []string{"sns:Subscribe"},
			Read:   []string{"sns:GetSubscriptionAttributes"},
			Update: []string{"sns:SetSubscriptionAttributes"},
			Delete: []string{"sns:Unsubscribe"},
		},
	}
}

func (snsSubscription) create(r *request) (outcome, error) {
	in := &sns.SubscribeInput{
		TopicArn: optional(r.props, "TopicArn"),
		Protocol: optional(r.props, "Protocol"), Endpoint: optional(r.props, "Endpoint"),
		ReturnSubscriptionArn: true, Attributes: map[string]string{},
	}
	for _, a := range subscriptionAttributes {
		if r.props.has(a) {
			in.Attributes[a] = r.props.json(a)
		}
	}
	made, err := sns.NewFromConfig(r.cfg).Subscribe(r.ctx, in)
	if err != nil {
		return outcome{}, err
	}
	return outcome{id: *made.SubscriptionArn, attrs: map[string]any{"Arn": *made.SubscriptionArn}}, nil
}

func (snsSubscription) update(r *request) (outcome, error) {
	c := sns.NewFromConfig(r.cfg)
	for _, a := range subscriptionAttributes {
		if r.changed(a) {
			if _, err := c.SetSubscriptionAttributes(r.ctx,
				&sns.SetSubscriptionAttributesInput{SubscriptionArn: &r.id, AttributeName: &a,
					AttributeValue: aws.String(r.props.json(a))}); err != nil {
				return outcome{}, err
			}
		}
	}
	return outcome{id: r.id, attrs: map[string]any{"Arn": r.id}}, nil
}

func (snsSubscription) delete(r *request) error {
	_, err := sns.NewFromConfig(r.cfg).Unsubscribe(r.ctx, &sns.UnsubscribeInput{SubscriptionArn: &r.id})
	return err
}

func (snsSubscription) read(r *request) (map[string]any, error) {
	got, err := sns.NewFromConfig(r.cfg).
		GetSubscriptionAttributes(r.ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &r.id})
	if err != nil {
		return nil, notFound(err)
	}
	out := map[string]any{}
	for _, a := range append([]string{"Endpoint", "Protocol", "TopicArn"}, subscriptionAttributes...) {
		if v, ok := got.Attributes[a]; ok {
			out[a] = v
		}
	}
	return out, nil
}
