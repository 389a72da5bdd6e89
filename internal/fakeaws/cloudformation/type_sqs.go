package cloudformation

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"permstack/internal/fakeaws/protocol"
)

// sqsQueue is a standard queue. Its physical id is the queue's URL.
type sqsQueue struct{}

// queueAttributes are the properties that are attributes of the same name.
var queueAttributes = []string{
	"DelaySeconds", "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod",
	"ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy", "SqsManagedSseEnabled", "VisibilityTimeout",
}

func (sqsQueue) schema() schema {
	return schema{
		Properties: append([]string{
			"ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit", "QueueName", "Tags",
		}, queueAttributes...),
		Name: "QueueName", NameLength: 80, Tags: true,
		Permissions: handlerPermissions{
			Create: []string{"sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:TagQueue"},
			Read:   []string{"sqs:GetQueueAttributes", "sqs:ListQueueTags"},
			Update: []string{"sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"},
			Delete: []string{"sqs:DeleteQueue"},
		},
		Rights: handlerRights{
			ARN: func(r *request, id string) string {
				return r.arn("sqs", r.stack.region, id[strings.LastIndexByte(id, '/')+1:])
			},
		},
	}
}

func (sqsQueue) result(r *request, url, name string) outcome {
	return outcome{id: url, attrs: map[string]any{
		"Arn": r.arn("sqs", r.stack.region, name), "QueueName": name, "QueueUrl": url,
	}}
}

func (p sqsQueue) create(r *request) (outcome, error) {
	if r.props.bool("FifoQueue") {
		return outcome{}, errors.New("permstack local does not have FIFO queues")
	}
	c, name := sqs.NewFromConfig(r.cfg), r.name(p.schema())
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}, Tags: map[string]string{}}
	for _, a := range queueAttributes {
		if r.props.has(a) {
			in.Attributes[a] = r.props.json(a)
		}
	}
	for _, t := range r.tags() {
		in.Tags[t.Key] = t.Value
	}
	return r.creation(func() (outcome, error) {
		if _, err := c.GetQueueUrl(r.ctx, &sqs.GetQueueUrlInput{QueueName: &name}); err == nil {
			return outcome{}, protocol.Errorf("AlreadyExists", "A queue named %s already exists", name)
		}
		made, err := c.CreateQueue(r.ctx, in)
		if err != nil {
			return outcome{}, err
		}
		return p.result(r, *made.QueueUrl, name), nil
	}, func() (outcome, *time.Time, error) {
		found, err := c.GetQueueUrl(r.ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return outcome{}, nil, err
		}
		got, err := c.GetQueueAttributes(r.ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: found.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameCreatedTimestamp},
		})
		if err != nil {
			return outcome{}, nil, err
		}
		seconds, _ := strconv.ParseInt(got.Attributes["CreatedTimestamp"], 10, 64)
		created := time.Unix(seconds, 0)
		return p.result(r, *found.QueueUrl, name), &created, nil
	})
}

func (p sqsQueue) update(r *request) (outcome, error) {
	c := sqs.NewFromConfig(r.cfg)
	changed := map[string]string{}
	for _, a := range queueAttributes {
		if r.changed(a) {
			changed[a] = r.props.json(a) // empty restores the default
		}
	}
	if len(changed) > 0 {
		in := &sqs.SetQueueAttributesInput{QueueUrl: &r.id, Attributes: changed}
		if _, err := c.SetQueueAttributes(r.ctx, in); err != nil {
			return outcome{}, err
		}
	}
	err := r.reconcileTags(func(tags []protocol.Tag) error {
		in := &sqs.TagQueueInput{QueueUrl: &r.id, Tags: map[string]string{}}
		for _, t := range tags {
			in.Tags[t.Key] = t.Value
		}
		_, err := c.TagQueue(r.ctx, in)
		return err
	}, func(keys []string) error {
		_, err := c.UntagQueue(r.ctx, &sqs.UntagQueueInput{QueueUrl: &r.id, TagKeys: keys})
		return err
	})
	return p.result(r, r.id, r.id[strings.LastIndexByte(r.id, '/')+1:]), err
}

func (sqsQueue) delete(r *request) error {
	_, err := sqs.NewFromConfig(r.cfg).DeleteQueue(r.ctx, &sqs.DeleteQueueInput{QueueUrl: &r.id})
	if isNotFound(err) {
		return nil
	}
	return err
}

func (sqsQueue) read(r *request) (map[string]any, error) {
	c := sqs.NewFromConfig(r.cfg)
	got, err := c.GetQueueAttributes(r.ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &r.id, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		return nil, notFound(err)
	}
	out := map[string]any{"QueueName": r.id[strings.LastIndexByte(r.id, '/')+1:]}
	for _, a := range queueAttributes {
		if v, ok := got.Attributes[a]; ok {
			out[a] = attributeValue(v)
		}
	}
	if r.props.has("Tags") {
		tags, err := c.ListQueueTags(r.ctx, &sqs.ListQueueTagsInput{QueueUrl: &r.id})
		if err != nil {
			return nil, err
		}
		var have []protocol.Tag
		for _, k := range sortedKeys(tags.Tags) {
			have = append(have, protocol.Tag{Key: k, Value: tags.Tags[k]})
		}
		out["Tags"] = tagList(have)
	}
	return out, nil
}

// attributeValue returns an attribute as the property that it is: a number, a
// boolean, a JSON object or text.
func attributeValue(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil {
		return b
	}
	if strings.HasPrefix(text, "{") {
		return parseJSON(text)
	}
	return text
}

// sqsQueuePolicy is one policy for several queues.
type sqsQueuePolicy struct{}

func (sqsQueuePolicy) schema() schema {
	return schema{
		Properties: []string{"PolicyDocument", "Queues"},
		Permissions: handlerPermissions{
			Create: []string{"sqs:SetQueueAttributes"},
			Read:   noDriftDetection,
			Update: []string{"sqs:SetQueueAttributes"},
			Delete: []string{"sqs:SetQueueAttributes"},
		},
		Rights: handlerRights{ARN: physicalID},
	}
}

func (p sqsQueuePolicy) create(r *request) (outcome, error) {
	r.id = generateName(r.stack.name, r.logicalID, 128)
	return p.update(r)
}

func (sqsQueuePolicy) update(r *request) (outcome, error) {
	out := outcome{id: r.id, attrs: map[string]any{"Id": r.id}}
	now := r.props.list("Queues")
	for _, url := range now {
		if err := setQueuePolicy(r, url, r.props.json("PolicyDocument")); err != nil {
			return out, err
		}
	}
	for _, url := range r.old.list("Queues") {
		if !slices.Contains(now, url) {
			if err := setQueuePolicy(r, url, ""); err != nil && !isNotFound(err) {
				return out, err
			}
		}
	}
	return out, nil
}

func (sqsQueuePolicy) delete(r *request) error {
	for _, url := range r.props.list("Queues") {
		if err := setQueuePolicy(r, url, ""); err != nil && !isNotFound(err) {
			return err
		}
	}
	return nil
}

func (sqsQueuePolicy) read(*request) (map[string]any, error) { return nil, errNoDrift }

// setQueuePolicy sets the policy of a queue; "" removes it.
func setQueuePolicy(r *request, url, policy string) error {
	_, err := sqs.NewFromConfig(r.cfg).SetQueueAttributes(r.ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(url), Attributes: map[string]string{"Policy": policy},
	})
	return err
}
