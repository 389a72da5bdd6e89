package sns

import (
	"slices"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// onNewTopic is for CreateTopic: the topic's ARN follows from its name.
func (s *Service) onNewTopic(call *protocol.Call) []protocol.Access {
	out := s.require(call, call.ARN("sns", call.Region, call.Account, call.Str("Name")))
	if len(call.Tags("Tags")) == 0 {
		return out
	}
	return append(out, protocol.Access{Action: "sns:TagResource", Resource: out[0].Resource, Context: out[0].Context})
}

// onTopic is for actions on the topic that TopicArn names.
func (s *Service) onTopic(call *protocol.Call) []protocol.Access {
	return s.require(call, call.Str("TopicArn"))
}

// onSubscribe adds the condition keys of Subscribe.
func (s *Service) onSubscribe(call *protocol.Call) []protocol.Access {
	out := s.onTopic(call)
	out[0].Context["sns:Protocol"] = []string{call.Str("Protocol")}
	out[0].Context["sns:Endpoint"] = []string{call.Str("Endpoint")}
	return out
}

// onPublish is for Publish, which takes a topic as TopicArn or TargetArn.
func (s *Service) onPublish(call *protocol.Call) []protocol.Access {
	return s.require(call, call.Str(publishTarget(call)))
}

// onResource is for tagging actions, on the topic that ResourceArn names.
func (s *Service) onResource(call *protocol.Call) []protocol.Access {
	return s.require(call, call.Str("ResourceArn"))
}

// onSubscription is for actions on a subscription, whose permissions are those
// on its topic: the ARN without its last part.
func (s *Service) onSubscription(call *protocol.Call) []protocol.Access {
	arn := call.Str("SubscriptionArn")
	if i := strings.LastIndexByte(arn, ':'); i > 0 {
		arn = arn[:i]
	}
	return s.require(call, arn)
}

// require returns the permission for the call's own action on a topic.
func (s *Service) require(call *protocol.Call, arn string) []protocol.Access {
	var tags []protocol.Tag
	s.mu.Lock()
	if t := s.topics[arn]; t != nil {
		tags = slices.Clone(t.tags)
	}
	s.mu.Unlock()
	context := protocol.TagContext(call.Tags("Tags"), call.List("TagKeys"), tags)
	return []protocol.Access{{Action: "sns:" + call.Action, Resource: arn, Context: context}}
}
