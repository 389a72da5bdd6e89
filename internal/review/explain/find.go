package explain

import (
	"cmp"
	"slices"
	"strings"

	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/spelling"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Result is what a set of permissions holds about a query.
type Result struct {
	Query   string   `json:"query"`
	About   []string `json:"about"`   // "action", "statement", "policy", "role", "topic", "asset", …
	Granted []Grant  `json:"granted"` // statements that allow it
	Denied  []Grant  `json:"denied"`  // statements that deny it, even if another allows it
	// NotGranted are the AWS actions that match the query and that nothing grants.
	NotGranted []string `json:"notGranted"`
	// OtherChoices are statements that other choices of the same profile grant.
	OtherChoices []Grant `json:"otherChoices"`
	Rules        []Rule  `json:"rules"` // event rules that match the query
	// Prerequisites are what IAM policies cannot grant. Find leaves them empty.
	Prerequisites []Prerequisite `json:"prerequisites,omitempty"`
	// Similar are similar names, if the query matches nothing.
	Similar []string `json:"similar,omitempty"`
}

// Rule is an EventBridge rule, which sends events to the vendor.
type Rule struct {
	Entity  string         `json:"entity"`
	Name    string         `json:"name"`
	Asset   schema.Asset   `json:"asset,omitempty"`
	Why     string         `json:"why"`
	Pattern map[string]any `json:"pattern"`
	Targets []string       `json:"targets"` // the vendor's names of the topics
}

func newRule(r policies.Rule) Rule {
	out := Rule{
		Entity: r.Entity, Name: r.Name, Asset: r.Asset, Why: r.Description, Pattern: r.Pattern, Targets: []string{},
	}
	for _, t := range r.Targets {
		out.Targets = append(out.Targets, t.TopicEntity)
	}
	return out
}

// Rules returns the event rules of a set.
func Rules(set policies.Set) []Rule {
	out := []Rule{}
	for _, r := range set.Rules {
		out = append(out, newRule(r))
	}
	return out
}

// Known reports whether the query matches anything in the profile or in AWS.
func (a Result) Known() bool {
	return len(a.About) > 0
}

// Find returns what a set holds about a query: an action, a statement's Sid, the
// name of a policy, role, topic or event rule, an asset, an operation, an option,
// or the ARN of a resource. It is not case-sensitive; * and ? are wildcards. grants
// are the set's, all those of everything that the profile can grant.
func Find(text string, set policies.Set, grants, all []Grant) Result {
	profile, _ := policies.Profile(set.Profile)
	a := Result{
		Query: text, Granted: []Grant{}, Denied: []Grant{}, NotGranted: []string{}, OtherChoices: []Grant{}, Rules: []Rule{},
	}
	q := parseQuery(text)
	a.About = q.kinds(profile, all, set)
	if len(a.About) == 0 {
		a.Similar = similarNames(text, KnownNames(profile, all))
		return a
	}
	for _, g := range grants {
		if found, ok := q.match(g); !ok {
			continue
		} else if g.Effect == "Deny" {
			a.Denied = append(a.Denied, found)
		} else {
			a.Granted = append(a.Granted, found)
		}
	}
	for _, g := range all {
		inSet := slices.ContainsFunc(grants, func(h Grant) bool {
			return h.Entity == g.Entity && h.Policy == g.Policy && h.Sid == g.Sid
		})
		if found, ok := q.match(g); ok && !inSet {
			a.OtherChoices = append(a.OtherChoices, found)
		}
	}
	if slices.Contains(a.About, "action") {
		a.NotGranted = q.notGranted(a.Granted)
	}
	for _, r := range set.Rules {
		if q.matchesName(r.Entity, r.Name, string(r.Asset)) {
			a.Rules = append(a.Rules, newRule(r))
		}
	}
	return a
}

// query is a parsed query.
type query struct {
	text, lower string
	arn         bool
	wild        bool
	action      string // as the name or pattern of actions; "" if it cannot be one
}

// parseQuery parses a query. "DeleteSnapshot" without a service is an action if AWS
// has one of that name.
func parseQuery(text string) query {
	q := query{
		text: text, lower: strings.ToLower(text), wild: actions.IsPattern(text), arn: strings.HasPrefix(text, "arn:"),
	}
	switch {
	case q.arn:
	case strings.Contains(text, ":"):
		q.action = q.lower
	case len(strings.Trim(text, "*?")) > 2 && len(actions.Matching("*:"+text)) > 0:
		q.action = "*:" + q.lower
	}
	return q
}

// match returns the grant with only the actions that match the query, and reports
// whether it matches at all.
func (q query) match(g Grant) (Grant, bool) {
	switch {
	case q.matchesName(g.Sid, g.Policy, g.PolicyName, g.Entity, g.Name), q.matchesUse(g):
		return g, true
	case q.arn:
		return g, slices.ContainsFunc(g.Resources, func(r string) bool { return matchesResource(r, q.text) })
	case q.action == "":
		return g, false
	}
	if len(g.NotActions) > 0 {
		return g, q.matchesOther(g)
	}
	var names []string
	for _, action := range g.Actions {
		// Either may have wildcards.
		if q.matchesAction(action) || actions.IsPattern(action) && actions.Match(action, q.action) {
			names = append(names, action)
		}
	}
	if len(names) == 0 {
		return g, false
	}
	return g.WithActions(names), true
}

// matchesOther reports whether the query is an action of one of the services of a grant's resources that is not in its
// NotActions.
func (q query) matchesOther(g Grant) bool {
	service, _, _ := strings.Cut(q.action, ":")
	covers := func(pattern string) bool { return actions.Match(pattern, q.action) }
	return !slices.ContainsFunc(g.NotActions, covers) && slices.ContainsFunc(g.Resources, func(r string) bool {
		return r == "*" || actions.Match(service, splitARN(r)[2])
	})
}

// matchesAction reports whether the query matches an action.
func (q query) matchesAction(action string) bool {
	if !actions.IsPattern(q.action) {
		return strings.EqualFold(q.action, action)
	}
	return actions.Match(q.action, action)
}

// matchesUse reports whether the query is an asset, operation or option of the grant.
func (q query) matchesUse(g Grant) bool {
	return slices.ContainsFunc(g.For, func(u schema.Use) bool {
		return q.matchesName(string(u.Asset), string(u.Operation), string(u.Option))
	})
}

// matchesName reports whether the query matches one of some names.
func (q query) matchesName(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return n != "" && (strings.EqualFold(q.text, n) || q.wild && actions.Match(q.lower, n))
	})
}

// matchesResource reports whether a resource of a policy matches an ARN.
// CloudFormation's pseudo parameters match any value.
func matchesResource(resource, arn string) bool {
	for _, pseudo := range []string{"Partition", "Region", "AccountId", "StackName", "URLSuffix"} {
		resource = strings.ReplaceAll(resource, "${AWS::"+pseudo+"}", "*")
	}
	return actions.Match(resource, arn)
}

// kinds returns the kinds of name that the query matches.
func (q query) kinds(profile schema.Profile, all []Grant, set policies.Set) []string {
	var out []string
	add := func(kind string, found bool) {
		if found {
			out = append(out, kind)
		}
	}
	contains := func(match func(Grant) bool) bool { return slices.ContainsFunc(all, match) }
	add("statement", contains(func(g Grant) bool { return q.matchesName(g.Sid) }))
	add("policy", contains(func(g Grant) bool { return q.matchesName(g.Policy, g.PolicyName) }))
	add("role", contains(func(g Grant) bool { return g.Kind != Topic && q.matchesName(g.Entity, g.Name) }))
	add("topic", contains(func(g Grant) bool { return g.Kind == Topic && q.matchesName(g.Entity, g.Name) }))
	add("event rule", slices.ContainsFunc(profile.Rules, func(r schema.Rule) bool { return q.matchesName(r.Entity) }) ||
		slices.ContainsFunc(set.Rules, func(r policies.Rule) bool { return q.matchesName(r.Name) }))
	add("asset", slices.ContainsFunc(profile.Assets, func(i schema.AssetInfo) bool {
		return q.matchesName(string(i.Asset))
	}))
	add("operation", slices.ContainsFunc(profile.Operations, func(o schema.Operation) bool {
		return q.matchesName(string(o))
	}))
	add("option", slices.ContainsFunc(optionInfos(profile), func(o schema.OptionInfo) bool {
		return q.matchesName(string(o.Option))
	}))
	add("resource", q.arn)
	add("action", q.isAction(contains))
	return out
}

// isAction reports whether the query is an AWS action. The list of actions holds
// only the services of the profiles: any action of another service is accepted.
func (q query) isAction(contains func(func(Grant) bool) bool) bool {
	if q.action == "" {
		return false
	}
	if _, ok := actions.Find(q.action); ok || len(actions.Matching(q.action)) > 0 {
		return true
	}
	service, name, _ := strings.Cut(q.action, ":")
	return name != "" && service != "" && len(actions.Matching(service+":*")) == 0 ||
		contains(func(g Grant) bool { return slices.ContainsFunc(g.Actions, q.matchesAction) })
}

func optionInfos(p schema.Profile) []schema.OptionInfo {
	out := slices.Clone(p.Options)
	for _, s := range p.Settings {
		out = append(out, s.Values...)
	}
	return out
}

// notGranted returns the AWS actions that match the query and that no grant allows.
func (q query) notGranted(granted []Grant) []string {
	out := []string{}
	for _, action := range actions.Matching(q.action) {
		has := slices.ContainsFunc(granted, func(g Grant) bool {
			return slices.ContainsFunc(g.Actions, func(p string) bool { return actions.Match(p, action.Name) })
		})
		if !has {
			out = append(out, action.Name)
		}
	}
	return out
}

// KnownNames returns the names that a query can use: assets, operations, options,
// event rules, roles, policies, statements and the granted actions, sorted.
func KnownNames(profile schema.Profile, all []Grant) []string {
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

// similarNames returns up to three known names that differ from a word by a few
// letters. For "service:Name" it includes all AWS actions of the service.
func similarNames(word string, known []string) []string {
	if service, _, ok := strings.Cut(word, ":"); ok {
		for _, a := range actions.Matching(service + ":*") {
			known = append(known, a.Name)
		}
	}
	type near struct {
		name     string
		distance int
	}
	var list []near
	lower := strings.ToLower(word)
	for _, k := range known {
		d := spelling.Distance(lower, strings.ToLower(k))
		if _, bare, ok := strings.Cut(k, ":"); ok && !strings.Contains(word, ":") {
			d = min(d, spelling.Distance(lower, strings.ToLower(bare)))
		}
		if d <= max(1, len(word)/4) {
			list = append(list, near{k, d})
		}
	}
	slices.SortStableFunc(list, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	var out []string
	for _, n := range list {
		if !slices.Contains(out, n.name) && len(out) < 3 {
			out = append(out, n.name)
		}
	}
	return out
}
