// Package iam is the identity service of the embedded AWS: roles, inline and
// managed policies, attachments and instance profiles, with the answers, the
// errors and the limits of IAM (API reference 2010-05-08; "IAM and AWS STS
// quotas" in the IAM User Guide). What one account holds is the same in every
// Region.
//
// It has no users, groups or identity providers, and is consistent at once,
// which IAM is not.
package iam

import (
	"context"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// Service is IAM for all accounts of one cloud.
type Service struct {
	clock func() time.Time

	mu       sync.Mutex
	accounts map[string]*account
}

// account is what one account holds. Names are kept in lower case as keys,
// because IAM tells them apart without regard to case.
type account struct {
	clock    func() time.Time
	id       string
	roles    map[string]*role
	policies map[string]*policy // customer managed, by name in lower case
	profiles map[string]*profile
}

// New makes an IAM without any role or policy.
func New(clock func() time.Time) *Service {
	return &Service{clock: clock, accounts: map[string]*account{}}
}

// account gives what an account holds; call it with the lock held.
func (s *Service) account(id string) *account {
	a := s.accounts[id]
	if a == nil {
		a = &account{clock: s.clock, id: id, roles: map[string]*role{}, policies: map[string]*policy{}, profiles: map[string]*profile{}}
		s.accounts[id] = a
	}
	return a
}

// action is a handler that runs with the account locked.
type action func(*account, *protocol.Call) (any, error)

// Definition is the service as the server wants it.
func (s *Service) Definition() protocol.Service {
	actions := map[string]protocol.Handler{}
	for name, f := range table {
		actions[name] = func(_ context.Context, call *protocol.Call) (any, error) {
			if err := s.passRole(call); err != nil {
				return nil, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			return f(s.account(call.Account), call)
		}
	}
	return protocol.Service{
		Name: "iam", Protocol: protocol.Query, Version: "2010-05-08",
		Namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		Actions:   actions, Access: s.access,
	}
}

var table = map[string]action{
	"CreateRole":             createRole,
	"GetRole":                getRole,
	"DeleteRole":             deleteRole,
	"ListRoles":              listRoles,
	"UpdateRole":             updateRole,
	"UpdateRoleDescription":  updateRoleDescription,
	"UpdateAssumeRolePolicy": updateAssumeRolePolicy,
	"TagRole":                tagRole,
	"UntagRole":              untagRole,
	"ListRoleTags":           listRoleTags,

	"PutRolePermissionsBoundary":    putRolePermissionsBoundary,
	"DeleteRolePermissionsBoundary": deleteRolePermissionsBoundary,

	"PutRolePolicy":    putRolePolicy,
	"GetRolePolicy":    getRolePolicy,
	"DeleteRolePolicy": deleteRolePolicy,
	"ListRolePolicies": listRolePolicies,

	"AttachRolePolicy":         attachRolePolicy,
	"DetachRolePolicy":         detachRolePolicy,
	"ListAttachedRolePolicies": listAttachedRolePolicies,
	"ListEntitiesForPolicy":    listEntitiesForPolicy,

	"CreatePolicy":            createPolicy,
	"GetPolicy":               getPolicy,
	"DeletePolicy":            deletePolicy,
	"ListPolicies":            listPolicies,
	"CreatePolicyVersion":     createPolicyVersion,
	"GetPolicyVersion":        getPolicyVersion,
	"DeletePolicyVersion":     deletePolicyVersion,
	"ListPolicyVersions":      listPolicyVersions,
	"SetDefaultPolicyVersion": setDefaultPolicyVersion,
	"TagPolicy":               tagPolicy,
	"UntagPolicy":             untagPolicy,
	"ListPolicyTags":          listPolicyTags,

	"CreateInstanceProfile":         createInstanceProfile,
	"GetInstanceProfile":            getInstanceProfile,
	"DeleteInstanceProfile":         deleteInstanceProfile,
	"ListInstanceProfiles":          listInstanceProfiles,
	"ListInstanceProfilesForRole":   listInstanceProfilesForRole,
	"AddRoleToInstanceProfile":      addRoleToInstanceProfile,
	"RemoveRoleFromInstanceProfile": removeRoleFromInstanceProfile,
	"TagInstanceProfile":            tagInstanceProfile,
	"UntagInstanceProfile":          untagInstanceProfile,
	"ListInstanceProfileTags":       listInstanceProfileTags,

	"ListAccountAliases": listAccountAliases,
}

func listAccountAliases(*account, *protocol.Call) (any, error) {
	return struct {
		AccountAliases []string `xml:"AccountAliases>member"`
		IsTruncated    bool
	}{}, nil
}
