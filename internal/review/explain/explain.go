// Package explain answers a reviewer's queries about a set of permissions: which
// statement grants an action, to which principal, on which resources, under which
// conditions, why, and how risky it is. It is pure: its sources are the
// synthesized set and AWS's list of actions.
package explain

import (
	"maps"
	"slices"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Kind is the kind of document that a grant is part of.
type Kind string

// The kinds of grant: what a role may do, who may assume a role, and who may use
// a topic.
const (
	Policy Kind = "policy"
	Trust  Kind = "trust"
	Topic  Kind = "topic"
)

// Grant is one statement as it is deployed, with its reasons and its risk.
type Grant struct {
	Kind       Kind        `json:"kind"`
	Effect     string      `json:"effect"`
	Entity     string      `json:"entity"` // the vendor's name of the role or topic
	Name       string      `json:"name"`   // its name in the account
	Policy     string      `json:"policy,omitempty"`
	PolicyName string      `json:"policyName,omitempty"`
	Attached   schema.Kind `json:"attached,omitempty"` // inline or managed
	Sid        string      `json:"sid"`
	Principals []string    `json:"principals,omitempty"` // of a trust policy or a topic policy
	Actions    []string    `json:"actions"`
	NotActions []string    `json:"notActions,omitempty"` // if set, the statement is about every other action
	Resources  []string    `json:"resources,omitempty"`
	// NotResources, if set, means that the statement is about every other resource; Resources is then "*".
	NotResources []string             `json:"notResources,omitempty"`
	Conditions   iampolicy.Conditions `json:"conditions,omitempty"`

	On     []string `json:"on"`               // descriptions of the resources
	OnlyIf []string `json:"onlyIf,omitempty"` // descriptions of the conditions; all must be met
	Bounds []Bound  `json:"bounds,omitempty"` // what each condition bounds

	Why         string       `json:"why"`
	WhyWildcard string       `json:"whyWildcard,omitempty"`
	Note        string       `json:"note,omitempty"`
	For         []schema.Use `json:"for,omitempty"`
	Risk        Risk         `json:"risk"`
	// Remains is what the statement cannot prevent.
	Remains []schema.Remain `json:"remains,omitempty"`

	otherAccount bool  // it applies to resources of another account than the customer's
	role         *role // the grants of the same role, beside which its conditions are assessed
}

// Describer describes resources and conditions in words.
type Describer struct {
	// Accounts are descriptions by account ID: "the vendor's data-plane account".
	Accounts map[string]string
	// Account is the customer's account; empty if it is any.
	Account string
}

// Grants returns the grants of a set in its order, roles first. For holds only the
// uses that the selection includes.
func Grants(set policies.Set, sel policies.Selection, describer Describer) []Grant {
	profile, _ := policies.Profile(set.Profile)
	e := explainer{describer: describer, sel: sel}
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
	assess(out, describer)
	return out
}

// WithActions returns a grant with only some of its actions and the resources that
// they act on.
func (g Grant) WithActions(names []string) Grant {
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
	g.reassess()
	return g
}

// trustReasons returns the reasons of a role's trust statements by Sid. They come
// from the profile: a set does not have them.
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
	describer Describer
	sel       policies.Selection
}

// policy appends the grants of a policy.
func (e explainer) policy(out []Grant, at Grant, p policies.Policy) []Grant {
	at.Policy, at.PolicyName = p.Entity, p.Name
	for i, s := range p.Document.Statement {
		out = append(out, e.grant(at, s, p.Grants[i]))
	}
	return out
}

// grant returns a grant for statement s; at has the fields of its document.
func (e explainer) grant(at Grant, s iampolicy.Statement, reason policies.Grant) Grant {
	at.Effect, at.Sid = s.Effect, s.Sid
	at.Actions, at.NotActions, at.Resources, at.Conditions = s.Action, s.NotAction, s.Resource, s.Condition
	at.NotResources = s.NotResource
	if at.Actions == nil {
		at.Actions = []string{}
	}
	at.Principals = Principals(s.Principal)
	at.Why, at.WhyWildcard, at.Note = reason.Why, reason.WhyWildcard, reason.Note
	at.For, at.Remains = e.selectedUses(reason.For), reason.Remains
	switch at.Kind {
	case Trust:
		at.On = []string{"the role " + at.Entity}
	case Topic:
		at.On = []string{"the topic " + at.Entity}
	default:
		for _, r := range s.Resource {
			at.On = append(at.On, e.describer.Resource(r))
		}
	}
	at.OnlyIf = e.describer.Conditions(s.Condition)
	at.otherAccount = e.describer.reachesOtherAccount(at)
	return at
}

// selectedUses returns the uses that the selection includes, or all if none is.
func (e explainer) selectedUses(uses []schema.Use) []schema.Use {
	out := slices.DeleteFunc(slices.Clone(uses), func(u schema.Use) bool {
		return u.Asset != "" && len(e.sel.Assets) > 0 && !slices.Contains(e.sel.Assets, u.Asset) ||
			u.Operation != "" && len(e.sel.Operations) > 0 && !slices.Contains(e.sel.Operations, u.Operation)
	})
	if len(out) == 0 {
		return uses
	}
	return out
}

// Principals returns the principals of a statement, "everyone" for "*".
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

// Uses returns descriptions of uses: "backup of ec2", "rds", "support-role".
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
