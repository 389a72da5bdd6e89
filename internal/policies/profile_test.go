package policies_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// TestProfilesHaveNoProblems checks every profile by the rules of package schema.
func TestProfilesHaveNoProblems(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		for _, problem := range profileProblems(p) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// profileProblems returns what is wrong with a profile: names that no selection can include or that have no value,
// statements without a reason, entities that are named twice.
func profileProblems(p schema.Profile) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	words := vocabulary(p)
	uses := func(where string, list []schema.Use) {
		for _, u := range list {
			for kind, word := range map[string]string{"asset": string(u.Asset), "operation": string(u.Operation), "option": string(u.Option)} {
				if word != "" && !words[kind+" "+word] {
					add("%s: %s %q is none of the profile's", where, kind, word)
				}
			}
		}
	}
	strs := func(where string, list ...string) {
		for _, s := range list {
			for _, m := range regexp.MustCompile(`\$\{([^}]*)\}`).FindAllStringSubmatch(s, -1) {
				if m[1] != "*" && !words["term "+m[1]] {
					add("%s: ${%s} stands for nothing", where, m[1])
				}
			}
		}
	}
	conditions := func(where string, when schema.Conditions) {
		for _, keys := range when {
			for _, values := range keys {
				strs(where, values...)
			}
		}
	}
	for _, s := range p.Settings {
		if !slices.ContainsFunc(s.Values, func(o schema.OptionInfo) bool { return o.Option == s.Default }) {
			add("setting %s: default %q is none of its values", s.Name, s.Default)
		}
		for _, v := range s.Values {
			if !strings.HasPrefix(string(v.Option), s.Name+"=") {
				add("setting %s: value %q does not begin with its name", s.Name, v.Option)
			}
		}
	}
	for _, preset := range p.Presets {
		where := "preset " + preset.Name
		uses(where, presetUses(preset))
	}
	for _, n := range p.Needs {
		uses("need "+string(n.Value), n.For)
	}
	for _, term := range p.Terms {
		uses("term "+term.Name, term.For)
		strs("term "+term.Name, term.Value)
		if term.Why == "" {
			add("term %s has no reason", term.Name)
		}
	}
	entities := map[string]bool{}
	entity := func(name string) {
		if name == "" || entities[name] {
			add("entity %q: the name is missing or there twice", name)
		}
		entities[name] = true
	}
	for _, r := range p.Roles {
		entity(r.Entity)
		uses(r.Entity, slices.Concat(r.For, r.InstanceProfileFor))
		if r.Why == "" || len(r.Trust) == 0 {
			add("role %s has no reason or trusts nobody", r.Entity)
		}
		for _, trust := range r.Trust {
			where := r.Entity + "/" + trust.Sid
			uses(where, trust.For)
			strs(where, trust.AWS, trust.Service)
			conditions(where, trust.When)
			if trust.Why == "" || (trust.AWS == "") == (trust.Service == "") || strings.Contains(trust.AWS, "*") {
				add("%s: no reason, or not one principal", where)
			}
		}
		for _, policy := range r.Policies {
			entity(policy.Entity)
			uses(policy.Entity, policy.For)
			seen := map[string]bool{}
			for _, s := range policy.Statements {
				where := policy.Entity + "/" + s.Sid
				uses(where, s.For)
				strs(where, s.Resources...)
				conditions(where, s.When)
				if s.Sid == "" || seen[s.Sid] {
					add("%s: the Sid is missing or there twice", where)
				}
				seen[s.Sid] = true
				if len(strings.Fields(s.Why)) < 3 {
					add("%s: no reason in plain words: %q", where, s.Why)
				}
				if wild := slices.Contains(s.Resources, "*"); wild != (s.WhyWildcard != "") {
					add("%s: a wildcard and the reason for one go together", where)
				}
				if len(s.Actions) == 0 || len(slices.Compact(slices.Sorted(slices.Values(s.Actions)))) != len(s.Actions) {
					add("%s: no action, or one that stands twice", where)
				}
				for action, option := range s.Since {
					if !slices.Contains(s.Actions, action) || !words["option "+string(option)] {
						add("%s: %s since %s: no such action or option", where, action, option)
					}
				}
				for _, name := range s.Presets {
					if !slices.ContainsFunc(p.Presets, func(p schema.Preset) bool { return p.Name == name && p.Marked }) {
						add("%s: %q is no marked preset", where, name)
					}
				}
			}
		}
	}
	for _, topic := range p.Topics {
		entity(topic.Entity)
		uses(topic.Entity, topic.For)
	}
	for _, r := range p.Rules {
		entity(r.Entity)
		uses(r.Entity, []schema.Use{{Asset: r.Asset, Option: r.Option}})
		if !words["term topics:"+r.Topic] {
			add("rule %s feeds topic %q, which the page does not have", r.Entity, r.Topic)
		}
	}
	return problems
}

func presetUses(p schema.Preset) (uses []schema.Use) {
	for _, a := range p.Assets {
		uses = append(uses, schema.Use{Asset: a})
	}
	for _, o := range p.Operations {
		uses = append(uses, schema.Use{Operation: o})
	}
	for _, o := range p.Options {
		uses = append(uses, schema.Use{Option: o})
	}
	return uses
}

// vocabulary returns all names of a profile: "asset ec2", "option release=4.2", "term Region".
func vocabulary(p schema.Profile) map[string]bool {
	words := map[string]bool{"term stacks": true, "term OtherAccount": true}
	for _, name := range []string{
		"Partition", "Region", "Account", "DataPlaneAccount", "ControlPlaneAccount", "ControlPlaneRole",
		"SupportControlPlaneRole", "ExternalId", "Path", "EC2Service", "roles:*", "policies:*", "topics:*", "rules:*",
	} {
		words["term "+name] = true
	}
	for _, a := range p.Assets {
		words["asset "+string(a.Asset)] = true
	}
	for _, o := range p.Operations {
		words["operation "+string(o)] = true
	}
	for _, o := range p.Options {
		words["option "+string(o.Option)] = true
	}
	for _, s := range p.Settings {
		for _, v := range s.Values {
			words["option "+string(v.Option)] = true
		}
	}
	for _, term := range p.Terms {
		words["term "+term.Name] = true
	}
	for _, r := range p.Roles {
		words["term roles:"+r.Entity] = true
		for _, policy := range r.Policies {
			words["term policies:"+policy.Entity] = true
		}
	}
	for _, topic := range p.Topics {
		words["term topics:"+topic.Entity] = true
	}
	for _, r := range p.Rules {
		words["term rules:"+r.Entity] = true
	}
	return words
}
