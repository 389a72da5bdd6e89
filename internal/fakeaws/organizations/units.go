package organizations

import (
	"slices"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

func parentNotFound() *protocol.Error {
	return protocol.Errorf("ParentNotFoundException",
		"You provided parent that does not exist in your organization.")
}

func unitNotFound() *protocol.Error {
	return protocol.Errorf("OrganizationalUnitNotFoundException", "You specified an organizational unit that doesn't "+
		"exist.")
}

func (o *organization) unitView(call *protocol.Call, u *unit) map[string]any {
	return map[string]any{"Id": u.id, "Arn": o.arn(call, "ou", u.id), "Name": u.name}
}

// checkName returns an error if a parent has another unit of that name.
func (o *organization) checkName(parent, name string) error {
	if name == "" || len(name) > 128 {
		return invalid("You specified an invalid value for Name: it has 1 to 128 characters.")
	}
	if slices.ContainsFunc(o.units, func(u *unit) bool { return u.parent == parent && u.name == name }) {
		return protocol.Errorf("DuplicateOrganizationalUnitException", "An OU with the same name already exists.")
	}
	return nil
}

func (s *Service) createUnit(call *protocol.Call, in struct{ ParentID, Name string }) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	if !o.isParent(in.ParentID) {
		return nil, parentNotFound()
	}
	if err := o.checkName(in.ParentID, in.Name); err != nil {
		return nil, err
	}
	u := &unit{
		id:   "ou-" + strings.TrimPrefix(o.root, "r-") + "-" + random(8, alphanumeric),
		name: in.Name, parent: in.ParentID,
	}
	o.units = append(o.units, u)
	return map[string]any{"OrganizationalUnit": o.unitView(call, u)}, nil
}

type unitID struct {
	ID string `json:"OrganizationalUnitId"`
}

func (s *Service) describeUnit(call *protocol.Call, in unitID) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	u := o.unit(in.ID)
	if u == nil {
		return nil, unitNotFound()
	}
	return map[string]any{"OrganizationalUnit": o.unitView(call, u)}, nil
}

func (s *Service) updateUnit(call *protocol.Call, in struct {
	unitID
	Name string
}) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	u := o.unit(in.ID)
	if u == nil {
		return nil, unitNotFound()
	}
	if in.Name != u.name {
		if err := o.checkName(u.parent, in.Name); err != nil {
			return nil, err
		}
		u.name = in.Name
	}
	return map[string]any{"OrganizationalUnit": o.unitView(call, u)}, nil
}

func (s *Service) deleteUnit(call *protocol.Call, in unitID) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	if o.unit(in.ID) == nil {
		return nil, unitNotFound()
	}
	hasUnits := slices.ContainsFunc(o.units, func(u *unit) bool { return u.parent == in.ID })
	if hasUnits || slices.ContainsFunc(o.members, func(m *member) bool { return m.parent == in.ID }) {
		return nil, protocol.Errorf("OrganizationalUnitNotEmptyException",
			"The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, "+
				"and try the operation again.")
	}
	o.units = slices.DeleteFunc(o.units, func(u *unit) bool { return u.id == in.ID })
	return nil, nil
}

type inParent struct {
	paging
	ParentID string
}

func (s *Service) listUnits(call *protocol.Call, in inParent) (any, error) {
	o, err := s.readParent(call, in.ParentID)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, u := range o.units {
		if u.parent == in.ParentID {
			all = append(all, o.unitView(call, u))
		}
	}
	out, next, err := page(all, in.paging)
	return map[string]any{"OrganizationalUnits": out, "NextToken": next}, err
}

func (s *Service) listAccountsForParent(call *protocol.Call, in inParent) (any, error) {
	o, err := s.readParent(call, in.ParentID)
	if err != nil {
		return nil, err
	}
	all := o.accountViews(call, func(m *member) bool { return m.parent == in.ParentID })
	out, next, err := page(all, in.paging)
	return map[string]any{"Accounts": out, "NextToken": next}, err
}

// readParent returns the caller's organization if it has the parent.
func (s *Service) readParent(call *protocol.Call, parent string) (*organization, error) {
	o, err := s.reader(call)
	if err == nil && !o.isParent(parent) {
		return nil, parentNotFound()
	}
	return o, err
}

func (s *Service) listChildren(call *protocol.Call, in struct {
	inParent
	ChildType string
}) (any, error) {
	o, err := s.readParent(call, in.ParentID)
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	switch in.ChildType {
	case "ACCOUNT":
		for _, m := range o.members {
			if m.parent == in.ParentID {
				all = append(all, map[string]any{"Id": m.id, "Type": "ACCOUNT"})
			}
		}
	case "ORGANIZATIONAL_UNIT":
		for _, u := range o.units {
			if u.parent == in.ParentID {
				all = append(all, map[string]any{"Id": u.id, "Type": "ORGANIZATIONAL_UNIT"})
			}
		}
	default:
		return nil, invalid("ChildType must be ACCOUNT or ORGANIZATIONAL_UNIT.")
	}
	out, next, err := page(all, in.paging)
	return map[string]any{"Children": out, "NextToken": next}, err
}

func (s *Service) listParents(call *protocol.Call, in struct {
	paging
	ChildID string
}) (any, error) {
	o, err := s.reader(call)
	if err != nil {
		return nil, err
	}
	parent := ""
	if m := o.account(in.ChildID); m != nil {
		parent = m.parent
	} else if u := o.unit(in.ChildID); u != nil {
		parent = u.parent
	} else {
		return nil, protocol.Errorf("ChildNotFoundException",
			"We can't find an organizational unit (OU) or AWS account with the ChildId that you specified.")
	}
	kind := "ORGANIZATIONAL_UNIT"
	if parent == o.root {
		kind = "ROOT"
	}
	return map[string]any{"Parents": []map[string]any{{"Id": parent, "Type": kind}}}, nil
}

func (s *Service) moveAccount(call *protocol.Call, in struct {
	AccountID, SourceParentID, DestinationParentID string
}) (any, error) {
	o, err := s.manager(call)
	if err != nil {
		return nil, err
	}
	m := o.account(in.AccountID)
	switch {
	case m == nil:
		return nil, accountNotFound()
	case !o.isParent(in.SourceParentID) || m.parent != in.SourceParentID:
		return nil, protocol.Errorf("SourceParentNotFoundException",
			"We can't find a source root or OU with the ParentId that you specified.")
	case !o.isParent(in.DestinationParentID):
		return nil, protocol.Errorf("DestinationParentNotFoundException",
			"We can't find the destination container (a root or OU) with the ParentId that you specified.")
	case in.SourceParentID == in.DestinationParentID:
		return nil, protocol.Errorf("DuplicateAccountException",
			"That account is already present in the specified destination.")
	}
	before := o.path(m.parent)
	m.parent = in.DestinationParentID
	s.changes = append(s.changes, Change{
		Management: o.management, Account: m.id, Before: before, After: o.path(m.parent),
	})
	return nil, nil
}
