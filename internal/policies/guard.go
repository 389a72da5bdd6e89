package policies

import (
	"strings"

	"permstack/internal/iampolicy"
)

// GuardPolicy is the name of the inline policy that denies changes to the installation itself, in every role if
// Environment.Protected is set: a vendor role could otherwise delete the stack that defines it, or silence the check that
// watches it.
const GuardPolicy = "PermstackGuard"

// guardAllows are the actions that the guard does not deny: what vendors read of their own installation, and what they do
// with its roles. Whether they are granted is up to the other policies.
var guardAllows = iampolicy.Values{
	"cloudformation:Describe*", "cloudformation:Detect*", "cloudformation:Get*", "cloudformation:List*",
	"cloudformation:ValidateTemplate",
	"events:Describe*", "events:List*",
	"iam:Get*", "iam:List*", "iam:PassRole", "iam:Simulate*",
	"sns:Get*", "sns:List*",
	"sts:AssumeRole", "sts:TagSession",
}

// guard returns the guard of the installation's own resources: its roles, policies and instance profiles, its stacks, and
// the resources that the environment lists.
func (s synthesis) guard() Policy {
	const why = "deny every change of this installation, whatever other policies allow"
	env := s.names.env
	var resources iampolicy.Values
	if env.Path != "/" {
		// One pattern for roles, policies and instance profiles: an inline policy has no space for a long path three times.
		resources = append(resources, s.terms.expand("arn:${Partition}:iam::${Account}:*")+env.Path+"*")
	} else {
		resources = append(resources, s.referencedARNs("roles", "*")...)
		resources = append(resources, s.referencedARNs("policies", "*")...)
		for _, r := range s.chosen.roles {
			if r.InstanceProfile != "" && s.choice.hasAny(r.InstanceProfileFor) {
				name := s.names.physical(r.InstanceProfile)
				resources = append(resources, s.terms.expand("arn:${Partition}:iam::${Account}:instance-profile/")+name)
			}
		}
	}
	resources = append(resources, s.referencedARNs("stacks", "")...)
	resources = append(resources, env.Protected...)
	return Policy{
		Entity: GuardPolicy, Name: GuardPolicy, Description: sentence(why),
		Document: iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Sid: "ProtectInstallation", Effect: "Deny", NotAction: guardAllows, Resource: resources,
		}}},
		Grants: []Grant{{Sid: "ProtectInstallation", Why: why}},
	}
}

// protectedProblem returns what is wrong with an ARN of Environment.Protected, or "".
func protectedProblem(arn string) string {
	if f := strings.SplitN(arn, ":", 6); len(f) != 6 || f[0] != "arn" || f[5] == "" || f[5] == "*" || f[2] == "*" {
		return "give the ARN of one resource"
	}
	return ""
}
