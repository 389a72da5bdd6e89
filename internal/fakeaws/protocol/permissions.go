package protocol

import (
	"strings"

	"permstack/internal/awsapi/region"
)

// Access is one permission: an IAM action on a resource, with its condition
// keys.
type Access struct {
	Action   string              // "iam:CreateRole"
	Resource string              // an ARN, or "*" for actions without resource-level permissions
	Context  map[string][]string // condition keys besides the global ones; names in any case
}

// Permissions returns the permissions that a call requires. One call may
// require several: CreateRole with tags also requires iam:TagRole. An empty
// result means that the call requires none.
type Permissions func(*Call) []Access

// OnAnyResource returns the permissions of an action without resource-level
// permissions, such as iam:ListRoles.
func OnAnyResource(action string) Permissions {
	return func(*Call) []Access { return []Access{{Action: action, Resource: "*"}} }
}

// NoPermissions is declared for actions that every caller may use, such as
// sts:GetCallerIdentity.
func NoPermissions(*Call) []Access { return nil }

// CheckedByHandler is declared for actions whose handler checks the caller's
// permissions itself with Call.Authorize, because what is required depends on
// more than the request.
func CheckedByHandler(*Call) []Access { return nil }

// Authorize checks one more permission of the caller in the course of this
// call. The account's own credentials may do everything; a role session is
// bound by the role's policies and permissions boundary. The result is nil or
// the *Error to send (AccessDenied in the words of AWS).
func (c *Call) Authorize(action, resource string, context map[string][]string) error {
	if c.Authorizer == nil {
		return nil
	}
	return c.Authorizer(Access{Action: action, Resource: resource, Context: context})
}

// PassRole returns the permission to hand a role to an AWS service, such as
// "ec2.amazonaws.com".
func PassRole(roleARN, service string) Access {
	return Access{
		Action: "iam:PassRole", Resource: roleARN,
		Context: map[string][]string{"iam:PassedToService": {service}},
	}
}

// TagContext returns the condition keys of the tags in a request
// (aws:RequestTag/…, aws:TagKeys), of the tag keys that it removes
// (aws:TagKeys) and of the tags of the resource (aws:ResourceTag/…).
func TagContext(request []Tag, removed []string, resource []Tag) map[string][]string {
	out := map[string][]string{}
	for _, t := range request {
		out["aws:RequestTag/"+t.Key] = []string{t.Value}
		out["aws:TagKeys"] = append(out["aws:TagKeys"], t.Key)
	}
	if len(removed) > 0 {
		out["aws:TagKeys"] = removed
	}
	for _, t := range resource {
		out["aws:ResourceTag/"+t.Key] = []string{t.Value}
	}
	return out
}

// ARN returns an ARN in the call's partition. Global services leave region
// empty.
func (c *Call) ARN(service, region, account, resource string) string {
	return strings.Join([]string{"arn", c.Partition, service, region, account, resource}, ":")
}

// Partition returns the partition of a Region, "aws" for an unknown one.
func Partition(name string) string {
	if p, ok := region.Lookup(name); ok {
		return p.ID
	}
	return "aws"
}
