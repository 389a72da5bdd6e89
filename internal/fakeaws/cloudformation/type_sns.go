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
		Rights: handlerRights{
			ARN: physicalID,
			Unused: map[string]string{
				"sns:PutDataProtectionPolicy": "DataProtectionPolicy is set, which is refused",
				"iam:GetRole":                 "DeliveryStatusLogging is set, which is refused",
				"iam:PassRole":                "DeliveryStatusLogging is set, which is refused",
			},
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
		Permissions: handlerPermissions{
			Create: []string{"sns:Subscribe"},
			Read:   []string{"sns:GetSubscriptionAttributes"},
			Update: []string{"sns:SetSubscriptionAttributes"},
			Delete: []string{"sns:Unsubscribe"},
		},
		Rights: handlerRights{
			ARN: physicalID,
			For: map[string][]string{"iam:GetRole": {"SubscriptionRoleArn"}, "iam:PassRole": {"SubscriptionRoleArn"}},
			Access: map[string]func(*request) []protocol.Access{
				"iam:GetRole": func(r *request) []protocol.Access {
					return []protocol.Access{{Action: "iam:GetRole", Resource: r.props.str("SubscriptionRoleArn")}}
				},
				"iam:PassRole": passRole("sns.amazonaws.com", "SubscriptionRoleArn"),
			},
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
