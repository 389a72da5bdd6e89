package policies_test

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies/schema"
)

// mutant is a profile with one changed statement.
type mutant struct {
	what         string // the change
	role, policy string
	sid          string
	profile      schema.Profile
	statement    schema.Statement // as it is now; its Sid is empty where it was deleted
}

// mutants yields every change to every statement of a profile's policies.
func mutants(p schema.Profile, yield func(mutant)) {
	for i, r := range p.Roles {
		for j, policy := range r.Policies {
			for k, st := range policy.Statements {
				changeStatement(p, policy, st, func(what string, changed schema.Statement) {
					m := mutant{what: what, role: r.Entity, policy: policy.Entity, sid: st.Sid, profile: p, statement: changed}
					m.profile.Roles = slices.Clone(p.Roles)
					m.profile.Roles[i].Policies = slices.Clone(r.Policies)
					list := slices.Clone(policy.Statements)
					if list[k] = changed; changed.Sid == "" {
						list = slices.Delete(list, k, k+1)
					}
					m.profile.Roles[i].Policies[j].Statements = list
					yield(m)
				})
			}
		}
	}
}

func changeStatement(
	p schema.Profile,
	policy schema.Policy,
	st schema.Statement,
	yield func(string, schema.Statement),
) {
	yield("statement removed", schema.Statement{})
	changeConditions(st.When, func(what string, when schema.Conditions) {
		changed := st
		changed.When = when
		yield(what, changed)
	})
	for i, r := range st.Resources {
		for _, wider := range widened(r) {
			changed := st
			changed.Resources = slices.Clone(st.Resources)
			changed.Resources[i] = wider
			yield("resource "+r+" widened to "+wider, changed)
		}
		if len(st.Resources) > 1 {
			changed := st
			changed.Resources = slices.Delete(slices.Clone(st.Resources), i, i+1)
			yield("resource "+r+" removed", changed)
		}
	}
	for i, a := range st.Actions {
		if len(st.Actions) > 1 {
			changed := st
			changed.Actions = slices.Delete(slices.Clone(st.Actions), i, i+1)
			yield("action "+a+" removed", changed)
		}
	}
	for _, a := range policytest.Actions(st.Actions) {
		changed := st
		changed.Actions = append(slices.Clone(st.Actions), a)
		yield("action "+a+" added", changed)
	}
	changeUses(p, policy, st, yield)
}

// changeUses yields mutants of a statement that more selections include.
func changeUses(p schema.Profile, policy schema.Policy, st schema.Statement, yield func(string, schema.Statement)) {
	uses := st.For
	if len(uses) == 0 {
		uses = policy.For
	}
	for i, u := range uses {
		change := func(what string, wider schema.Use) {
			changed := st
			changed.For = slices.Clone(uses)
			changed.For[i] = wider
			yield(what, changed)
		}
		if u.Operation != "" {
			change("for every operation, not "+string(u.Operation), schema.Use{Asset: u.Asset, Option: u.Option})
		}
		if u.Asset != "" {
			change("for every asset, not "+string(u.Asset), schema.Use{Operation: u.Operation, Option: u.Option})
		}
		if u.Option != "" {
			change("without the option "+string(u.Option), schema.Use{Asset: u.Asset, Operation: u.Operation})
		}
	}
}

// changeConditions yields every change to conditions of the catalogue.
func changeConditions(when schema.Conditions, yield func(string, schema.Conditions)) {
	known := policytest.Context{
		More: func(key, operator string) []string {
			switch {
			case key == "aws:PrincipalArn":
				return []string{"arn:${Partition}:iam::${Account}:role/admin"}
			case strings.HasPrefix(operator, "Arn"):
				return []string{"arn:${Partition}:events:${Region}:" + thirdParty + ":event-bus/*"}
			}
			return []string{"other", thirdParty}
		},
		Caseless: func(value string) bool { return strings.HasSuffix(value, "Account}") },
		Wider: func(value string) []string {
			if strings.HasPrefix(value, "arn:") {
				return policytest.ARN(value, thirdParty)
			}
			return policytest.Text(value)
		},
	}
	policytest.Conditions(when, known, func(what string, changed map[string]map[string][]string) { yield(what, changed) })
}

// widened returns resources that match more than a resource of the catalogue.
func widened(resource string) []string {
	if resource == "*" {
		return nil
	}
	if strings.HasPrefix(resource, "${") {
		kind, _, _ := strings.Cut(strings.TrimPrefix(resource, "${"), ":")
		any := map[string]string{
			"roles": "arn:${Partition}:iam::${Account}:role/*", "policies": "arn:${Partition}:iam::${Account}:policy/*",
			"topics":  "arn:${Partition}:sns:${Region}:${Account}:*",
			"rules":   "arn:${Partition}:events:${Region}:${Account}:rule/*",
			"stacks}": "arn:${Partition}:cloudformation:${Region}:${Account}:stack/*",
		}[kind]
		out := []string{any, "*"}
		if kind == "roles" && !strings.HasSuffix(resource, ":*}") {
			out = append(out, "${roles:*}")
		}
		return out
	}
	return policytest.ARN(resource, "${OtherAccount}")
}
