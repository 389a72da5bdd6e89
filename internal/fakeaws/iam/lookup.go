package iam

import (
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// Role is a copy of a role for the other services, with the documents that
// determine the permissions of its sessions.
type Role struct {
	Name, ARN, ID string
	Created       time.Time
	Trust         string
	MaxSession    int
	Tags          []protocol.Tag
	Policies      []string // documents: inline, then attached
	HasBoundary   bool
	Boundary      string // document of the permissions boundary
}

// Lookup returns a role by name, and false if it does not exist.
func (s *Service) Lookup(account, name string) (Role, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(account)
	r := a.roles[lower(name)]
	if r == nil {
		return Role{}, false
	}
	out := Role{
		Name: r.name, ARN: r.arn, ID: r.id, Created: r.created, Trust: r.trust, MaxSession: r.maxSession,
		Tags: append([]protocol.Tag(nil), r.tags...), HasBoundary: r.boundary != "",
	}
	for _, p := range r.inline {
		out.Policies = append(out.Policies, p.document)
	}
	partition := strings.Split(r.arn, ":")[1]
	for _, arn := range r.attached {
		if p := a.policyByARN(partition, arn); p != nil {
			out.Policies = append(out.Policies, p.current().document)
		}
	}
	if r.boundary != "" {
		if p := a.policyByARN(partition, r.boundary); p != nil {
			out.Boundary = p.current().document
		}
	}
	return out, true
}
