// Package question answers a reviewer's questions about a set of permissions: an action, a service, a verb, the ARN of
// a resource, the name of a role or of anything else in a profile. It is pure: its sources are the grants of the set
// and AWS's Service Authorization Reference.
package question

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
)

// Result is what a set of permissions holds about a question.
type Result struct {
	Query   string          `json:"query"`
	About   []string        `json:"about"`   // "action", "service", "resource", "statement", "role", "asset", …
	Granted []explain.Grant `json:"granted"` // statements that allow it
	Denied  []explain.Grant `json:"denied"`  // statements that deny it, even if another allows it
	// NotGranted are the AWS actions that match the question and that nothing grants.
	NotGranted []string `json:"notGranted"`
	// ResourceTypes are the types of the resource in AWS's reference, if the question is an ARN: "bucket".
	ResourceTypes []string `json:"resourceTypes,omitempty"`
	// OtherChoices are statements that other choices of the same profile grant.
	OtherChoices []explain.Grant `json:"otherChoices"`
	// OtherProfiles are the profiles that grant it, if this one grants nothing.
	OtherProfiles []string       `json:"otherProfiles,omitempty"`
	Rules         []explain.Rule `json:"rules"` // event rules that match the question
	// Prerequisites are what IAM policies cannot grant.
	Prerequisites []explain.Prerequisite `json:"prerequisites,omitempty"`
	// Problem is why the question matches nothing in the profiles or in AWS; empty if it does.
	Problem string `json:"problem,omitempty"`
	// Similar are similar names, if there is a problem.
	Similar []string `json:"similar,omitempty"`
}

// Known reports whether the question matches anything in the profiles or in AWS.
func (a Result) Known() bool { return a.Problem == "" }

// Source is what questions are answered from.
type Source struct {
	Set       policies.Set
	Selection policies.Selection
	Grants    []explain.Grant // of the set
	All       []explain.Grant // of everything that the profile can grant
	// Others returns everything that each other profile can grant, by its name; nil for none. It is called only if this
	// profile grants nothing.
	Others func() map[string]Source
}

// profile returns the profile of the set.
func (s Source) profile() schema.Profile {
	p, _ := policies.Profile(s.Set.Profile)
	return p
}

// Find answers one question. It is not case-sensitive; * and ? are wildcards.
func Find(text string, s Source) Result {
	q := s.parse(text)
	a := Result{
		Query: q.text, About: q.about, Granted: []explain.Grant{}, Denied: []explain.Grant{}, NotGranted: []string{},
		OtherChoices: []explain.Grant{}, Rules: []explain.Rule{}, Problem: q.problem, Similar: q.similar,
	}
	if a.About == nil {
		a.About = []string{}
	}
	for _, t := range q.types {
		a.ResourceTypes = append(a.ResourceTypes, t.Name)
	}
	s.fill(&a, q)
	if q.words != nil && len(a.Granted)+len(a.Denied)+len(a.OtherChoices) == 0 {
		// Words are no names: that no action has them does not mean that nothing does what they mean.
		a.Problem = "no granted action has these words; name an action, or a service to see all of its actions"
		a.About = []string{}
	}
	if s.Others != nil && len(a.Granted)+len(a.Rules)+len(a.OtherChoices) == 0 {
		s.findElsewhere(&a, q)
	}
	return a
}

// fill sets what the set and the other choices of its profile hold.
func (s Source) fill(a *Result, q query) {
	if q.problem != "" {
		return
	}
	for _, g := range s.Grants {
		if found, ok := q.match(g); !ok {
			continue
		} else if g.Effect == "Deny" {
			a.Denied = append(a.Denied, found)
		} else if !q.isDenied(found) {
			a.Granted = append(a.Granted, found)
		}
	}
	for _, g := range s.All {
		inSet := slices.ContainsFunc(s.Grants, func(h explain.Grant) bool {
			return h.Entity == g.Entity && h.Policy == g.Policy && h.Sid == g.Sid
		})
		if found, ok := q.match(g); ok && !inSet && g.Effect != "Deny" {
			a.OtherChoices = append(a.OtherChoices, found)
		}
	}
	a.NotGranted = q.notGranted(a.Granted)
	for i, r := range explain.Rules(s.Set) {
		if q.matchesName(r.Entity, s.Set.Rules[i].Name, string(r.Asset)) {
			a.Rules = append(a.Rules, r)
		}
	}
	a.Prerequisites = s.prerequisites(q)
}

// Found reports whether a statement or an event rule answers the question.
func (a Result) Found() bool {
	return len(a.Granted)+len(a.Rules) > 0 || len(a.Denied) > 0 && slices.ContainsFunc(a.About, func(about string) bool {
		return about == "denial" || about == "statement" || about == "policy"
	})
}

// findElsewhere sets the other profiles that grant what this profile does not. A name that only another profile has is
// no problem then.
func (s Source) findElsewhere(a *Result, q query) {
	for name, other := range s.Others() {
		there := other.parse(q.text)
		if there.problem == "" && slices.ContainsFunc(other.All, func(g explain.Grant) bool {
			_, ok := there.match(g)
			return ok && g.Effect != "Deny"
		}) {
			a.OtherProfiles = append(a.OtherProfiles, name)
			if !a.Known() {
				a.Problem, a.Similar, a.About = "", nil, there.about
			}
		}
	}
	slices.Sort(a.OtherProfiles)
}

// prerequisites returns the prerequisites of the selection for an asset, an operation or an option. For an asset they
// include those of operations and options of every asset.
func (s Source) prerequisites(q query) []explain.Prerequisite {
	isAsset := slices.Contains(q.about, "asset")
	return explain.Prerequisites(s.profile(), s.Selection, func(u schema.Use) bool {
		return q.matchesName(string(u.Asset), string(u.Operation), string(u.Option)) || isAsset && u.Asset == ""
	})
}

// notGranted returns the AWS actions that the question names and that no grant allows. A verb names no actions.
func (q query) notGranted(granted []explain.Grant) []string {
	out := []string{}
	for _, a := range q.actions {
		if !slices.ContainsFunc(granted, func(g explain.Grant) bool { return allows(g, a.Name) }) {
			out = append(out, a.Name)
		}
	}
	return out
}

// KnownNames returns the names that a question can use: assets, operations, options, event rules, roles, policies,
// statements and the granted actions, sorted.
func KnownNames(profile schema.Profile, all []explain.Grant) []string {
	var out []string
	for _, i := range profile.Assets {
		out = append(out, string(i.Asset))
	}
	for _, o := range profile.Operations {
		out = append(out, string(o))
	}
	for _, o := range optionInfos(profile) {
		out = append(out, string(o.Option))
	}
	for _, r := range profile.Rules {
		out = append(out, r.Entity)
	}
	for _, g := range all {
		out = append(out, g.Entity, g.Policy, g.Sid)
		out = append(out, g.Actions...)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(s string) bool { return s == "" })
}

func optionInfos(p schema.Profile) []schema.OptionInfo {
	out := slices.Clone(p.Options)
	for _, s := range p.Settings {
		out = append(out, s.Values...)
	}
	return out
}

// allows reports whether one of the actions of a grant, which may have wildcards, is an action.
func allows(g explain.Grant, action string) bool {
	if len(g.NotActions) > 0 {
		return !matchesAny(g.NotActions, action)
	}
	return matchesAny(g.Actions, action)
}

// matchingActions returns the AWS actions that a pattern matches.
func matchingActions(pattern string) []reference.Action {
	return reference.MatchingAny(strings.ToLower(pattern))
}
