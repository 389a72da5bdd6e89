package iam

import "permstack/internal/fakeaws/protocol"

// permissions returns the permissions that a call requires; it runs with the
// account locked. Sources: "Actions, resources, and condition keys for AWS
// IAM" (Service Authorization Reference).
type permissions func(*account, *protocol.Call) []protocol.Access

// onAny is for the lists (ListRoles and the like), which have no
// resource-level permissions.
func onAny(_ *account, call *protocol.Call) []protocol.Access {
	return protocol.OnAnyResource("iam:" + call.Action)(call)
}

// onRole is for actions on the role that RoleName names.
func onRole(a *account, call *protocol.Call) []protocol.Access {
	r := a.roles[lower(call.Str("RoleName"))]
	if r == nil {
		return require(call, a.newARN(call, "role", "RoleName"), nil)
	}
	return require(call, r.arn, r.tags)
}

// onNewRole is for CreateRole.
func onNewRole(a *account, call *protocol.Call) []protocol.Access {
	out := require(call, a.newARN(call, "role", "RoleName"), nil)
	addBoundary(out[0].Context, call.Str("PermissionsBoundary"))
	return withTagging(out, call, "iam:TagRole")
}

// onRolePolicies is for actions with the condition keys
// iam:PermissionsBoundary (the boundary that the role has, or gets by the call)
// and iam:PolicyARN (Service Authorization Reference, "Actions, resources, and
// condition keys for AWS Identity and Access Management").
func onRolePolicies(a *account, call *protocol.Call) []protocol.Access {
	out := onRole(a, call)
	boundary := call.Str("PermissionsBoundary")
	if r := a.roles[lower(call.Str("RoleName"))]; r != nil && !call.Has("PermissionsBoundary") {
		boundary = r.boundary
	}
	addBoundary(out[0].Context, boundary)
	if call.Has("PolicyArn") {
		out[0].Context["iam:PolicyARN"] = []string{call.Str("PolicyArn")}
	}
	return out
}

func addBoundary(context map[string][]string, boundary string) {
	if boundary != "" {
		context["iam:PermissionsBoundary"] = []string{boundary}
	}
}

// onPolicy is for actions on the policy that PolicyArn names.
func onPolicy(a *account, call *protocol.Call) []protocol.Access {
	arn := call.Str("PolicyArn")
	if p := a.policyByARN(call.Partition, arn); p != nil {
		return require(call, arn, p.tags)
	}
	return require(call, arn, nil)
}

// onNewPolicy is for CreatePolicy.
func onNewPolicy(a *account, call *protocol.Call) []protocol.Access {
	return withTagging(require(call, a.newARN(call, "policy", "PolicyName"), nil), call, "iam:TagPolicy")
}

// onProfile is for actions on the instance profile that InstanceProfileName names.
func onProfile(a *account, call *protocol.Call) []protocol.Access {
	p := a.profiles[lower(call.Str("InstanceProfileName"))]
	if p == nil {
		return require(call, a.newARN(call, "instance-profile", "InstanceProfileName"), nil)
	}
	return require(call, p.arn, p.tags)
}

// onNewProfile is for CreateInstanceProfile.
func onNewProfile(a *account, call *protocol.Call) []protocol.Access {
	out := require(call, a.newARN(call, "instance-profile", "InstanceProfileName"), nil)
	return withTagging(out, call, "iam:TagInstanceProfile")
}

// onProfileAndRole is for AddRoleToInstanceProfile, which also passes the role
// to EC2. The call itself refuses a role that does not exist.
func onProfileAndRole(a *account, call *protocol.Call) []protocol.Access {
	out := onProfile(a, call)
	if r := a.roles[lower(call.Str("RoleName"))]; r != nil {
		out = append(out, protocol.PassRole(r.arn, "ec2.amazonaws.com"))
	}
	return out
}

// require returns the permission for the call's own action on a resource with
// these tags.
func require(call *protocol.Call, arn string, tags []protocol.Tag) []protocol.Access {
	context := protocol.TagContext(call.Tags("Tags"), call.List("TagKeys"), tags)
	for _, t := range tags {
		context["iam:ResourceTag/"+t.Key] = []string{t.Value}
	}
	return []protocol.Access{{Action: "iam:" + call.Action, Resource: arn, Context: context}}
}

// withTagging adds the permission to tag, which a creation with tags requires.
func withTagging(out []protocol.Access, call *protocol.Call, action string) []protocol.Access {
	if len(call.Tags("Tags")) == 0 {
		return out
	}
	return append(out, protocol.Access{Action: action, Resource: out[0].Resource, Context: out[0].Context})
}

// newARN returns the ARN that a resource has, or would have, by the call alone.
func (a *account) newARN(call *protocol.Call, kind, nameParameter string) string {
	path := "/"
	if call.Has("Path") {
		path = call.Str("Path")
	}
	return call.ARN("iam", "", a.id, kind+path+call.Str(nameParameter))
}
