package organizations

// What other services read.

// OnChange adds a function that is called, after the call that caused it, for
// each account that joins, moves or leaves.
func (s *Service) OnChange(f func(Change)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChange = append(s.onChange, f)
}

// ID returns the id of an account's organization, or "".
func (s *Service) ID(account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.memberOf[account]; o != nil {
		return o.id
	}
	return ""
}

// Management returns the management account of an account's organization, or "".
func (s *Service) Management(account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.memberOf[account]; o != nil {
		return o.management
	}
	return ""
}

// SetServiceAccess enables or disables trusted access of a service, as services
// do for the management account.
func (s *Service) SetServiceAccess(management, principal string, enabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.organizations[management]
	if o == nil {
		return
	}
	delete(o.services, principal)
	if enabled {
		o.services[principal] = s.clock()
	}
}

// HasServiceAccess reports whether a service has trusted access to the
// organization of a management account.
func (s *Service) HasServiceAccess(management, principal string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.organizations[management]
	if o == nil {
		return false
	}
	_, ok := o.services[principal]
	return ok
}

// IsDelegated reports whether an account is a delegated administrator of a
// service.
func (s *Service) IsDelegated(account, principal string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.memberOf[account]
	if o == nil {
		return false
	}
	_, ok := o.delegated[account][principal]
	return ok
}

// IsSuspended reports whether an account was closed.
func (s *Service) IsSuspended(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.memberOf[account]
	if o == nil {
		return false
	}
	return o.account(account).suspended
}

// Path returns the ids of the root and of the units above an account, from the
// top, or nil if it is in no organization.
func (s *Service) Path(account string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.memberOf[account]
	if o == nil {
		return nil
	}
	return o.path(o.account(account).parent)
}

// Members returns the accounts below a root or unit of an organization, those of
// its units included, in the order in which they joined. It reports false if
// there is no such root or unit.
func (s *Service) Members(management, parent string) (accounts []string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.organizations[management]
	if o == nil || !o.isParent(parent) {
		return nil, false
	}
	for _, m := range o.members {
		for _, id := range o.path(m.parent) {
			if id == parent {
				accounts = append(accounts, m.id)
			}
		}
	}
	return accounts, true
}
