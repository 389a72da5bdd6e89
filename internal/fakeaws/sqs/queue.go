package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy/validate"
)

type queue struct {
	arn, url, name, account, region string
	attributes                      map[string]string // as set; without the defaults
	tags                            []protocol.Tag
	created, modified               time.Time
	messages                        []*message // oldest first

	sequence int                      // of the last message of a FIFO queue
	recent   map[string]*deduplicated // messages of a FIFO queue, by deduplication id
}

// defaults are the attributes of a queue that sets nothing (CreateQueue, API
// reference; the maximum message size is 1 MiB since August 2025).
var defaults = map[string]string{
	"DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
	"ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true",
}

// ranges are the limits of numeric attributes.
var ranges = map[string][2]int{
	"DelaySeconds": {0, 900}, "MaximumMessageSize": {1024, 1 << 20}, "MessageRetentionPeriod": {60, 1209600},
	"ReceiveMessageWaitTimeSeconds": {0, 20}, "VisibilityTimeout": {0, 43200},
	"KmsDataKeyReusePeriodSeconds": {60, 86400},
}

// settable are the attributes without a range that a queue accepts.
var settable = []string{"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "SqsManagedSseEnabled"}

func (q *queue) attribute(name string) string {
	if v, ok := q.attributes[name]; ok {
		return v
	}
	return defaults[name]
}

func (q *queue) seconds(name string) time.Duration {
	n, _ := strconv.Atoi(q.attribute(name)) // checked when it was set
	return time.Duration(n) * time.Second
}

func checkAttribute(name, value string) error {
	if limits, ok := ranges[name]; ok {
		if n, err := strconv.Atoi(value); err != nil || n < limits[0] || n > limits[1] {
			return protocol.Errorf("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
		}
		return nil
	}
	if slices.Contains(fifoAttributes, name) {
		return checkFIFOAttribute(name, value)
	}
	if !slices.Contains(settable, name) {
		return protocol.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
	}
	switch {
	case name == "Policy" && value != "":
		if err := validate.Check(value, validate.Resource); err != nil {
			return protocol.Errorf("InvalidAttributeValue", "Invalid value for the parameter Policy.")
		}
	case name == "RedrivePolicy" && value != "":
		if _, _, ok := redrive(value); !ok {
			return invalidValue("Value %s for parameter RedrivePolicy is invalid.", value)
		}
	}
	return nil
}

// redrive parses a RedrivePolicy. The count is a number or a string.
func redrive(policy string) (target string, count int, ok bool) {
	var p struct {
		DeadLetterTargetArn string      `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.Number `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		return "", 0, false
	}
	count, err := strconv.Atoi(p.MaxReceiveCount.String())
	return p.DeadLetterTargetArn, count, err == nil && count >= 1 && count <= 1000 &&
		strings.HasPrefix(p.DeadLetterTargetArn, "arn:")
}

func tagList(groups ...map[string]string) []protocol.Tag {
	var out []protocol.Tag
	for _, m := range groups {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out = append(out, protocol.Tag{Key: k, Value: m[k]})
		}
	}
	return out
}

func mergeTags(have, add []protocol.Tag) ([]protocol.Tag, error) {
	for _, t := range add {
		if !t.Valid() {
			return nil, invalidValue("Tag keys must be between 1 and 128 characters in length and not begin with aws:.")
		}
	}
	out := protocol.MergeTags(have, add)
	if len(out) > protocol.MaxTags {
		return nil, invalidValue("Too many tags added for queue.")
	}
	return out, nil
}

func (s *Service) createQueue(call *protocol.Call, in struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}) (any, error) {
	if err := checkFIFO(in.QueueName, in.Attributes); err != nil {
		return nil, err
	}
	if !queueName.MatchString(strings.TrimSuffix(in.QueueName, fifoSuffix)) || len(in.QueueName) > 80 {
		return nil, invalidValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	for _, k := range slices.Sorted(maps.Keys(in.Attributes)) {
		if err := checkAttribute(k, in.Attributes[k]); err != nil {
			return nil, err
		}
	}
	tags, err := mergeTags(nil, tagList(in.Tags))
	if err != nil {
		return nil, err
	}
	arn := call.ARN("sqs", call.Region, call.Account, in.QueueName)
	q := s.queues[arn]
	if q == nil {
		q = &queue{
			arn: arn, url: queueURL(call.Region, call.Account, in.QueueName), name: in.QueueName,
			account: call.Account, region: call.Region, attributes: map[string]string{}, tags: tags,
			created: s.clock(), modified: s.clock(),
		}
		q.set(in.Attributes)
		s.queues[arn] = q
	}
	for k, v := range in.Attributes {
		if q.attribute(k) != v && fifoDefaults[k] != v {
			e := protocol.Errorf("QueueNameExists", "A queue already exists with the same name and a different value for "+
				"attribute %s", k)
			e.QueryCode = "QueueAlreadyExists"
			return nil, e
		}
	}
	return map[string]string{"QueueUrl": q.url}, nil
}

// set stores attributes; an empty value restores the default.
func (q *queue) set(attributes map[string]string) {
	for k, v := range attributes {
		if v == "" {
			delete(q.attributes, k)
			continue
		}
		q.attributes[k] = v
	}
}

type byURL struct{ QueueUrl string }

func (s *Service) deleteQueue(call *protocol.Call, in byURL) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	delete(s.queues, q.arn)
	return nil, nil
}

func (s *Service) purgeQueue(call *protocol.Call, in byURL) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.messages = nil
	return nil, nil
}

func (s *Service) getQueueURL(call *protocol.Call, in struct{ QueueName, QueueOwnerAWSAccountId string }) (any, error) {
	account := in.QueueOwnerAWSAccountId
	if account == "" {
		account = call.Account
	}
	q, err := s.find(call, queueURL(call.Region, account, in.QueueName))
	if err != nil {
		return nil, err
	}
	return map[string]string{"QueueUrl": q.url}, nil
}

func (s *Service) listQueues(call *protocol.Call, in struct {
	QueueNamePrefix, NextToken string
	MaxResults                 int
}) (any, error) {
	urls := []string{}
	for _, q := range s.queues {
		if q.account == call.Account && q.region == call.Region && strings.HasPrefix(q.name, in.QueueNamePrefix) {
			urls = append(urls, q.url)
		}
	}
	sort.Strings(urls)
	size := in.MaxResults
	if size == 0 {
		size = 1000
	}
	page, next, ok := protocol.Page(urls, in.NextToken, size)
	if !ok {
		return nil, invalidValue("Value %s for parameter NextToken is invalid.", in.NextToken)
	}
	return struct {
		QueueUrls []string
		NextToken string `json:",omitempty"`
	}{page, next}, nil
}

func (s *Service) getQueueAttributes(call *protocol.Call, in struct {
	QueueUrl       string
	AttributeNames []string
}) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.expire(q)
	all := maps.Clone(defaults)
	if q.isFIFO() {
		maps.Copy(all, fifoDefaults)
	}
	maps.Copy(all, q.attributes)
	visible, invisible, delayed := 0, 0, 0
	for _, m := range q.messages {
		switch {
		case m.received == 0 && m.visible.After(s.clock()):
			delayed++
		case m.visible.After(s.clock()):
			invisible++
		default:
			visible++
		}
	}
	all["QueueArn"] = q.arn
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(q.modified.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(visible)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(invisible)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		if name == "All" {
			return map[string]any{"Attributes": all}, nil
		}
		if v, ok := all[name]; ok {
			out[name] = v
			continue
		}
		if _, ranged := ranges[name]; !ranged && !slices.Contains(settable, name) &&
			!slices.Contains(fifoAttributes, name) {
			return nil, protocol.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return struct {
		Attributes map[string]string `json:",omitempty"`
	}{out}, nil
}

func (s *Service) setQueueAttributes(call *protocol.Call, in struct {
	QueueUrl   string
	Attributes map[string]string
}) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	for _, k := range slices.Sorted(maps.Keys(in.Attributes)) {
		if in.Attributes[k] == "" {
			continue
		}
		if slices.Contains(fifoAttributes, k) && (k == "FifoQueue" || !q.isFIFO()) {
			return nil, protocol.Errorf("InvalidAttributeName", "Unknown Attribute %s.", k)
		}
		if err := checkAttribute(k, in.Attributes[k]); err != nil {
			return nil, err
		}
	}
	q.set(in.Attributes)
	q.modified = s.clock()
	return nil, nil
}

func (s *Service) tagQueue(call *protocol.Call, in struct {
	QueueUrl string
	Tags     map[string]string
}) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	tags, err := mergeTags(q.tags, tagList(in.Tags))
	if err != nil {
		return nil, err
	}
	q.tags = tags
	return nil, nil
}

func (s *Service) untagQueue(call *protocol.Call, in struct {
	QueueUrl string
	TagKeys  []string
}) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.tags = protocol.DropTags(q.tags, in.TagKeys)
	return nil, nil
}

func (s *Service) listQueueTags(call *protocol.Call, in byURL) (any, error) {
	q, err := s.find(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range q.tags {
		tags[t.Key] = t.Value
	}
	return struct {
		Tags map[string]string `json:",omitempty"`
	}{tags}, nil
}

// ReplacePrincipal replaces the ARN of a deleted principal by its unique id in
// every queue policy.
func (s *Service) ReplacePrincipal(arn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		if policy, ok := q.attributes["Policy"]; ok {
			q.attributes["Policy"] = strings.ReplaceAll(policy, `"`+arn+`"`, `"`+id+`"`)
		}
	}
}
