package iam

import (
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

type role struct {
	name, path, id, arn string
	created             time.Time
	trust               string
	description         string
	maxSession          int
	boundary            string // ARN of the permissions boundary, or empty
	tags                []protocol.Tag
	inline              map[string]inlinePolicy // by name in lower case
	attached            []string                // ARNs in the order of attachment
}

// xmlRole is a role in a response.
type xmlRole struct {
	Path                     string
	RoleName                 string
	RoleId                   string
	Arn                      string
	CreateDate               protocol.Time
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	PermissionsBoundary      *xmlBoundary `xml:",omitempty"`
	Tags                     *xmlTags     `xml:",omitempty"`
	RoleLastUsed             *struct{}    `xml:",omitempty"`
}

type xmlBoundary struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

type xmlTags struct {
	Member []protocol.Tag `xml:"member"`
}

func tagsXML(tags []protocol.Tag) *xmlTags {
	if len(tags) == 0 {
		return nil
	}
	return &xmlTags{append([]protocol.Tag(nil), tags...)}
}

// brief returns the role as in lists: without tags, boundary and last use.
func (r *role) brief() xmlRole {
	return xmlRole{
		Path: r.path, RoleName: r.name, RoleId: r.id, Arn: r.arn, CreateDate: protocol.Time(r.created),
		AssumeRolePolicyDocument: encodeDocument(r.trust),
		Description:              r.description, MaxSessionDuration: r.maxSession,
	}
}

// full returns the role as in GetRole.
func (r *role) full() xmlRole {
	x := r.brief()
	x.Tags, x.RoleLastUsed = tagsXML(r.tags), &struct{}{}
	if r.boundary != "" {
		x.PermissionsBoundary = &xmlBoundary{"Policy", r.boundary}
	}
	return x
}

type roleResult struct{ Role xmlRole }

// role returns the role that a call names.
func (a *account) role(call *protocol.Call) (*role, error) {
	name := call.Str("RoleName")
	if err := checkName("roleName", name, 64); err != nil {
		return nil, err
	}
	r := a.roles[lower(name)]
	if r == nil {
		return nil, noRole(name)
	}
	return r, nil
}

func createRole(a *account, call *protocol.Call) (any, error) {
	in, err := parseCreation(call, "RoleName", 64)
	if err != nil {
		return nil, err
	}
	maxSession, err := parseSessionDuration(call, 3600)
	if err != nil {
		return nil, err
	}
	trust, err := a.parseTrustPolicy(call, "AssumeRolePolicyDocument")
	if err != nil {
		return nil, err
	}
	boundary, err := a.parseBoundary(call, call.Str("PermissionsBoundary"))
	if err != nil {
		return nil, err
	}
	if a.roles[lower(in.name)] != nil {
		return nil, alreadyExists("Role with name %s already exists.", in.name)
	}
	r := &role{
		name: in.name, path: in.path, id: newID("AROA"), arn: call.ARN("iam", "", a.id, "role"+in.path+in.name),
		created: a.clock(), trust: trust, description: in.description, maxSession: maxSession, boundary: boundary,
		tags:   in.tags,
		inline: map[string]inlinePolicy{},
	}
	a.roles[lower(in.name)] = r
	return roleResult{r.full()}, nil
}

func getRole(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	return roleResult{r.full()}, nil
}

func deleteRole(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	if len(a.profilesWithRole(r)) > 0 {
		return nil, deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	if len(r.attached) > 0 {
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	}
	if len(r.inline) > 0 {
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	delete(a.roles, lower(r.name))
	a.service.deleted(r)
	return nil, nil
}

func listRoles(a *account, call *protocol.Call) (any, error) {
	prefix := call.Str("PathPrefix")
	var roles []xmlRole
	for _, r := range a.roles {
		if strings.HasPrefix(r.path, prefix) {
			roles = append(roles, r.brief())
		}
	}
	roles, p, err := paginate(call, roles, func(r xmlRole) string { return r.RoleName })
	if err != nil {
		return nil, err
	}
	return struct {
		Roles []xmlRole `xml:"Roles>member"`
		page
	}{roles, p}, nil
}

func updateRole(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	description, err := parseDescription(call)
	if err != nil {
		return nil, err
	}
	maxSession, err := parseSessionDuration(call, r.maxSession)
	if err != nil {
		return nil, err
	}
	if call.Has("Description") {
		r.description = description
	}
	r.maxSession = maxSession
	return nil, nil
}

func updateRoleDescription(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	description, err := parseDescription(call)
	if err != nil {
		return nil, err
	}
	r.description = description
	return roleResult{r.full()}, nil
}

func updateAssumeRolePolicy(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	trust, err := a.parseTrustPolicy(call, "PolicyDocument")
	if err != nil {
		return nil, err
	}
	r.trust = trust
	return nil, nil
}

// parseBoundary returns the ARN of a permissions boundary, whose policy must
// exist. An empty ARN is no boundary.
func (a *account) parseBoundary(call *protocol.Call, arn string) (string, error) {
	if arn == "" {
		return "", nil
	}
	if err := checkPolicyARN(arn); err != nil {
		return "", err
	}
	if a.policyByARN(call.Partition, arn) == nil {
		return "", noSuchEntity("Scope ARN: %s does not exist or is not attachable.", arn)
	}
	return arn, nil
}

func putRolePermissionsBoundary(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	if call.Str("PermissionsBoundary") == "" {
		return nil, constraint("permissionsBoundary", "", "Member must have length greater than or equal to 20")
	}
	boundary, err := a.parseBoundary(call, call.Str("PermissionsBoundary"))
	if err != nil {
		return nil, err
	}
	r.boundary = boundary
	return nil, nil
}

func deleteRolePermissionsBoundary(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	r.boundary = ""
	return nil, nil
}
