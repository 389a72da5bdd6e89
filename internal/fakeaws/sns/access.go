package sns

import (
	"slices"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// access says which permissions a call needs: all but the lists are judged by
// the topic's ARN.
func (s *Service) access(call *protocol.Call) []protocol.Access {
	arn := call.ARN("sns", call.Region, call.Account, call.Str("Name"))
	for _, parameter := range []string{"TopicArn", "ResourceArn", "TargetArn"} {
		if call.Has(parameter) {
			arn = call.Str(parameter)
		}
	}
	switch call.Action {
	case "ListTopics", "ListSubscriptions":
		return nil
	case "Unsubscribe", "GetSubscriptionAttributes":
		arn = call.Str("SubscriptionArn")
		if i := strings.LastIndexByte(arn, ':'); i > 0 {
			arn = arn[:i]
		}
	}
	var tags []protocol.Tag
	s.mu.Lock()
	if t := s.topics[arn]; t != nil {
		tags = slices.Clone(t.tags)
	}
	s.mu.Unlock()
	request := call.Tags("Tags")
	keys := protocol.TagContext(request, tags)
	if removed := call.List("TagKeys"); len(removed) > 0 {
		keys["aws:TagKeys"] = removed
	}
	if call.Action == "Subscribe" {
		keys["sns:Protocol"], keys["sns:Endpoint"] = []string{call.Str("Protocol")}, []string{call.Str("Endpoint")}
	}
	needed := []protocol.Access{{Action: "sns:" + call.Action, Resource: arn, Context: keys}}
	if call.Action == "CreateTopic" && len(request) > 0 {
		needed = append(needed, protocol.Access{Action: "sns:TagResource", Resource: arn, Context: keys})
	}
	return needed
}
