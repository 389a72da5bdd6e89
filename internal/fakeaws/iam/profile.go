package iam

import (
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

type profile struct {
	name, path, id, arn string
	created             time.Time
	role                *role // at most one
	tags                []protocol.Tag
}

type xmlProfile struct {
	Path                string
	InstanceProfileName string
	InstanceProfileId   string
	Arn                 string
	CreateDate          protocol.Time
	Roles               []xmlRole `xml:"Roles>member"`
	Tags                *xmlTags  `xml:",omitempty"`
}

func (p *profile) brief() xmlProfile {
	x := xmlProfile{
		Path:                p.path,
		InstanceProfileName: p.name,
		InstanceProfileId:   p.id,
		Arn:                 p.arn,
		CreateDate:          protocol.Time(p.created),
	}
	if p.role != nil {
		x.Roles = []xmlRole{p.role.brief()}
	}
	return x
}

func (p *profile) full() xmlProfile {
	x := p.brief()
	x.Tags = tagsXML(p.tags)
	return x
}

type profileResult struct{ InstanceProfile xmlProfile }

// profile returns the instance profile that a call names.
func (a *account) profile(call *protocol.Call) (*profile, error) {
	name := call.Str("InstanceProfileName")
	if err := checkName("instanceProfileName", name, 128); err != nil {
		return nil, err
	}
	p := a.profiles[lower(name)]
	if p == nil {
		return nil, noSuchEntity("Instance Profile %s cannot be found.", name)
	}
	return p, nil
}

// profilesWithRole returns the instance profiles that contain a role.
func (a *account) profilesWithRole(r *role) []*profile {
	var out []*profile
	for _, p := range a.profiles {
		if p.role == r {
			out = append(out, p)
		}
	}
	return out
}

func createInstanceProfile(a *account, call *protocol.Call) (any, error) {
	in, err := parseCreation(call, "InstanceProfileName", 128)
	if err != nil {
		return nil, err
	}
	if a.profiles[lower(in.name)] != nil {
		return nil, alreadyExists("Instance Profile %s already exists.", in.name)
	}
	p := &profile{
		name: in.name, path: in.path, id: newID("AIPA"), created: a.clock(), tags: in.tags,
		arn: call.ARN("iam", "", a.id, "instance-profile"+in.path+in.name),
	}
	a.profiles[lower(in.name)] = p
	return profileResult{p.full()}, nil
}

func getInstanceProfile(a *account, call *protocol.Call) (any, error) {
	p, err := a.profile(call)
	if err != nil {
		return nil, err
	}
	return profileResult{p.full()}, nil
}

func deleteInstanceProfile(a *account, call *protocol.Call) (any, error) {
	p, err := a.profile(call)
	if err != nil {
		return nil, err
	}
	if p.role != nil {
		return nil, deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	delete(a.profiles, lower(p.name))
	return nil, nil
}

type profileList struct {
	InstanceProfiles []xmlProfile `xml:"InstanceProfiles>member"`
	page
}

func listProfiles(call *protocol.Call, profiles []xmlProfile) (any, error) {
	profiles, p, err := paginate(call, profiles, func(p xmlProfile) string { return p.InstanceProfileName })
	if err != nil {
		return nil, err
	}
	return profileList{profiles, p}, nil
}

func listInstanceProfiles(a *account, call *protocol.Call) (any, error) {
	var out []xmlProfile
	for _, p := range a.profiles {
		if strings.HasPrefix(p.path, call.Str("PathPrefix")) {
			out = append(out, p.brief())
		}
	}
	return listProfiles(call, out)
}

func listInstanceProfilesForRole(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	var out []xmlProfile
	for _, p := range a.profilesWithRole(r) {
		out = append(out, p.brief())
	}
	return listProfiles(call, out)
}

func addRoleToInstanceProfile(a *account, call *protocol.Call) (any, error) {
	p, err := a.profile(call)
	if err != nil {
		return nil, err
	}
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	if p.role != nil {
		return nil, limitExceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	}
	p.role = r
	return nil, nil
}

func removeRoleFromInstanceProfile(a *account, call *protocol.Call) (any, error) {
	p, err := a.profile(call)
	if err != nil {
		return nil, err
	}
	name := call.Str("RoleName")
	if err := checkName("roleName", name, 64); err != nil {
		return nil, err
	}
	if p.role == nil || !strings.EqualFold(p.role.name, name) {
		return nil, noRole(name)
	}
	p.role = nil
	return nil, nil
}
