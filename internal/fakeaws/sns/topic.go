package sns

import (
	"maps"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy/validate"
)

// maxPolicy is the largest topic policy in bytes ("Amazon SNS quotas").
const maxPolicy = 30720

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// settable are the attributes that CreateTopic and SetTopicAttributes accept.
var settable = map[string]bool{
	"Policy": true, "DisplayName": true, "DeliveryPolicy": true, "KmsMasterKeyId": true, "TracingConfig": true,
	"SignatureVersion": true,
}

type topicResult struct{ TopicArn string }

func (s *Service) createTopic(call *protocol.Call) (any, error) {
	name := call.Str("Name")
	if strings.HasSuffix(name, ".fifo") {
		return nil, protocol.NotImplemented("FIFO topics")
	}
	if !topicName.MatchString(name) {
		return nil, invalid("Topic Name")
	}
	attributes, tags := call.Map("Attributes"), call.Tags("Tags")
	for k, v := range attributes {
		if err := checkAttribute(k, v); err != nil {
			return nil, err
		}
	}
	tags, err := mergeTags(nil, tags)
	if err != nil {
		return nil, err
	}
	arn := call.ARN("sns", call.Region, call.Account, name)
	if t := s.topics[arn]; t != nil {
		for k, v := range attributes {
			if t.attributes[k] != v {
				return nil, invalid("Attributes Reason: Topic already exists with different attributes")
			}
		}
		if len(tags) > 0 && !sameTags(t.tags, tags) {
			return nil, invalid("Tags Reason: Topic already exists with different tags")
		}
		return topicResult{arn}, nil
	}
	if attributes["Policy"] == "" {
		attributes["Policy"] = defaultPolicy(arn, call.Account)
	}
	s.topics[arn] = &topic{
		arn:        arn,
		name:       name,
		account:    call.Account,
		region:     call.Region,
		attributes: attributes,
		tags:       tags,
	}
	return topicResult{arn}, nil
}

func checkAttribute(name, value string) error {
	if !settable[name] {
		return invalid("AttributeName")
	}
	switch name {
	case "Policy":
		if value == "" {
			return nil
		}
		if len(value) > maxPolicy {
			return invalid("Policy Error: the policy has more than %d bytes", maxPolicy)
		}
		if err := validate.Check(value, validate.Resource); err != nil {
			return invalid("Policy Error: %v", err)
		}
	case "DisplayName":
		if utf8.RuneCountInString(value) > 100 {
			return invalid("DisplayName Reason: Display name must be less than or equal to 100 characters long")
		}
	case "SignatureVersion":
		if value != "1" && value != "2" {
			return invalid("SignatureVersion")
		}
	}
	return nil
}

// deleteTopic succeeds for a topic that does not exist, as at AWS. The topic's
// subscriptions are deleted with it.
func (s *Service) deleteTopic(call *protocol.Call) (any, error) {
	t, err := s.findTopic(call, "TopicArn")
	if err != nil {
		if protocol.HasCode(err, "NotFound") {
			return nil, nil
		}
		return nil, err
	}
	delete(s.topics, t.arn)
	for arn, sub := range s.subs {
		if sub.topic == t.arn {
			delete(s.subs, arn)
		}
	}
	return nil, nil
}

func (s *Service) getTopicAttributes(call *protocol.Call) (any, error) {
	t, err := s.findTopic(call, "TopicArn")
	if err != nil {
		return nil, err
	}
	out := maps.Clone(t.attributes)
	confirmed, pending := 0, 0
	for _, sub := range s.subs {
		if sub.topic == t.arn {
			if sub.pending {
				pending++
			} else {
				confirmed++
			}
		}
	}
	out["TopicArn"], out["Owner"] = t.arn, t.account
	out["SubscriptionsConfirmed"], out["SubscriptionsPending"], out["SubscriptionsDeleted"] = strconv.Itoa(
		confirmed,
	), strconv.Itoa(
		pending,
	), "0"
	out["EffectiveDeliveryPolicy"] = effectiveDelivery
	if _, ok := out["DisplayName"]; !ok {
		out["DisplayName"] = ""
	}
	return struct {
		Attributes []protocol.Entry `xml:"Attributes>entry"`
	}{protocol.Entries(out)}, nil
}

func (s *Service) setTopicAttributes(call *protocol.Call) (any, error) {
	t, err := s.findTopic(call, "TopicArn")
	if err != nil {
		return nil, err
	}
	name, value := call.Str("AttributeName"), call.Str("AttributeValue")
	if err := checkAttribute(name, value); err != nil {
		return nil, err
	}
	switch {
	case name == "Policy" && value == "":
		t.attributes[name] = defaultPolicy(t.arn, t.account)
	case value == "":
		delete(t.attributes, name)
	default:
		t.attributes[name] = value
	}
	return nil, nil
}

func (s *Service) listTopics(call *protocol.Call) (any, error) {
	var out []topicResult
	for _, t := range s.topics {
		if t.account == call.Account && t.region == call.Region {
			out = append(out, topicResult{t.arn})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].TopicArn < out[j].TopicArn })
	out, next, err := paginate(call, out)
	if err != nil {
		return nil, err
	}
	return struct {
		Topics    []topicResult `xml:"Topics>member"`
		NextToken string        `xml:",omitempty"`
	}{out, next}, nil
}

// paginate returns one page of 100 items and the token of the next.
func paginate[T any](call *protocol.Call, items []T) ([]T, string, error) {
	page, next, ok := protocol.Page(items, call.Str("NextToken"), 100)
	if !ok {
		return nil, "", invalid("NextToken")
	}
	return page, next, nil
}

// ReplacePrincipal replaces the ARN of a deleted principal by its unique id in
// every topic policy.
func (s *Service) ReplacePrincipal(arn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.topics {
		t.attributes["Policy"] = strings.ReplaceAll(t.attributes["Policy"], `"`+arn+`"`, `"`+id+`"`)
	}
}
