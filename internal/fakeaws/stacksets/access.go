package stacksets

import (
	"context"

	"permstack/internal/fakeaws/protocol"
)

// Principal is StackSets' service principal, for trusted access and delegated
// administrators.
const Principal = "member.org.stacksets.cloudformation.amazonaws.com"

// owner returns the account and Region whose stack sets a call is about. Stack
// sets with service-managed permissions belong to the management account, also
// if a delegated administrator creates them (API reference, CreateStackSet,
// CallAs).
func (s *Service) owner(call *protocol.Call) (location, error) {
	at := location{call.Account, call.Region}
	switch callAs := call.Str("CallAs"); callAs {
	case "", "SELF":
		return at, nil
	case "DELEGATED_ADMIN":
		if !s.d.Organizations.IsDelegated(call.Account, Principal) {
			return at, notAdministrator()
		}
		at.account = s.d.Organizations.Management(call.Account)
		return at, nil
	default:
		return at, protocol.Violation("ValidationError", "callAs", callAs,
			"Member must satisfy enum value set: [SELF, DELEGATED_ADMIN]")
	}
}

func notAdministrator() *protocol.Error {
	return invalid("You must be the management account or delegated admin account of an organization before " +
		"operating a SERVICE_MANAGED stack set")
}

// checkServiceManaged returns an error unless the owner manages an organization
// that StackSets has access to.
func (s *Service) checkServiceManaged(at location) error {
	if s.d.Organizations.Management(at.account) != at.account {
		return notAdministrator()
	}
	if !s.d.Organizations.HasServiceAccess(at.account, Principal) {
		return invalid("You must enable organizations access to operate a service managed stack set")
	}
	return nil
}

func (s *Service) activateAccess(_ context.Context, call *protocol.Call) (any, error) {
	return nil, s.setAccess(call, true)
}

func (s *Service) deactivateAccess(_ context.Context, call *protocol.Call) (any, error) {
	return nil, s.setAccess(call, false)
}

func (s *Service) setAccess(call *protocol.Call, enabled bool) error {
	if s.d.Organizations.Management(call.Account) != call.Account {
		return protocol.Errorf("InvalidOperationException", "Only the management account of an organization can change "+
			"the organizations access of StackSets")
	}
	s.d.Organizations.SetServiceAccess(call.Account, Principal, enabled)
	return nil
}

func (s *Service) describeAccess(_ context.Context, call *protocol.Call) (any, error) {
	at, err := s.owner(call)
	if err != nil {
		return nil, err
	}
	status := "DISABLED"
	if s.d.Organizations.HasServiceAccess(at.account, Principal) {
		status = "ENABLED"
	}
	return &struct{ Status string }{status}, nil
}
