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

// action runs one call with the account locked.
type action func(*account, *protocol.Call) (any, error)

// Definition returns the service for the server to register.
func (s *Service) Definition() protocol.Service {
	definition := protocol.Service{
		Name: "iam", Protocol: protocol.Query, Version: "2010-05-08",
		Namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		Source:    "internal/fakeaws/iam/service.go",
		Actions:   map[string]protocol.Action{},
	}
	for name, a := range actions {
		definition.Actions[name] = protocol.LockedQuery(&s.mu, func(call *protocol.Call) (any, error) {
			return a.handle(s.account(call.Account), call)
		}, s.locked(a.requires))
	}
	return definition
}

// locked returns the permissions as the server calls them, or nil for an action
// that declares none, which the server refuses.
func (s *Service) locked(requires permissions) protocol.Permissions {
	if requires == nil {
		return nil
	}
	return func(call *protocol.Call) []protocol.Access {
		s.mu.Lock()
		defer s.mu.Unlock()
		return requires(s.account(call.Account), call)
	}
}

// actions are the calls that this service has: for each its handler and the
// permissions that it requires.
var actions = map[string]struct {
	handle   action
	requires permissions
}{
	"CreateRole":             {createRole, onNewRole},
	"GetRole":                {getRole, onRole},
	"DeleteRole":             {deleteRole, onRole},
	"ListRoles":              {listRoles, onAny},
	"UpdateRole":             {updateRole, onRole},
	"UpdateRoleDescription":  {updateRoleDescription, onRole},
	"UpdateAssumeRolePolicy": {updateAssumeRolePolicy, onRole},
	"TagRole":                {addTags(roleTags), onRole},
	"UntagRole":              {removeTags(roleTags), onRole},
	"ListRoleTags":           {listTags(roleTags), onRole},

	"PutRolePermissionsBoundary":    {putRolePermissionsBoundary, onRolePolicies},
	"DeleteRolePermissionsBoundary": {deleteRolePermissionsBoundary, onRolePolicies},

	"PutRolePolicy":    {putRolePolicy, onRolePolicies},
	"GetRolePolicy":    {getRolePolicy, onRole},
	"DeleteRolePolicy": {deleteRolePolicy, onRolePolicies},
	"ListRolePolicies": {listRolePolicies, onRole},

	"AttachRolePolicy":         {attachRolePolicy, onRolePolicies},
	"DetachRolePolicy":         {detachRolePolicy, onRolePolicies},
	"ListAttachedRolePolicies": {listAttachedRolePolicies, onRole},
	"ListEntitiesForPolicy":    {listEntitiesForPolicy, onPolicy},

	"CreatePolicy":            {createPolicy, onNewPolicy},
	"GetPolicy":               {getPolicy, onPolicy},
	"DeletePolicy":            {deletePolicy, onPolicy},
	"ListPolicies":            {listPolicies, onAny},
	"CreatePolicyVersion":     {createPolicyVersion, onPolicy},
	"GetPolicyVersion":        {getPolicyVersion, onPolicy},
	"DeletePolicyVersion":     {deletePolicyVersion, onPolicy},
	"ListPolicyVersions":      {listPolicyVersions, onPolicy},
	"SetDefaultPolicyVersion": {setDefaultPolicyVersion, onPolicy},
	"TagPolicy":               {addTags(customerPolicyTags), onPolicy},
	"UntagPolicy":             {removeTags(customerPolicyTags), onPolicy},
	"ListPolicyTags":          {listTags(policyTags), onPolicy},

	"CreateInstanceProfile":         {createInstanceProfile, onNewProfile},
	"GetInstanceProfile":            {getInstanceProfile, onProfile},
	"DeleteInstanceProfile":         {deleteInstanceProfile, onProfile},
	"ListInstanceProfiles":          {listInstanceProfiles, onAny},
	"ListInstanceProfilesForRole":   {listInstanceProfilesForRole, onRole},
	"AddRoleToInstanceProfile":      {addRoleToInstanceProfile, onProfileAndRole},
	"RemoveRoleFromInstanceProfile": {removeRoleFromInstanceProfile, onProfile},
	"TagInstanceProfile":            {addTags(profileTags), onProfile},
	"UntagInstanceProfile":          {removeTags(profileTags), onProfile},
	"ListInstanceProfileTags":       {listTags(profileTags), onProfile},

	"ListAccountAliases": {listAccountAliases, onAny},
}

func listAccountAliases(*account, *protocol.Call) (any, error) {
	return struct {
		AccountAliases []string `xml:"AccountAliases>member"`
		IsTruncated    bool
	}{}, nil
}
