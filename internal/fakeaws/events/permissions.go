package events

import (
	"encoding/json"
	"slices"

	"permstack/internal/fakeaws/protocol"
)

// request is the part of a call's body on which its permissions depend,
// whichever call it is.
type request struct {
	Name, Rule, ResourceARN, RoleArn string
	Tags                             []protocol.Tag
	TagKeys                          []string
	Targets                          []struct{ Arn, RoleArn string }
}

// onRequest returns the permissions that f derives from the body. A body that
// cannot be read is refused by the call itself; until then the action is
// required on every resource.
func onRequest(f func(*protocol.Call, request) []protocol.Access) protocol.Permissions {
	return func(call *protocol.Call) []protocol.Access {
		var r request
		if err := json.Unmarshal(call.Body, &r); err != nil {
			return protocol.OnAnyResource("events:" + call.Action)(call)
		}
		return f(call, r)
	}
}

// onRule is for actions on the rule that Name names.
func (s *Service) onRule() protocol.Permissions {
	return onRequest(func(call *protocol.Call, r request) []protocol.Access {
		return s.require(call, r, ruleARN(call, r.Name))
	})
}

// onPutRule is for PutRule, which also tags the rule and passes its role.
func (s *Service) onPutRule() protocol.Permissions {
	return onRequest(func(call *protocol.Call, r request) []protocol.Access {
		out := s.require(call, r, ruleARN(call, r.Name))
		if len(r.Tags) > 0 {
			out = append(out, protocol.Access{
				Action: "events:TagResource", Resource: out[0].Resource, Context: out[0].Context,
			})
		}
		return passRoles(out, r.RoleArn)
	})
}

// onTargets is for actions on the targets of the rule that Rule names. A
// target's role is passed to EventBridge.
func (s *Service) onTargets() protocol.Permissions {
	return onRequest(func(call *protocol.Call, r request) []protocol.Access {
		out := s.require(call, r, ruleARN(call, r.Rule))
		for _, t := range r.Targets {
			out[0].Context["events:TargetArn"] = append(out[0].Context["events:TargetArn"], t.Arn)
			out = passRoles(out, t.RoleArn)
		}
		return out
	})
}

// onResource is for tagging actions, on the rule that ResourceARN names.
func (s *Service) onResource() protocol.Permissions {
	return onRequest(func(call *protocol.Call, r request) []protocol.Access {
		return s.require(call, r, r.ResourceARN)
	})
}

// onBus is for DescribeEventBus.
func onBus(call *protocol.Call) []protocol.Access {
	return []protocol.Access{{Action: "events:" + call.Action, Resource: busARN(call)}}
}

// onPutEvents is for PutEvents, which is on the bus and has the sources and
// detail types of its entries.
func onPutEvents(call *protocol.Call) []protocol.Access {
	var in struct{ Entries []putEventsEntry }
	out := onBus(call)
	if json.Unmarshal(call.Body, &in) == nil {
		out[0].Context = map[string][]string{}
		for _, e := range in.Entries {
			out[0].Context["events:source"] = append(out[0].Context["events:source"], e.Source)
			out[0].Context["events:detail-type"] = append(out[0].Context["events:detail-type"], e.DetailType)
		}
	}
	return out
}

func passRoles(out []protocol.Access, roleARN string) []protocol.Access {
	if roleARN == "" {
		return out
	}
	return append(out, protocol.PassRole(roleARN, "events.amazonaws.com"))
}

// require returns the permission for the call's own action on a rule.
func (s *Service) require(call *protocol.Call, r request, arn string) []protocol.Access {
	var tags []protocol.Tag
	s.mu.Lock()
	for _, have := range s.bus(call) {
		if have.arn == arn {
			tags = slices.Clone(have.tags)
		}
	}
	s.mu.Unlock()
	context := protocol.TagContext(r.Tags, r.TagKeys, tags)
	return []protocol.Access{{Action: "events:" + call.Action, Resource: arn, Context: context}}
}
