// Package organizations is AWS Organizations of the embedded AWS: organizations
// with their accounts, organizational units, trusted access of services and
// delegated administrators. A new account is in the root; one that is closed
// stays where it is and is suspended.
//
// Every account of the embedded AWS exists without being in an organization.
// CreateAccount adds a new one, InviteAccountToOrganization and AcceptHandshake
// add an existing one. There are service control and resource control policies, which
// other services apply (Policies), no other policies, and no tags.
//
// Fields and errors are those of the API reference of AWS Organizations,
// 2016-11-28.
package organizations

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/protocol"
)

// Service is the Organizations of all accounts of one Cloud.
type Service struct {
	clock  func() time.Time
	config func(account, region string) aws.Config

	mu            sync.Mutex
	organizations map[string]*organization // by management account
	memberOf      map[string]*organization // by account
	handshakes    []*handshake
	changes       []Change // not reported yet
	onChange      []func(Change)

	// effective is what Policies returns, by account. It is read without mu: IAM, which CreateAccount calls, reads it.
	effective atomic.Pointer[map[string]levels]
}

// organization is one organization.
type organization struct {
	id, management, root string
	created              time.Time
	members              []*member // in the order in which they joined
	units                []*unit   // in the order of creation
	requests             []*request
	services             map[string]time.Time            // principals with trusted access, since when
	delegated            map[string]map[string]time.Time // account and principal, since when
	policies             []*policy                       // of the customer
	enabled              []PolicyType
	attached             map[string][]string // ids of policies by target; a target without entry has fullAccess
}

// member is an account of an organization.
type member struct {
	id, name, email, method string
	joined                  time.Time
	parent                  string // id of the root or of a unit
	suspended               bool
}

// unit is an organizational unit.
type unit struct{ id, name, parent string }

// Change is an account that joins, moves or leaves. Before and After are the ids
// of the root and of the units above the account, from the top; nil means outside
// of the organization.
type Change struct {
	Management, Account string
	Before, After       []string
}

// New returns a service without organizations. config returns the configuration
// of an account's owner: CreateAccount creates a role with it.
func New(clock func() time.Time, config func(account, region string) aws.Config) *Service {
	return &Service{
		clock: clock, config: config, organizations: map[string]*organization{}, memberOf: map[string]*organization{},
	}
}

// Definition returns the service for the server to register: for each call its
// handler and the permissions that it requires.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "organizations", Protocol: protocol.JSON, Version: "2016-11-28",
		TargetPrefix: "AWSOrganizationsV20161128", Source: "internal/fakeaws/organizations/organizations.go",
		Actions: map[string]protocol.Action{
			"CreateOrganization":   action(s, s.createOrganization, onAny),
			"DescribeOrganization": action(s, s.describeOrganization, onAny),
			"DeleteOrganization":   action(s, s.deleteOrganization, onAny),
			"ListRoots":            action(s, s.listRoots, onAny),

			"CreateAccount":                 action(s, s.createAccount, onAny),
			"DescribeCreateAccountStatus":   action(s, s.describeCreateAccountStatus, onAny),
			"ListCreateAccountStatus":       action(s, s.listCreateAccountStatus, onAny),
			"ListAccounts":                  action(s, s.listAccounts, onAny),
			"DescribeAccount":               action(s, s.describeAccount, s.onNamed("AccountId")),
			"CloseAccount":                  action(s, s.closeAccount, s.onNamed("AccountId")),
			"RemoveAccountFromOrganization": action(s, s.removeAccount, s.onNamed("AccountId")),
			"LeaveOrganization":             action(s, s.leaveOrganization, onAny),
			"InviteAccountToOrganization":   action(s, s.inviteAccount, s.onInvited),
			"AcceptHandshake":               action(s, s.acceptHandshake, s.onHandshake),
			"ListHandshakesForAccount":      action(s, s.listHandshakes, onAny),

			"CreateOrganizationalUnit":         action(s, s.createUnit, s.onNamed("ParentId")),
			"DescribeOrganizationalUnit":       action(s, s.describeUnit, s.onNamed("OrganizationalUnitId")),
			"UpdateOrganizationalUnit":         action(s, s.updateUnit, s.onNamed("OrganizationalUnitId")),
			"DeleteOrganizationalUnit":         action(s, s.deleteUnit, s.onNamed("OrganizationalUnitId")),
			"ListOrganizationalUnitsForParent": action(s, s.listUnits, s.onNamed("ParentId")),
			"MoveAccount": action(s, s.moveAccount,
				s.onNamed("AccountId", "SourceParentId", "DestinationParentId")),
			"ListParents":           action(s, s.listParents, s.onNamed("ChildId")),
			"ListChildren":          action(s, s.listChildren, s.onNamed("ParentId")),
			"ListAccountsForParent": action(s, s.listAccountsForParent, s.onNamed("ParentId")),

			"EnableAWSServiceAccess":              action(s, s.enableServiceAccess, onAny),
			"DisableAWSServiceAccess":             action(s, s.disableServiceAccess, onAny),
			"ListAWSServiceAccessForOrganization": action(s, s.listServiceAccess, onAny),
			"RegisterDelegatedAdministrator":      action(s, s.registerDelegated, s.onNamed("AccountId")),
			"DeregisterDelegatedAdministrator":    action(s, s.deregisterDelegated, s.onNamed("AccountId")),
			"ListDelegatedAdministrators":         action(s, s.listDelegated, onAny),
			"ListDelegatedServicesForAccount":     action(s, s.listDelegatedServices, s.onNamed("AccountId")),

			"CreatePolicy":          action(s, s.createPolicy, s.onNewPolicy),
			"UpdatePolicy":          action(s, s.updatePolicy, s.onNamed("PolicyId")),
			"DeletePolicy":          action(s, s.deletePolicy, s.onNamed("PolicyId")),
			"DescribePolicy":        action(s, s.describePolicy, s.onNamed("PolicyId")),
			"ListPolicies":          action(s, s.listPolicies, onAny),
			"AttachPolicy":          action(s, s.attachPolicy, s.onNamed("PolicyId", "TargetId")),
			"DetachPolicy":          action(s, s.detachPolicy, s.onNamed("PolicyId", "TargetId")),
			"ListPoliciesForTarget": action(s, s.listPoliciesForTarget, s.onNamed("TargetId")),
			"ListTargetsForPolicy":  action(s, s.listTargetsForPolicy, s.onNamed("PolicyId")),
			"EnablePolicyType":      action(s, s.enablePolicyType, s.onNamed("RootId")),
			"DisablePolicyType":     action(s, s.disablePolicyType, s.onNamed("RootId")),
		},
	}
}

// action returns an action whose handler takes the decoded body and runs with
// s.mu held. Afterwards the changes are reported.
func action[In any](
	s *Service, handle func(*protocol.Call, In) (any, error), requires protocol.Permissions,
) protocol.Action {
	return protocol.NewAction(func(_ context.Context, call *protocol.Call) (any, error) {
		var in In
		if err := call.Decode(&in); err != nil {
			return nil, err
		}
		s.mu.Lock()
		out, err := handle(call, in)
		s.publish()
		changes, report := s.changes, slices.Clone(s.onChange)
		s.changes = nil
		s.mu.Unlock()
		for _, c := range changes {
			for _, f := range report {
				f(c)
			}
		}
		return out, err
	}, requires)
}

// none is the body of calls without parameters.
type none struct{}

// paging are the parameters of every list.
type paging struct {
	NextToken  string
	MaxResults int
}

// maxPage is the largest page (API reference, MaxResults).
const maxPage = 20

// page returns one page of a list and the token of the next, or nil.
func page[T any](items []T, p paging) ([]T, *string, error) {
	size := maxPage
	if p.MaxResults > 0 && p.MaxResults < size {
		size = p.MaxResults
	}
	out, next, ok := protocol.Page(items, p.NextToken, size)
	if !ok {
		return nil, nil, invalid("You provided an invalid pagination token.")
	}
	if out == nil {
		out = []T{}
	}
	if next == "" {
		return out, nil, nil
	}
	return out, &next, nil
}

func invalid(format string, args ...any) *protocol.Error {
	return protocol.Errorf("InvalidInputException", format, args...)
}

func accessDenied() *protocol.Error {
	return protocol.Errorf("AccessDeniedException", "You don't have permissions to access this resource.")
}

// stamp is a time as JSON clients read it, in seconds since 1970.
func stamp(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// random returns n random characters of letters.
func random(n int, letters string) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

const (
	digits       = "0123456789"
	alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// member returns the organization of the caller's account.
func (s *Service) member(call *protocol.Call) (*organization, error) {
	if o := s.memberOf[call.Account]; o != nil {
		return o, nil
	}
	return nil, protocol.Errorf("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
}

// manager returns the organization that the caller manages.
func (s *Service) manager(call *protocol.Call) (*organization, error) {
	o, err := s.member(call)
	if err == nil && o.management != call.Account {
		return nil, accessDenied()
	}
	return o, err
}

// reader returns the organization that the caller may read: as the management
// account or a delegated administrator.
func (s *Service) reader(call *protocol.Call) (*organization, error) {
	o, err := s.member(call)
	if err == nil && o.management != call.Account && len(o.delegated[call.Account]) == 0 {
		return nil, accessDenied()
	}
	return o, err
}

func (o *organization) account(id string) *member {
	for _, m := range o.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (o *organization) unit(id string) *unit {
	for _, u := range o.units {
		if u.id == id {
			return u
		}
	}
	return nil
}

// isParent reports whether an id is the root's or a unit's.
func (o *organization) isParent(id string) bool { return id == o.root || o.unit(id) != nil }

// path returns the ids from the root to a parent.
func (o *organization) path(parent string) []string {
	var out []string
	for u := o.unit(parent); u != nil; u = o.unit(u.parent) {
		out = append(out, u.id)
	}
	out = append(out, o.root)
	slices.Reverse(out)
	return out
}

// arn returns an ARN of the organization: account/o-1/123456789012.
func (o *organization) arn(call *protocol.Call, kind, id string) string {
	return call.ARN("organizations", "", o.management, strings.TrimSuffix(kind+"/"+o.id+"/"+id, "/"))
}
