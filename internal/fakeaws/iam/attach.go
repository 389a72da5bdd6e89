package iam

import (
	"slices"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

func attachRolePolicy(a *account, call *protocol.Call) (any, error) {
	arn := call.Str("PolicyArn")
	if err := checkPolicyARN(arn); err != nil {
		return nil, err
	}
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	if a.policyByARN(call.Partition, arn) == nil {
		return nil, notAttachable(arn)
	}
	if slices.Contains(r.attached, arn) {
		return nil, nil
	}
	if len(r.attached) >= maxAttachments {
		return nil, limitExceeded("Cannot exceed quota for PoliciesPerRole: %d", maxAttachments)
	}
	r.attached = append(r.attached, arn)
	return nil, nil
}

func detachRolePolicy(a *account, call *protocol.Call) (any, error) {
	arn := call.Str("PolicyArn")
	if err := checkPolicyARN(arn); err != nil {
		return nil, err
	}
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	i := slices.Index(r.attached, arn)
	if i < 0 {
		return nil, noPolicy(arn)
	}
	r.attached = slices.Delete(r.attached, i, i+1)
	return nil, nil
}

type attachedPolicy struct{ PolicyName, PolicyArn string }

func listAttachedRolePolicies(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	prefix := call.Str("PathPrefix")
	var out []attachedPolicy
	for _, arn := range r.attached {
		p := a.policyByARN(call.Partition, arn)
		if p != nil && strings.HasPrefix(p.path, prefix) {
			out = append(out, attachedPolicy{p.name, p.arn})
		}
	}
	out, pg, err := paginate(call, out, func(p attachedPolicy) string { return p.PolicyArn })
	if err != nil {
		return nil, err
	}
	return struct {
		AttachedPolicies []attachedPolicy `xml:"AttachedPolicies>member"`
		page
	}{out, pg}, nil
}

type policyRole struct{ RoleName, RoleId string }

func listEntitiesForPolicy(a *account, call *protocol.Call) (any, error) {
	p, err := a.policy(call)
	if err != nil {
		return nil, err
	}
	usage, entity, prefix := call.Str("PolicyUsageFilter"), call.Str("EntityFilter"), call.Str("PathPrefix")
	var out []policyRole
	for _, r := range a.roles {
		attached := usage != "PermissionsBoundary" && slices.Contains(r.attached, p.arn)
		boundary := usage != "PermissionsPolicy" && r.boundary == p.arn
		if (attached || boundary) && (entity == "" || entity == "Role") && strings.HasPrefix(r.path, prefix) {
			out = append(out, policyRole{r.name, r.id})
		}
	}
	out, pg, err := paginate(call, out, func(r policyRole) string { return r.RoleName })
	if err != nil {
		return nil, err
	}
	return struct {
		PolicyGroups []struct{}   `xml:"PolicyGroups>member"`
		PolicyUsers  []struct{}   `xml:"PolicyUsers>member"`
		PolicyRoles  []policyRole `xml:"PolicyRoles>member"`
		page
	}{PolicyRoles: out, page: pg}, nil
}
