// Package iam is the IAM of the embedded AWS: roles, inline and managed
// policies, attachments and instance profiles, with the responses, errors and
// limits of IAM (API reference 2010-05-08; "IAM and AWS STS quotas" in the IAM
// User Guide). The resources of an account are the same in every Region.
//
// There are no users, groups or identity providers, and changes are visible at
// once, unlike in IAM.
//
// To add a call, write its handler in the file of its resource and add a row to
// actions in service.go; see "How to add a call" in package fakeaws.
package iam

import (
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// Service is the IAM of all accounts of one Cloud.
type Service struct {
	clock func() time.Time

	mu        sync.Mutex
	accounts  map[string]*account
	onDeleted []func(arn, id string)
	uses      func(account, role string) []Use
	// controlPolicies returns the service control policies of an account by level.
	controlPolicies func(account string) [][]string
}

// OnDeleted adds a function that is called when a role is deleted, with its ARN
// and unique id. It must not call the service.
func (s *Service) OnDeleted(f func(arn, id string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onDeleted = append(s.onDeleted, f)
}

// deleted replaces the ARN of a deleted role by its unique id in every trust
// policy, where IAM shows it so ("AWS JSON policy elements: Principal", User
// Guide): a new role of the same name is another principal. Hold s.mu.
func (s *Service) deleted(r *role) {
	for _, a := range s.accounts {
		for _, other := range a.roles {
			other.trust = strings.ReplaceAll(other.trust, `"`+r.arn+`"`, `"`+r.id+`"`)
		}
	}
	for _, f := range s.onDeleted {
		f(r.arn, r.id)
	}
}

// account holds the resources of one account. Keys are names in lower case,
// because IAM compares names without regard to case.
type account struct {
	service  *Service
	clock    func() time.Time
	id       string
	roles    map[string]*role
	policies map[string]*policy // customer managed, by name in lower case
	profiles map[string]*profile
	jobs     map[string]*accessJob // reports of last accessed details, by id
}

// New returns an IAM without roles and policies.
func New(clock func() time.Time) *Service {
	return &Service{clock: clock, accounts: map[string]*account{}}
}

// account returns the resources of an account; hold s.mu.
func (s *Service) account(id string) *account {
	a := s.accounts[id]
	if a == nil {
		a = &account{
			service:  s,
			clock:    s.clock,
			id:       id,
			roles:    map[string]*role{},
			policies: map[string]*policy{},
			profiles: map[string]*profile{},
			jobs:     map[string]*accessJob{},
		}
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
	"DeleteRole":             {deleteRole, onRolePolicies},
	"ListRoles":              {listRoles, onAny},
	"UpdateRole":             {updateRole, onRolePolicies},
	"UpdateRoleDescription":  {updateRoleDescription, onRolePolicies},
	"UpdateAssumeRolePolicy": {updateAssumeRolePolicy, onRolePolicies},
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

	"SimulatePrincipalPolicy":            {simulatePrincipalPolicy, onPrincipal("PolicySourceArn")},
	"GenerateServiceLastAccessedDetails": {generateServiceLastAccessedDetails, onPrincipal("Arn")},
	"GetServiceLastAccessedDetails":      {getServiceLastAccessedDetails, onAny},
}

func listAccountAliases(*account, *protocol.Call) (any, error) {
	return struct {
		AccountAliases []string `xml:"AccountAliases>member"`
		IsTruncated    bool
	}{}, nil
}
