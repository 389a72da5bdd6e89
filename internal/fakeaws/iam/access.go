package iam

import (
	"slices"

	"permstack/internal/fakeaws/protocol"
)

// onRole are the actions whose resource is the role that RoleName names.
var onRole = []string{
	"CreateRole", "GetRole", "DeleteRole", "UpdateRole", "UpdateRoleDescription", "UpdateAssumeRolePolicy",
	"TagRole", "UntagRole", "ListRoleTags", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary",
	"PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies",
	"AttachRolePolicy", "DetachRolePolicy", "ListAttachedRolePolicies", "ListInstanceProfilesForRole",
}

// seesBoundary are the actions that know iam:PermissionsBoundary ("Actions,
// resources, and condition keys for IAM", Service Authorization Reference).
var seesBoundary = []string{
	"CreateRole", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary",
	"PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy",
}

// onPolicy are the actions whose resource is the policy that PolicyArn names.
var onPolicy = []string{
	"GetPolicy", "DeletePolicy", "CreatePolicyVersion", "GetPolicyVersion", "DeletePolicyVersion", "ListPolicyVersions",
	"SetDefaultPolicyVersion", "TagPolicy", "UntagPolicy", "ListPolicyTags", "ListEntitiesForPolicy",
}

// onProfile are the actions whose resource is the instance profile.
var onProfile = []string{
	"CreateInstanceProfile", "GetInstanceProfile", "DeleteInstanceProfile", "AddRoleToInstanceProfile",
	"RemoveRoleFromInstanceProfile", "TagInstanceProfile", "UntagInstanceProfile", "ListInstanceProfileTags",
}

// access says which permissions a call needs. The lists (ListRoles and its
// like) know no resource: they need "*".
func (s *Service) access(call *protocol.Call) []protocol.Access {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(call.Account)
	request := call.Tags("Tags")
	out := protocol.Access{Action: "iam:" + call.Action}
	var tagAction string
	switch {
	case slices.Contains(onRole, call.Action):
		arn, tags, boundary := a.roleForAccess(call)
		out.Resource, out.Context, tagAction = arn, tagKeys(request, call.List("TagKeys"), tags), "iam:TagRole"
		if slices.Contains(seesBoundary, call.Action) && boundary != "" {
			out.Context["iam:PermissionsBoundary"] = []string{boundary}
		}
		if call.Has("PolicyArn") {
			out.Context["iam:PolicyARN"] = []string{call.Str("PolicyArn")}
		}
	case slices.Contains(onPolicy, call.Action):
		var tags []protocol.Tag
		if p := a.policyByARN(call.Partition, call.Str("PolicyArn")); p != nil {
			tags = p.tags
		}
		out.Resource, out.Context = call.Str("PolicyArn"), tagKeys(request, call.List("TagKeys"), tags)
	case call.Action == "CreatePolicy":
		out.Resource, tagAction = a.newARN(call, "policy", "PolicyName"), "iam:TagPolicy"
		out.Context = tagKeys(request, nil, nil)
	case slices.Contains(onProfile, call.Action):
		var tags []protocol.Tag
		out.Resource, tagAction = a.newARN(call, "instance-profile", "InstanceProfileName"), "iam:TagInstanceProfile"
		if p := a.profiles[lower(call.Str("InstanceProfileName"))]; p != nil && call.Action != "CreateInstanceProfile" {
			out.Resource, tags = p.arn, p.tags
		}
		out.Context = tagKeys(request, call.List("TagKeys"), tags)
	default:
		return nil
	}
	needed := []protocol.Access{out}
	if len(request) > 0 && tagAction != "" && out.Action != tagAction {
		needed = append(needed, protocol.Access{Action: tagAction, Resource: out.Resource, Context: out.Context})
	}
	return needed
}

// roleForAccess gives the ARN, the tags and the boundary by which a call on a
// role is judged: those of the role, or those asked for where the call sets them.
func (a *account) roleForAccess(call *protocol.Call) (arn string, tags []protocol.Tag, boundary string) {
	arn = a.newARN(call, "role", "RoleName")
	if r := a.roles[lower(call.Str("RoleName"))]; r != nil && call.Action != "CreateRole" {
		arn, tags, boundary = r.arn, r.tags, r.boundary
	}
	if call.Has("PermissionsBoundary") {
		boundary = call.Str("PermissionsBoundary")
	}
	return arn, tags, boundary
}

// newARN is the ARN that a thing has, or would have, by the call alone.
func (a *account) newARN(call *protocol.Call, kind, nameParameter string) string {
	path := "/"
	if call.Has("Path") {
		path = call.Str("Path")
	}
	return call.ARN("iam", "", a.id, kind+path+call.Str(nameParameter))
}

// tagKeys is wire.TagContext with the tag keys of an untagging call, and with
// IAM's own name for the tags of a resource.
func tagKeys(request []protocol.Tag, removed []string, resource []protocol.Tag) map[string][]string {
	out := protocol.TagContext(request, resource)
	if len(removed) > 0 {
		out["aws:TagKeys"] = removed
	}
	for _, t := range resource {
		out["iam:ResourceTag/"+t.Key] = []string{t.Value}
	}
	return out
}

// passRole asks for iam:PassRole where a call hands a role to a service: an
// instance profile hands it to EC2.
func (s *Service) passRole(call *protocol.Call) error {
	if call.Action != "AddRoleToInstanceProfile" {
		return nil
	}
	role, ok := s.Lookup(call.Account, call.Str("RoleName"))
	if !ok {
		return nil // the call itself will say so
	}
	return call.Authorize("iam:PassRole", role.ARN, map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}})
}
