package policies_test

import (
	"maps"
	"slices"
	"strings"

	"permstack/internal/policies/catalog"
)

// mutant is a profile with one statement changed for the worse.
type mutant struct {
	what         string // the change
	role, policy string
	sid          string
	profile      catalog.Profile
	statement    catalog.Statement // as it is now; its Sid is empty where it is gone
}

// mutants yields every change to every statement of a profile's policies.
func mutants(p catalog.Profile, yield func(mutant)) {
	for i, r := range p.Roles {
		for j, policy := range r.Policies {
			for k, st := range policy.Statements {
				changeStatement(p, policy, st, func(what string, changed catalog.Statement) {
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

func changeStatement(p catalog.Profile, policy catalog.Policy, st catalog.Statement, yield func(string, catalog.Statement)) {
	yield("statement removed", catalog.Statement{})
	changeConditions(st.When, func(what string, when catalog.Conditions) {
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
	service, _, _ := strings.Cut(st.Actions[0], ":")
	for _, a := range slices.Concat(dangerous, []string{"*", service + ":*", service + ":Delete*"}) {
		if !slices.Contains(st.Actions, a) {
			changed := st
			changed.Actions = append(slices.Clone(st.Actions), a)
			yield("action "+a+" added", changed)
		}
	}
	changeUses(p, policy, st, yield)
}

// changeUses has a statement serve more than it is for.
func changeUses(p catalog.Profile, policy catalog.Policy, st catalog.Statement, yield func(string, catalog.Statement)) {
	uses := st.For
	if len(uses) == 0 {
		uses = policy.For
	}
	for i, u := range uses {
		change := func(what string, wider catalog.Use) {
			changed := st
			changed.For = slices.Clone(uses)
			changed.For[i] = wider
			yield(what, changed)
		}
		if u.Operation != "" {
			change("for every operation, not "+string(u.Operation), catalog.Use{Asset: u.Asset, Option: u.Option})
		}
		if u.Asset != "" {
			change("for every asset, not "+string(u.Asset), catalog.Use{Operation: u.Operation, Option: u.Option})
		}
		if u.Option != "" {
			change("without the option "+string(u.Option), catalog.Use{Asset: u.Asset, Operation: u.Operation})
		}
	}
}

// changeConditions drops conditions, turns operators round or into forms that
// hold where a key is absent, and opens their values.
func changeConditions(when catalog.Conditions, yield func(string, catalog.Conditions)) {
	for operator, keys := range when {
		for key, values := range keys {
			without := cloneConditions(when)
			if delete(without[operator], key); len(without[operator]) == 0 {
				delete(without, operator)
			}
			if len(without) == 0 {
				without = nil
			}
			yield("condition on "+key+" dropped", without)

			with := func(operator string, values ...string) {
				changed := cloneConditions(without)
				if changed == nil {
					changed = catalog.Conditions{}
				}
				if changed[operator] == nil {
					changed[operator] = map[string][]string{}
				}
				changed[operator][key] = values
				yield("condition on "+key+" is "+operator+" "+strings.Join(values, ","), changed)
			}
			bare := operator[strings.LastIndex(operator, ":")+1:]
			with(operator+"IfExists", values...)
			if bare == operator {
				with("ForAllValues:"+operator, values...)
			}
			if values[0] != "*" {
				with("StringLike", "*")
			}
			with("Null", "true")
			if negated := map[string]string{"StringEquals": "StringNotEquals", "StringLike": "StringNotLike", "ArnLike": "ArnNotLike", "ArnEquals": "ArnNotEquals"}[bare]; negated != "" {
				with(negated, values...)
			}
			if bare == "StringEquals" {
				if !strings.HasSuffix(values[0], "Account}") { // an id has no letters
					with("StringEqualsIgnoreCase", values...)
				}
				with("StringLike", values[0]+"*")
			}
			if bare == "Bool" {
				with("Bool", "false")
			}
			if len(values) > 1 {
				for i := range values {
					with(operator, slices.Delete(slices.Clone(values), i, i+1)...)
				}
			}
			if values[0] != "*" {
				more := []string{"other", stranger}
				switch {
				case key == "aws:PrincipalArn":
					more = []string{"arn:${Partition}:iam::${Account}:role/admin"}
				case strings.HasPrefix(bare, "Arn"):
					more = []string{"arn:${Partition}:events:${Region}:" + stranger + ":event-bus/*"}
				}
				with(operator, append(slices.Clone(values), more...)...)
			}
		}
	}
}

func cloneConditions(when catalog.Conditions) catalog.Conditions {
	if when == nil {
		return nil
	}
	out := catalog.Conditions{}
	for operator, keys := range when {
		out[operator] = maps.Clone(keys)
	}
	return out
}

// widened are the ways in which an ARN could say more.
func widened(resource string) []string {
	if resource == "*" {
		return nil
	}
	if strings.HasPrefix(resource, "${") {
		kind, _, _ := strings.Cut(strings.TrimPrefix(resource, "${"), ":")
		any := map[string]string{
			"roles": "arn:${Partition}:iam::${Account}:role/*", "policies": "arn:${Partition}:iam::${Account}:policy/*",
			"topics": "arn:${Partition}:sns:${Region}:${Account}:*", "rules": "arn:${Partition}:events:${Region}:${Account}:rule/*",
			"stacks}": "arn:${Partition}:cloudformation:${Region}:${Account}:stack/*",
		}[kind]
		out := []string{any, "*"}
		if kind == "roles" && !strings.HasSuffix(resource, ":*}") {
			out = append(out, "${roles:*}")
		}
		return out
	}
	f := strings.SplitN(resource, ":", 6)
	out := []string{"*"}
	set := func(i int, v string) {
		if f[i] != v {
			g := slices.Clone(f)
			g[i] = v
			out = append(out, strings.Join(g, ":"))
		}
	}
	set(1, "*")
	if f[3] != "" {
		set(3, "*")
	}
	if f[4] != "" {
		set(4, "*")
		set(4, "${OtherAccount}")
	}
	set(5, "*")
	if i := strings.IndexAny(f[5], "/:"); i >= 0 {
		set(5, f[5][:i+1]+"*")
	}
	return out
}
