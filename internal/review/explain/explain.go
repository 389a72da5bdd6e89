// Package explain says of a set of permissions what a reviewer asks: which
// statement grants an action, to whom, on what, when, why, and what it could do
// in the wrong hands. It is pure; what it says comes from the set that is
// deployed and from AWS's own list of actions.
package explain

import (
	"maps"
	"slices"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Kind is where a grant stands.
type Kind string

// The kinds of grant: what a role may do, who may take a role, and who may use
// a topic.
const (
	Policy Kind = "policy"
	Trust  Kind = "trust"
	Topic  Kind = "topic"
)

// Grant is one statement, as it is deployed, with everything that is known of it.
type Grant struct {
	Kind       Kind                 `json:"kind"`
	Effect     string               `json:"effect"`
	Entity     string               `json:"entity"` // the role or topic, by the vendor's name
	Name       string               `json:"name"`   // as it is called in the account
	Policy     string               `json:"policy,omitempty"`
	PolicyName string               `json:"policyName,omitempty"`
	Attached   schema.Kind          `json:"attached,omitempty"` // inline or managed
	Sid        string               `json:"sid"`
	Principals []string             `json:"principals,omitempty"` // of a trust or a topic
	Actions    []string             `json:"actions"`
	Resources  []string             `json:"resources,omitempty"`
	Conditions iampolicy.Conditions `json:"conditions,omitempty"`

	On        []string `json:"on"`                  // the resources in plain words
	OnlyWhere []string `json:"onlyWhere,omitempty"` // the conditions in plain words; all must hold

	Why         string       `json:"why"`
	WhyWildcard string       `json:"whyWildcard,omitempty"`
	Note        string       `json:"note,omitempty"`
	For         []schema.Use `json:"for,omitempty"`
	Risk        Risk         `json:"risk"`

	foreign bool // reaches another account than the customer's
}

// Words gives names to what a set only has numbers for.
type Words struct {
	// Accounts are names of account ids: "the vendor's data-plane account".
	Accounts map[string]string
}

// Of lists the grants of a set in its order, roles first. Of the reasons those
// are kept that the selection chose.
func Of(set policies.Set, sel policies.Selection, words Words) []Grant {
	profile, _ := policies.Profile(set.Profile)
	e := explainer{words: words, sel: sel}
	var out []Grant
	for _, r := range set.Roles {
		at := Grant{Kind: Trust, Entity: r.Entity, Name: r.Name}
		reasons := trustReasons(profile, r.Entity)
		for _, s := range r.Trust.Statement {
			out = append(out, e.grant(at, s, reasons[s.Sid]))
		}
		at.Kind = Policy
		at.Attached = schema.Managed
		for _, p := range r.Managed {
			out = e.policy(out, at, p)
		}
		at.Attached = schema.Inline
		for _, p := range r.Inline {
			out = e.policy(out, at, p)
		}
	}
	for _, t := range set.Topics {
		at := Grant{Kind: Topic, Entity: t.Entity, Name: t.Name}
		for i, s := range t.Policy.Statement {
			out = append(out, e.grant(at, s, t.Grants[i]))
		}
	}
	return out
}

// narrow keeps of a grant some of its actions, and the resources that they act on.
func (g Grant) narrow(names []string) Grant {
	if len(names) == len(g.Actions) {
		return g
	}
	g.Actions = names
	if g.Kind == Policy {
		var resources, on []string
		for i, r := range g.Resources {
			if slices.ContainsFunc(names, func(a string) bool { return actions.ActsOn(a, r) }) {
				resources, on = append(resources, r), append(on, g.On[i])
			}
		}
		if len(resources) > 0 {
			g.Resources, g.On = resources, on
		}
	}
	g.Risk = risk(g)
	return g
}

// trustReasons are why a role's trust statements are there; a set has no room
// for them.
func trustReasons(profile schema.Profile, entity string) map[string]policies.Grant {
	out := map[string]policies.Grant{}
	for _, r := range profile.Roles {
		if r.Entity == entity {
			for _, t := range r.Trust {
				out[t.Sid] = policies.Grant{Why: t.Why, For: t.For}
			}
		}
	}
	return out
}

type explainer struct {
	words Words
	sel   policies.Selection
}

func (e explainer) policy(out []Grant, at Grant, p policies.Policy) []Grant {
	at.Policy, at.PolicyName = p.Entity, p.Name
	for i, s := range p.Document.Statement {
		out = append(out, e.grant(at, s, p.Grants[i]))
	}
	return out
}

func (e explainer) grant(at Grant, s iampolicy.Statement, reason policies.Grant) Grant {
	at.Effect, at.Sid = s.Effect, s.Sid
	at.Actions, at.Resources, at.Conditions = s.Action, s.Resource, s.Condition
	at.Principals = Principals(s.Principal)
	at.Why, at.WhyWildcard, at.Note = reason.Why, reason.WhyWildcard, reason.Note
	at.For = e.chosen(reason.For)
	switch at.Kind {
	case Trust:
		at.On = []string{"the role " + at.Entity}
	case Topic:
		at.On = []string{"the topic " + at.Entity}
	default:
		for _, r := range s.Resource {
			at.On = append(at.On, e.words.Resource(r))
		}
	}
	at.OnlyWhere = e.words.Conditions(s.Condition)
	at.foreign = e.words.foreign(at)
	at.Risk = risk(at)
	return at
}

// chosen leaves out the uses that the selection did not choose.
func (e explainer) chosen(uses []schema.Use) []schema.Use {
	out := slices.DeleteFunc(slices.Clone(uses), func(u schema.Use) bool {
		return u.Asset != "" && len(e.sel.Assets) > 0 && !slices.Contains(e.sel.Assets, u.Asset) ||
			u.Operation != "" && len(e.sel.Operations) > 0 && !slices.Contains(e.sel.Operations, u.Operation)
	})
	if len(out) == 0 {
		return uses
	}
	return out
}

// Principals lists whom a statement speaks of.
func Principals(p *iampolicy.Principal) []string {
	if p == nil {
		return nil
	}
	if p.Everyone {
		return []string{"everyone"}
	}
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(p.ByType)) {
		out = append(out, p.ByType[kind]...)
	}
	return out
}

// Uses says in words what a grant is for: "backup of ec2", "rds", "support-role".
func Uses(uses []schema.Use) []string {
	var out []string
	for _, u := range uses {
		var text string
		switch {
		case u.Asset != "" && u.Operation != "":
			text = string(u.Operation) + " of " + string(u.Asset)
		case u.Asset != "":
			text = string(u.Asset)
		case u.Operation != "":
			text = string(u.Operation)
		}
		if u.Option != "" {
			if text != "" {
				text += " with "
			}
			text += string(u.Option)
		}
		if text == "" {
			text = "every choice"
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return []string{"every choice"}
	}
	return slices.Compact(out)
}
