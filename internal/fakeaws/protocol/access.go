package protocol

import "strings"

// Access is one permission that a call needs: the action, the ARN it works on
// and the condition keys known for it. One call may need several (CreateRole
// with tags also needs iam:TagRole).
type Access struct {
	Action   string              // "iam:CreateRole"
	Resource string              // an ARN, or "*" for actions that know no resource
	Context  map[string][]string // condition keys beside the global ones; names in any case
}

// Authorize asks whether the caller may do one more thing in the course of
// this call, for instance pass a role. The account's own credentials may do
// everything; a role session is judged by the role's policies and boundary.
// The answer is nil or the *Error to send (AccessDenied in the words of AWS).
func (c *Call) Authorize(action, resource string, context map[string][]string) error {
	if c.Authorizer == nil {
		return nil
	}
	return c.Authorizer(Access{Action: action, Resource: resource, Context: context})
}

// TagContext gives the condition keys of the tags that a request carries
// (aws:RequestTag/…, aws:TagKeys) and of those that the resource has
// (aws:ResourceTag/…).
func TagContext(request, resource []Tag) map[string][]string {
	out := map[string][]string{}
	for _, t := range request {
		out["aws:RequestTag/"+t.Key] = []string{t.Value}
		out["aws:TagKeys"] = append(out["aws:TagKeys"], t.Key)
	}
	for _, t := range resource {
		out["aws:ResourceTag/"+t.Key] = []string{t.Value}
	}
	return out
}

// ARN puts an ARN in the call's partition together. Global services leave
// region empty.
func (c *Call) ARN(service, region, account, resource string) string {
	return strings.Join([]string{"arn", c.Partition, service, region, account, resource}, ":")
}

// Partition says which partition a Region belongs to.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	}
	return "aws"
}
