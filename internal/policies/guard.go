package policies

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// GuardPolicy is the name of the inline policy that denies changes to the installation itself, if Environment.Protected
// is set: a vendor role could otherwise delete the stack that defines it, or silence the check that watches it. A role
// has it if its other policies reach anything of the installation.
const GuardPolicy = "PermstackGuard"

// guardAllows are the actions that the guard does not deny: what vendors read of their own installation, and what they
// do with its roles. Whether they are granted is up to the other policies.
var guardAllows = iampolicy.Values{
	"cloudformation:Describe*", "cloudformation:Detect*", "cloudformation:Get*", "cloudformation:List*",
	"cloudformation:ValidateTemplate",
	"events:Describe*", "events:List*",
	"iam:Get*", "iam:List*", "iam:PassRole", "iam:Simulate*",
	"sns:Get*", "sns:List*",
	"sts:AssumeRole", "sts:TagSession",
}

// guardVerbs are the first words of actions that change nothing. The guard does not list a resource for them.
var guardVerbs = []string{"BatchGet", "Describe", "Detect", "Get", "List", "Simulate", "Validate"}

// guard returns the guard of a role, and false if the role's other policies allow no change of the installation. A
// guard of every resource in every role would exceed IAM's quota of inline policies and CloudFormation's limit of a
// template.
func (s synthesis) guard(role Role) (Policy, bool) {
	const why = "deny every change of this installation, whatever other policies allow"
	var resources iampolicy.Values
	for _, r := range s.protected() {
		if !slices.Contains(resources, r) && role.changes(r) {
			resources = append(resources, r)
		}
	}
	return Policy{
		Entity: GuardPolicy, Name: GuardPolicy, Description: sentence(why),
		Document: iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Sid: "ProtectInstallation", Effect: "Deny", NotAction: guardAllows, Resource: resources,
		}}},
		Grants: []Grant{{Sid: "ProtectInstallation", Why: why}},
	}, len(resources) > 0
}

// protected returns the resources of the installation: its roles, policies and instance profiles, its stacks, and the
// resources that the environment lists.
func (s synthesis) protected() []string {
	env := s.names.env
	var out []string
	if env.Path != "/" {
		// One pattern for roles, policies and instance profiles: an inline policy has no space for a long path three times.
		out = append(out, s.terms.expand("arn:${Partition}:iam::${Account}:*")+env.Path+"*")
	} else {
		out = append(out, s.referencedARNs("roles", "*")...)
		out = append(out, s.referencedARNs("policies", "*")...)
		for _, r := range s.chosen.roles {
			if r.InstanceProfile != "" && s.choice.hasAny(r.InstanceProfileFor) {
				name := s.names.physical(r.InstanceProfile)
				out = append(out, s.terms.expand("arn:${Partition}:iam::${Account}:instance-profile/")+name)
			}
		}
	}
	out = append(out, s.referencedARNs("stacks", "")...)
	return append(out, env.Protected...)
}

// changes reports whether the role's policies may allow an action of the resource's service, on the resource, that the
// guard denies and that is not a read. Conditions are taken as met.
func (r Role) changes(resource string) bool {
	service := strings.SplitN(strings.ReplaceAll(resource, "${AWS::", "${"), ":", 4)[2]
	for _, p := range slices.Concat(r.Managed, r.Inline) {
		for _, st := range p.Document.Statement {
			if st.Effect != "Allow" || st.NotResource == nil && !overlapsAny(st.Resource, resource) {
				continue
			}
			if st.NotAction != nil || slices.ContainsFunc(st.Action, func(a string) bool { return guarded(a, service) }) {
				return true
			}
		}
	}
	return false
}

func overlapsAny(patterns []string, resource string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return iampolicy.Overlap(p, resource) })
}

// guarded reports whether an action, which may have wildcards, is one of the service that the guard denies and that is
// not a read.
func guarded(action, service string) bool {
	prefix, name, _ := strings.Cut(action, ":")
	if action != "*" && prefix != service || slices.Contains(guardAllows, action) {
		return false
	}
	return !slices.ContainsFunc(guardVerbs, func(verb string) bool { return strings.HasPrefix(name, verb) })
}

// protectedProblem returns what is wrong with an ARN of Environment.Protected, or "".
func protectedProblem(arn string) string {
	if f := strings.SplitN(arn, ":", 6); len(f) != 6 || f[0] != "arn" || f[5] == "" || f[5] == "*" || f[2] == "*" {
		return "give the ARN of one resource"
	}
	return ""
}
