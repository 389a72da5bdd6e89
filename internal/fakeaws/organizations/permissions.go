package organizations

import (
	"encoding/json"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// onAny is for actions without resource-level permissions.
func onAny(call *protocol.Call) []protocol.Access {
	return protocol.OnAnyResource("organizations:" + call.Action)(call)
}

// onNamed is for actions on the accounts, units and roots that parameters name.
func (s *Service) onNamed(parameters ...string) protocol.Permissions {
	return func(call *protocol.Call) []protocol.Access {
		var in map[string]any
		_ = json.Unmarshal(call.Body, &in) // the handler returns the error
		var out []protocol.Access
		for _, p := range parameters {
			id, _ := in[p].(string)
			out = append(out, s.require(call, kind(id), id))
		}
		return out
	}
}

// kind returns the resource type of an id.
func kind(id string) string {
	switch {
	case strings.HasPrefix(id, "ou-"):
		return "ou"
	case strings.HasPrefix(id, "r-"):
		return "root"
	case strings.HasPrefix(id, "p-"):
		return "policy"
	}
	return "account"
}

func (s *Service) onInvited(call *protocol.Call) []protocol.Access {
	var in invitation
	_ = json.Unmarshal(call.Body, &in)
	return []protocol.Access{s.require(call, "account", in.Target.ID)}
}

// onNewPolicy is for CreatePolicy, whose policy has no id yet.
func (s *Service) onNewPolicy(call *protocol.Call) []protocol.Access {
	var in newPolicy
	_ = json.Unmarshal(call.Body, &in)
	access := s.require(call, "policy", policyTypes[in.Type])
	access.Resource = strings.TrimSuffix(access.Resource, "/") + "/*"
	return []protocol.Access{access}
}

func (s *Service) onHandshake(call *protocol.Call) []protocol.Access {
	var in struct {
		ID string `json:"HandshakeId"`
	}
	_ = json.Unmarshal(call.Body, &in)
	return []protocol.Access{s.require(call, "handshake", "invite/"+in.ID)}
}

// require returns the permission for the call's action on a resource of the
// caller's organization.
func (s *Service) require(call *protocol.Call, kind, id string) protocol.Access {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.memberOf[call.Account]
	if o == nil {
		o = &organization{id: "*", management: call.Account}
	}
	resource := o.arn(call, kind, id)
	if p := o.policy(id); p != nil {
		resource = o.policyARN(call, p)
	}
	return protocol.Access{Action: "organizations:" + call.Action, Resource: resource}
}
