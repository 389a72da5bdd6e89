package stacksets

import (
	"slices"

	"permstack/internal/fakeaws/organizations"
	"permstack/internal/fakeaws/protocol"
)

// accountChanged deploys to an account that joins a target of a stack set with
// automatic deployment, and deletes or releases the stacks of one that leaves it.
// An account that moves from one target to another leaves and joins
// (CloudFormation User Guide, "Enable or disable automatic deployments for
// StackSets in AWS Organizations").
func (s *Service) accountChanged(c organizations.Change) {
	if !s.d.Organizations.HasServiceAccess(c.Management, Principal) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, sets := range s.sets {
		if at.account != c.Management {
			continue
		}
		for _, set := range sets {
			if set.status == "ACTIVE" && set.serviceManaged && set.automatic {
				s.follow(set, c)
			}
		}
	}
}

// follow begins the operations that a change of an account causes; hold s.mu.
func (s *Service) follow(set *stackSet, c organizations.Change) {
	before, after := set.targetAbove(c.Before), set.targetAbove(c.After)
	if before == after {
		return
	}
	if before != nil {
		var left []*instance
		for _, in := range set.instances {
			if in.account == c.Account {
				left = append(left, in)
			}
		}
		if len(left) > 0 {
			op := &operation{id: protocol.NewUUID(), action: "DELETE", retain: set.retains, automatic: true}
			op.add(left)
			s.begin(set, op)
		}
	}
	if after != nil {
		op := &operation{id: protocol.NewUUID(), action: "CREATE", automatic: true}
		var joined []*instance
		for _, region := range after.regions {
			in := &instance{account: c.Account, region: region, unit: after.unit, status: "OUTDATED"}
			joined = append(joined, in)
		}
		set.instances = append(set.instances, joined...)
		op.add(joined)
		s.begin(set, op)
	}
}

// targetAbove returns the target nearest to an account with the path, or nil.
func (set *stackSet) targetAbove(path []string) *target {
	for _, id := range slices.Backward(path) {
		for _, t := range set.targets {
			if t.unit == id {
				return t
			}
		}
	}
	return nil
}
