package organizations

import (
	"maps"
	"slices"
	"time"

	"permstack/internal/fakeaws/protocol"
)

type policyType struct{ Type, Status string }

type organizationView struct {
	ID                   string       `json:"Id"`
	ARN                  string       `json:"Arn"`
	FeatureSet           string       `json:"FeatureSet"`
	MasterAccountARN     string       `json:"MasterAccountArn"`
	MasterAccountID      string       `json:"MasterAccountId"`
	MasterAccountEmail   string       `json:"MasterAccountEmail"`
	AvailablePolicyTypes []policyType `json:"AvailablePolicyTypes"`
}

func (o *organization) view(call *protocol.Call) any {
	return map[string]any{"Organization": organizationView{
		ID: o.id, ARN: o.arn(call, "organization", ""), FeatureSet: "ALL",
		MasterAccountARN: o.arn(call, "account", o.management), MasterAccountID: o.management,
		MasterAccountEmail: o.account(o.management).email, AvailablePolicyTypes: o.typeViews(),
	}}
}

func (s *Service) createOrganization(call *protocol.Call, in struct{ FeatureSet string }) (any, error) {
	if in.FeatureSet != "" && in.FeatureSet != "ALL" {
		return nil, protocol.NotImplemented("organizations with FeatureSet %s", in.FeatureSet)
	}
	if s.memberOf[call.Account] != nil {
		return nil, protocol.Errorf("AlreadyInOrganizationException",
			"The AWS account is already a member of an organization.")
	}
	o := &organization{
		id: "o-" + random(10, alphanumeric), management: call.Account, root: "r-" + random(4, alphanumeric),
		created: s.clock(), services: map[string]time.Time{}, delegated: map[string]map[string]time.Time{},
		enabled: []PolicyType{ServiceControl}, // API reference, CreateOrganization, FeatureSet ALL
	}
	o.members = []*member{{
		id: call.Account, name: "management", email: "management@example.com", method: "INVITED", joined: o.created,
		parent: o.root,
	}}
	s.organizations[call.Account], s.memberOf[call.Account] = o, o
	return o.view(call), nil
}

func (s *Service) describeOrganization(call *protocol.Call, _ none) (any, error) {
	o, err := s.member(call)
	if err != nil {
		return nil, err
	}
	return o.view(call), nil
}

func (s *Service) deleteOrganization(call *protocol.Call, _ none) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	if len(o.members) > 1 || len(o.units) > 0 {
		return nil, protocol.Errorf("OrganizationNotEmptyException",
			"To delete an organization you must first remove all member accounts (except the master).")
	}
	delete(s.organizations, call.Account)
	delete(s.memberOf, call.Account)
	return nil, nil
}

func (s *Service) listRoots(call *protocol.Call, in paging) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	roots, next, err := page([]map[string]any{o.rootView(call)}, in)
	return map[string]any{"Roots": roots, "NextToken": next}, err
}

func (o *organization) rootView(call *protocol.Call) map[string]any {
	return map[string]any{
		"Id": o.root, "Arn": o.arn(call, "root", o.root), "Name": "Root", "PolicyTypes": o.typeViews(),
	}
}

type principal struct{ ServicePrincipal string }

func (s *Service) enableServiceAccess(call *protocol.Call, in principal) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	if in.ServicePrincipal == "" {
		return nil, invalid("You specified an invalid value.")
	}
	if _, enabled := o.services[in.ServicePrincipal]; !enabled {
		o.services[in.ServicePrincipal] = s.clock()
	}
	return nil, nil
}

func (s *Service) disableServiceAccess(call *protocol.Call, in principal) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	delete(o.services, in.ServicePrincipal)
	return nil, nil
}

func (s *Service) listServiceAccess(call *protocol.Call, in paging) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, name := range slices.Sorted(maps.Keys(o.services)) {
		all = append(all, map[string]any{"ServicePrincipal": name, "DateEnabled": stamp(o.services[name])})
	}
	out, next, err := page(all, in)
	return map[string]any{"EnabledServicePrincipals": out, "NextToken": next}, err
}

type delegation struct{ AccountID, ServicePrincipal string }

func (s *Service) registerDelegated(call *protocol.Call, in delegation) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	_, trusted := o.services[in.ServicePrincipal]
	_, twice := o.delegated[in.AccountID][in.ServicePrincipal]
	switch {
	case o.account(in.AccountID) == nil:
		return nil, accountNotFound()
	case in.AccountID == o.management:
		return nil, protocol.Errorf("ConstraintViolationException",
			"You cannot register master account/yourself as delegated administrator for your organization.")
	case !trusted:
		return nil, protocol.Errorf("ConstraintViolationException", "You must enable trusted access for the service %s "+
			"before you can register a delegated administrator.", in.ServicePrincipal)
	case twice:
		return nil, protocol.Errorf("AccountAlreadyRegisteredException", "The provided account is already a delegated "+
			"administrator for your organization.")
	}
	if o.delegated[in.AccountID] == nil {
		o.delegated[in.AccountID] = map[string]time.Time{}
	}
	o.delegated[in.AccountID][in.ServicePrincipal] = s.clock()
	return nil, nil
}

func (s *Service) deregisterDelegated(call *protocol.Call, in delegation) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	if _, registered := o.delegated[in.AccountID][in.ServicePrincipal]; !registered {
		return nil, protocol.Errorf("AccountNotRegisteredException",
			"The provided account is not a registered delegated administrator for your organization.")
	}
	delete(o.delegated[in.AccountID], in.ServicePrincipal)
	return nil, nil
}

func (s *Service) listDelegated(call *protocol.Call, in struct {
	paging
	principal
}) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, m := range o.members {
		for name, since := range o.delegated[m.id] {
			if in.ServicePrincipal == "" || name == in.ServicePrincipal {
				view := o.accountView(call, m)
				view["DelegationEnabledDate"] = stamp(since)
				all = append(all, view)
				break
			}
		}
	}
	out, next, err := page(all, in.paging)
	return map[string]any{"DelegatedAdministrators": out, "NextToken": next}, err
}

func (s *Service) listDelegatedServices(call *protocol.Call, in struct {
	paging
	AccountID string
}) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, name := range slices.Sorted(maps.Keys(o.delegated[in.AccountID])) {
		since := o.delegated[in.AccountID][name]
		all = append(all, map[string]any{"ServicePrincipal": name, "DelegationEnabledDate": stamp(since)})
	}
	out, next, err := page(all, in.paging)
	return map[string]any{"DelegatedServices": out, "NextToken": next}, err
}
