package cloudformation

import (
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/protocol"
)

func setPolicy(r *request, arn, policy string) error {
	_, err := sns.NewFromConfig(r.cfg).
		SetTopicAttributes(r.ctx, &sns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: aws.String("Policy"),
			AttributeValue: &policy})
	return err
}

// clearPolicy restores the policy of a new topic, as the deletion of a policy
// resource does.
func clearPolicy(r *request, arn string) error {
	if err := setPolicy(r, arn, marshal(defaultPolicy(r, arn))); !isNotFound(err) {
		return err
	}
	return nil
}

// defaultPolicy returns the policy that SNS sets on a new topic.
func defaultPolicy(r *request, arn string) map[string]any {
	return map[string]any{
		"Version": "2008-10-17", "Id": "__default_policy_ID",
		"Statement": []any{map[string]any{
			"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": map[string]any{"AWS": "*"},
			"Action": []any{
				"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
				"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
			},
			"Resource": arn, "Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceOwner": r.stack.account}},
		}},
	}
}

// snsInlinePolicy is the policy of one topic.
type snsInlinePolicy struct{}

func (snsInlinePolicy) schema() schema {
	return schema{
		Properties: []string{"PolicyDocument", "TopicArn"},
		Permissions: handlerPermissions{
			Create: []string{"sns:GetTopicAttributes", "sns:SetTopicAttributes"},
			Read:   []string{"sns:GetTopicAttributes"},
			Update: []string{"sns:GetTopicAttributes", "sns:SetTopicAttributes"},
			Delete: []string{"sns:GetTopicAttributes", "sns:SetTopicAttributes"},
		},
		Rights: handlerRights{ARN: physicalID},
	}
}

// A topic always has a policy. The type counts the one that SNS sets on a new topic
// as none (sources of aws-cloudformation-resource-providers-sns): create fails with
// AlreadyExists if the topic has another one, and read, update and delete fail with
// NotFound if it has none.

func (p snsInlinePolicy) create(r *request) (outcome, error) {
	arn := r.props.str("TopicArn")
	return r.creation(func() (outcome, error) {
		switch _, err := p.policy(r, arn); {
		case err == nil:
			return outcome{}, protocol.Errorf("AlreadyExists", "Topic: %s, Policy already exists", arn)
		case !errors.Is(err, errNotFound):
			return outcome{}, err
		}
		return outcome{id: arn}, p.set(r, arn)
	}, func() (outcome, *time.Time, error) { // it was not there before
		text, err := p.policy(r, arn)
		if err == nil && !reflect.DeepEqual(parseJSON(text), parseJSON(r.props.json("PolicyDocument"))) {
			err = errNotFound
		}
		return outcome{id: arn}, &r.began, err
	})
}

// set writes the policy, which must not be the one that counts as none.
func (snsInlinePolicy) set(r *request, arn string) error {
	if reflect.DeepEqual(parseJSON(r.props.json("PolicyDocument")), parseJSON(marshal(defaultPolicy(r, arn)))) {
		return protocol.Errorf("InvalidRequest", "Cannot set policy to the default policy")
	}
	return setPolicy(r, arn, r.props.json("PolicyDocument"))
}

func (p snsInlinePolicy) update(r *request) (outcome, error) {
	if _, err := p.policy(r, r.id); err != nil {
		if errors.Is(err, errNotFound) {
			err = protocol.Errorf("NotFound", "Topic: %s, Policy does not exist", r.id)
		}
		return outcome{}, err
	}
	return outcome{id: r.id}, p.set(r, r.id)
}

func (p snsInlinePolicy) delete(r *request) error {
	if _, err := p.policy(r, r.id); err != nil {
		return err
	}
	return clearPolicy(r, r.id)
}

func (p snsInlinePolicy) read(r *request) (map[string]any, error) {
	text, err := p.policy(r, r.id)
	if err != nil {
		return nil, err
	}
	return map[string]any{"TopicArn": r.id, "PolicyDocument": parseJSON(text)}, nil
}

// policy returns the policy of a topic, or errNotFound if the topic does not
// exist or has the policy that SNS sets on a new one.
func (snsInlinePolicy) policy(r *request, arn string) (string, error) {
	got, err := sns.NewFromConfig(r.cfg).GetTopicAttributes(r.ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
	if err != nil {
		return "", notFound(err)
	}
	if reflect.DeepEqual(parseJSON(got.Attributes["Policy"]), parseJSON(marshal(defaultPolicy(r, arn)))) {
		return "", errNotFound
	}
	return got.Attributes["Policy"], nil
}

// snsTopicPolicy is one policy for several topics.
type snsTopicPolicy struct{}

func (snsTopicPolicy) schema() schema {
	return schema{
		Properties: []string{"PolicyDocument", "Topics"},
		Permissions: handlerPermissions{
			Create: []string{"sns:SetTopicAttributes"},
			Read:   noDriftDetection,
			Update: []string{"sns:SetTopicAttributes"},
			Delete: []string{"sns:SetTopicAttributes"},
		},
		Rights: handlerRights{ARN: physicalID},
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
