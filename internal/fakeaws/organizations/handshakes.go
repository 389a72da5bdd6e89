package organizations

import (
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// handshake is an invitation of an account.
type handshake struct {
	id, account string
	o           *organization
	requested   time.Time
	state       string // OPEN, ACCEPTED
}

// lifetime is how long an invitation is valid (API reference, Handshake,
// ExpirationTimestamp: 15 days).
const lifetime = 15 * 24 * time.Hour

func (h *handshake) view(call *protocol.Call) map[string]any {
	return map[string]any{
		"Id": h.id, "Arn": h.o.arn(call, "handshake", "invite/"+h.id), "State": h.state, "Action": "INVITE",
		"RequestedTimestamp": stamp(h.requested), "ExpirationTimestamp": stamp(h.requested.Add(lifetime)),
		"Parties": []map[string]any{
			{"Id": strings.TrimPrefix(h.o.id, "o-"), "Type": "ORGANIZATION"}, {"Id": h.account, "Type": "ACCOUNT"},
		},
		"Resources": []map[string]any{
			{"Type": "ORGANIZATION", "Value": h.o.id}, {"Type": "ACCOUNT", "Value": h.account},
		},
	}
}

type invitation struct {
	Target struct {
		ID   string `json:"Id"`
		Type string
	}
}

func (s *Service) inviteAccount(call *protocol.Call, in invitation) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	if in.Target.Type != "ACCOUNT" || len(in.Target.ID) != 12 || strings.Trim(in.Target.ID, digits) != "" {
		return nil, invalid("permstack local invites accounts by their id: Type ACCOUNT and 12 digits.")
	}
	if s.memberOf[in.Target.ID] != nil {
		return nil, protocol.Errorf("HandshakeConstraintViolationException",
			"The provided account is already a member of an organization.")
	}
	h := &handshake{
		id: "h-" + random(12, alphanumeric), account: in.Target.ID, o: o, requested: s.clock(), state: "OPEN",
	}
	s.handshakes = append(s.handshakes, h)
	return map[string]any{"Handshake": h.view(call)}, nil
}

func (s *Service) acceptHandshake(call *protocol.Call, in struct {
	ID string `json:"HandshakeId"`
}) (any, error) {
	for _, h := range s.handshakes {
		switch {
		case h.id != in.ID || h.account != call.Account:
			continue
		case h.state != "OPEN":
			return nil, protocol.Errorf("HandshakeAlreadyInStateException", "The handshake is already %s.", h.state)
		case s.memberOf[call.Account] != nil:
			return nil, protocol.Errorf("HandshakeConstraintViolationException",
				"Your account is already a member of an organization.")
		case s.clock().Sub(h.requested) > lifetime:
			return nil, protocol.Errorf("InvalidHandshakeTransitionException", "The handshake has expired.")
		}
		h.state = "ACCEPTED"
		s.join(h.o, &member{
			id: h.account, name: "account " + h.account, email: h.account + "@example.com", method: "INVITED",
		})
		return map[string]any{"Handshake": h.view(call)}, nil
	}
	return nil, protocol.Errorf("HandshakeNotFoundException",
		"We can't find a handshake with the HandshakeId that you specified.")
}

func (s *Service) listHandshakes(call *protocol.Call, in paging) (any, error) {
	var all []map[string]any
	for _, h := range s.handshakes {
		if h.account == call.Account {
			all = append(all, h.view(call))
		}
	}
	out, next, err := page(all, in)
	return map[string]any{"Handshakes": out, "NextToken": next}, err
}
