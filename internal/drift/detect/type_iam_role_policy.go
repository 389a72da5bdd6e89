package detect

import (
	"slices"

	"permstack/internal/notify/finding"
)

// iamRolePolicy is an inline policy that is a resource of its own. The live
// comparison of its role includes it.
var iamRolePolicy = &resourceType{
	name:        "AWS::IAM::RolePolicy",
	rank:        2,
	readHandler: []string{"iam:GetRolePolicy"},
	addToRole: func(r *resource, roleName string, role *expectedRole) {
		if text(r.props["RoleName"]) == roleName {
			role.inline[text(r.props["PolicyName"])] = expectedInline{parseDocument(r.props["PolicyDocument"]), r}
		}
	},
	owner:     func(r *resource) (string, []string) { return typeRole, []string{text(r.props["RoleName"])} },
	deletedAs: finding.InlinePolicyRemoved,
}

// iamPolicy is an inline policy of several principals. CloudFormation has no read
// handler for it; the live comparison of its roles includes it.
var iamPolicy = &resourceType{
	name: "AWS::IAM::Policy",
	addToRole: func(r *resource, roleName string, role *expectedRole) {
		if slices.Contains(texts(r.props["Roles"]), roleName) {
			role.inline[text(r.props["PolicyName"])] = expectedInline{parseDocument(r.props["PolicyDocument"]), r}
		}
	},
}
