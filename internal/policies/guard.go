package policies

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// GuardPolicy is the name of the inline policy that denies changes to what grants a role its access, to the rest of the
// installation (Environment.Protected), and to other installations in the account: a vendor role could otherwise
// delete the stack that defines it, or silence the check that watches it. The role that the vendor assumes always has
// it, so that it also holds if somebody attaches another policy to that role; other roles have it if their other
// policies reach anything of the installation.
const GuardPolicy = "PermstackGuard"

// GuardSid is the Sid of its statement.
const GuardSid = "Guard"

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

// guard returns the guard of a role, and false if it has none. The guard of the first role, which the vendor assumes,
// is for the roles, policies, instance profiles and stacks of the set always, and for what else is protected if the
// role's other policies allow a change of it. A guard of every resource in every role would exceed IAM's quota of
// inline policies and CloudFormation's limit of a template.
func (s synthesis) guard(role Role) (Policy, bool) {
	const why = "deny every change of this installation, whatever other policies allow"
	first := role.Entity == s.chosen.roles[0].Entity
	entities := slices.Concat(s.guardedEntities(role), s.referencedARNs("stacks", ""))
	var resources iampolicy.Values
	for _, r := range slices.Concat(entities, s.installationPatterns(role), s.names.env.Protected) {
		always := first && slices.Contains(entities, r)
		if (always || role.changes(r)) && !coveredBy(resources, r) {
			resources = append(resources, r)
		}
	}
	return Policy{
		Entity: GuardPolicy, Name: GuardPolicy, Description: sentence(why),
		Document: iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Sid: GuardSid, Effect: "Deny", NotAction: role.allowedByGuard(resources), Resource: resources,
		}}},
		Grants: []Grant{{Sid: GuardSid, Why: why}},
	}, len(resources) > 0
}

// installationPatterns returns patterns of what every installation in the account has beside the entities of its roles,
// as far as the role may change it: permission stacks, whose names contain "-permstack-", and parents whose names
// contain "permstack"; topics, rules, queues and parameters of the parent template; and the topics and rules of other
// profiles.
func (s synthesis) installationPatterns(role Role) []string {
	var patterns []string
	add := func(actions string, resources ...string) {
		for _, r := range resources {
			if r = s.terms.expand("arn:${Partition}:" + r); role.mayChange(r, actions) {
				patterns = append(patterns, r)
			}
		}
	}
	add("cloudformation:*", "cloudformation:*:${Account}:stack/*permstack*")
	topics, rules := []string{"sns:*:${Account}:permstack-*"}, []string{"events:*:${Account}:rule/permstack-*"}
	if role.mayChange("*", "sns:*") || role.mayChange("*", "events:*") {
		for _, name := range ProfileNames() {
			p, _ := profile(name)
			if name == s.profile.Name {
				continue
			}
			for _, t := range p.Topics {
				topics = append(topics, "sns:*:${Account}:"+t.Entity+"-*")
			}
			var entities []string
			for _, r := range p.Rules {
				entities = append(entities, r.Entity)
			}
			if prefix := commonPrefix(entities); prefix != "" {
				rules = append(rules, "events:*:${Account}:rule/"+prefix+"*")
			}
		}
	}
	add("sns:*", topics...)
	add("events:*", rules...)
	// CloudFormation names the queues of the parent template by its logical IDs.
	add("sqs:*", "sqs:*:${Account}:*-DriftEvents-*", "sqs:*:${Account}:*-DriftFailures-*")
	// Other actions of Systems Manager are for other resources, and granted on all of them.
	add("ssm:*Parameter*", "ssm:*:${Account}:parameter/permstack-*")
	return patterns
}

// mayChange reports whether the role's policies may allow one of some actions, given as a pattern, on resources. The
// parts of ARNs are compared one by one, because a * for an unknown account would match the name, too.
func (r Role) mayChange(resources, actions string) bool {
	service, _, _ := strings.Cut(actions, ":")
	return r.allows(func(st iampolicy.Statement) bool {
		return slices.ContainsFunc(st.Action, func(a string) bool {
			return guarded(a, service) && iampolicy.Overlap(a, actions)
		}) && slices.ContainsFunc(st.Resource, func(resource string) bool {
			return resource == "*" || resources == "*" ||
				iampolicy.OverlapARN(resource, resources)
		})
	})
}

// coveredBy reports whether one of the patterns matches all that a resource, which may be a pattern, matches.
func coveredBy(patterns []string, resource string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return iampolicy.Covers(p, resource) })
}

// allowedByGuard returns the actions of guardAllows that the role's other policies grant, for services of the guarded
// resources. A NotAction needs one action; for a role that is granted none it is a read.
func (r Role) allowedByGuard(resources []string) iampolicy.Values {
	services := []string{"sts"} // the actions for roles
	for _, arn := range resources {
		services = append(services, serviceInARN(arn))
	}
	var out iampolicy.Values
	for _, allowed := range guardAllows {
		service, _, _ := strings.Cut(allowed, ":")
		granted := func(action string) bool { return iampolicy.Overlap(action, allowed) }
		if slices.Contains(services, service) &&
			r.allows(func(st iampolicy.Statement) bool { return slices.ContainsFunc(st.Action, granted) }) {
			out = append(out, allowed)
		}
	}
	if len(out) == 0 {
		return iampolicy.Values{"iam:Get*"}
	}
	return out
}

// serviceInARN returns the service of an ARN, which may have pseudo parameters.
func serviceInARN(arn string) string {
	return strings.SplitN(strings.ReplaceAll(arn, "${AWS::", "${"), ":", 4)[2]
}

// allows reports whether an allowing statement of the role matches.
func (r Role) allows(match func(iampolicy.Statement) bool) bool {
	for _, p := range slices.Concat(r.Managed, r.Inline) {
		for _, st := range p.Document.Statement {
			if st.Effect == "Allow" && match(st) {
				return true
			}
		}
	}
	return false
}

// guardedEntities returns the ARNs of the roles, policies and instance profiles of the set.
func (s synthesis) guardedEntities(role Role) []string {
	if path := s.names.env.Path; path != "/" && !role.createsBelow(path) {
		// One pattern for roles, policies and instance profiles: an inline policy has no space for a long path three times.
		return []string{s.terms.expand("arn:${Partition}:iam::${Account}:*") + path + "*"}
	}
	out := append(s.referencedARNs("roles", "*"), s.referencedARNs("policies", "*")...)
	for _, r := range s.chosen.roles {
		if r.InstanceProfile != "" && s.choice.hasAny(r.InstanceProfileFor) {
			name := s.names.path() + s.names.physical(r.InstanceProfile)
			out = append(out, s.terms.expand("arn:${Partition}:iam::${Account}:instance-profile")+name)
		}
	}
	return out
}

// createsBelow reports whether the role may change roles of its own below a path, such as the roles that restores
// create. They are not part of the set.
func (r Role) createsBelow(path string) bool {
	below := func(resource string) bool { return strings.Contains(resource, ":role"+path) }
	change := func(action string) bool { return guarded(action, "iam") }
	return r.allows(func(st iampolicy.Statement) bool {
		return slices.ContainsFunc(st.Resource, below) && slices.ContainsFunc(st.Action, change)
	})
}

// changes reports whether the role's policies may allow an action of the resource's service, on the resource, that the
// guard denies and that is not a read. Conditions are taken as met.
func (r Role) changes(resource string) bool {
	service := serviceInARN(resource)
	change := func(action string) bool { return guarded(action, service) }
	return r.allows(func(st iampolicy.Statement) bool {
		return overlapsAny(st.Resource, resource) && slices.ContainsFunc(st.Action, change)
	})
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
	a, ok := iampolicy.ParseARN(arn)
	if !ok || a.Resource == "" || a.Resource == "*" || a.Service == "*" {
		return "give the ARN of one resource"
	}
	return ""
}

// WithoutUnnamedStack returns the set without the stack in its guards if the stack has no name, as in an environment
// without StackNames: outside a template, where ${AWS::StackName} is nothing, there is no stack to protect.
func (s Set) WithoutUnnamedStack() Set {
	s.Roles = slices.Clone(s.Roles)
	for i, r := range s.Roles {
		s.Roles[i].Inline = slices.Clone(r.Inline)
		for j, p := range r.Inline {
			if p.Entity != GuardPolicy {
				continue
			}
			p.Document.Statement = slices.Clone(p.Document.Statement)
			st := &p.Document.Statement[0]
			st.Resource = slices.DeleteFunc(slices.Clone(st.Resource), func(r string) bool {
				return strings.Contains(r, pseudoStack)
			})
			s.Roles[i].Inline[j] = p
		}
	}
	return s
}
