package detect

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/notify/finding"
)

// SQS is the part of the SDK's client that Check needs.
type SQS interface {
	GetQueueAttributes(
		context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options),
	) (*sqs.GetQueueAttributesOutput, error)
}

var sqsQueue = &resourceType{
	name:        "AWS::SQS::Queue",
	readHandler: []string{"sqs:GetQueueAttributes", "sqs:ListQueueTags"},
	attributes: map[string]attribute{
		"Arn": func(v *resolver, logicalID, id string) (string, bool) {
			name, _ := lastPart("/")(v, logicalID, id)
			return v.arn("sqs", v.region(), name), true
		},
		"QueueName": lastPart("/"),
		"QueueUrl":  isPhysicalID,
	},
	read: func(ctx context.Context, c *reader, m *model, r *resource) (liveState, readErrors) {
		if m.installation == nil || r.stack != m.installation || c.clients.SQS == nil {
			return nil, nil // not a queue of permstack
		}
		live := &liveQueue{}
		got, err := ratelimit.Call(ctx, c.sqs, c.clients.SQS.GetQueueAttributes, &sqs.GetQueueAttributesInput{
			QueueUrl: &r.physicalID, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		})
		switch {
		case awserr.IsNotFound(err):
			live.missing = true
		case err != nil:
			live.errs.add(err, "", "Policy", "RedrivePolicy", "KmsMasterKeyId")
		default:
			live.attributes = got.Attributes
		}
		return live, live.errs
	},
}

// liveQueue is a queue as SQS has it.
type liveQueue struct {
	missing    bool
	attributes map[string]string
	errs       readErrors
}

func (live *liveQueue) deleted() bool          { return live.missing }
func (live *liveQueue) unreadable() readErrors { return live.errs }

// compare compares the queue's policy, and what would take messages out of it, or keep
// them from it, without a difference that CloudFormation detects: it compares only
// declared properties.
func (live *liveQueue) compare(m *model, r *resource) []draft {
	if live.missing {
		return []draft{r.deletedDraft()}
	}
	if live.errs != nil {
		return r.readErrorDrafts(live.errs)
	}
	var out []draft
	if expected := m.queuePolicy(r); !expected.unknown {
		d, differs := m.documentDraft(r, finding.QueuePolicyChanged, "Policy", "", expected,
			parseDocument(live.attributes["Policy"]))
		if differs {
			out = append(out, d)
		}
	}
	for _, name := range []string{"RedrivePolicy", "KmsMasterKeyId"} {
		if actual := live.attributes[name]; actual != "" && r.props[name] == nil {
			out = append(out, r.liveDraft(finding.PropertyChanged, name, name, finding.Monitoring, finding.None,
				finding.Text(actual)))
		}
	}
	for _, name := range sorted(queueDefaults) {
		actual, err := strconv.Atoi(live.attributes[name])
		if usual := queueDefaults[name]; err == nil && r.props[name] == nil && !usual.includes(actual) {
			out = append(out, r.liveDraft(finding.PropertyChanged, name, name, finding.Monitoring,
				finding.Text(strconv.Itoa(usual.value)), finding.Text(strconv.Itoa(actual))))
		}
	}
	return out
}

// queueDefault is the value of an attribute that no template declares.
type queueDefault struct {
	value  int
	orMore bool
}

func (d queueDefault) includes(n int) bool {
	if d.orMore {
		return n >= d.value
	}
	return n == d.value
}

// queueDefaults delay messages, or keep them from the queue, if they are changed (API reference, SetQueueAttributes).
// The default of MaximumMessageSize was raised from 256 KiB to 1 MiB in 2025; queues that existed kept theirs.
var queueDefaults = map[string]queueDefault{
	"DelaySeconds": {value: 0}, "VisibilityTimeout": {value: 30}, "MaximumMessageSize": {value: 256 << 10, orMore: true},
}

// queuePolicy returns the policy that a template declares for a queue.
func (m *model) queuePolicy(r *resource) document {
	for _, p := range m.resources {
		if p.typeName == "AWS::SQS::QueuePolicy" && slices.Contains(texts(p.props["Queues"]), r.physicalID) {
			return parseDocument(p.props["PolicyDocument"])
		}
	}
	return document{}
}
