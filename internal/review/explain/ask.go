package explain

import (
	"cmp"
	"slices"
	"strings"

	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Answer is what is known of a question.
type Answer struct {
	Question string   `json:"question"`
	About    []string `json:"about"`   // "action", "statement", "policy", "role", "topic", "asset", …
	Granted  []Grant  `json:"granted"` // empty: nothing grants it
	Denied   []Grant  `json:"denied"`  // statements that deny it, whatever else grants it
	// NotGranted are the actions of AWS that the question means and nothing grants.
	NotGranted []string `json:"notGranted"`
	// Elsewhere are statements that other choices of the same profile would bring.
	Elsewhere []Grant `json:"elsewhere"`
	Rules     []Rule  `json:"rules"` // event rules that the question is about
	// Similar are names that the question may have meant, where it means nothing.
	Similar []string `json:"similar,omitempty"`
}

// Rule is an EventBridge rule: what the vendor is told.
type Rule struct {
	Entity  string         `json:"entity"`
	Name    string         `json:"name"`
	Asset   schema.Asset   `json:"asset,omitempty"`
	Why     string         `json:"why"`
	Pattern map[string]any `json:"pattern"`
	Targets []string       `json:"targets"` // topics, by the vendor's name
}

func ruleOf(r policies.Rule) Rule {
	out := Rule{Entity: r.Entity, Name: r.Name, Asset: r.Asset, Why: r.Description, Pattern: r.Pattern, Targets: []string{}}
	for _, t := range r.Targets {
		out.Targets = append(out.Targets, t.TopicEntity)
	}
	return out
}

// Rules lists the event rules of a set.
func Rules(set policies.Set) []Rule {
	out := []Rule{}
	for _, r := range set.Rules {
		out = append(out, ruleOf(r))
	}
	return out
}

// Known tells whether the question means anything at all.
func (a Answer) Known() bool {
	return len(a.About) > 0
}

// Ask looks a question up in a set: an action, a statement's Sid, a policy, a
// role, a topic, a rule, an asset, an operation, an option, or a resource's ARN.
// Case means nothing, * and ? are wildcards. The grants are the set's, all those
// of everything that the profile can give.
func Ask(text string, set policies.Set, grants, all []Grant) Answer {
	profile, _ := policies.Profile(set.Profile)
	a := Answer{Question: text, Granted: []Grant{}, Denied: []Grant{}, NotGranted: []string{}, Elsewhere: []Grant{}, Rules: []Rule{}}
	q := readQuestion(text)
	a.About = q.about(profile, all, set)
	if len(a.About) == 0 {
		a.Similar = similar(text, Questions(profile, all))
		return a
	}
	for _, g := range grants {
		if found, ok := q.narrows(g); !ok {
			continue
		} else if g.Effect == "Deny" {
			a.Denied = append(a.Denied, found)
		} else {
			a.Granted = append(a.Granted, found)
		}
	}
	for _, g := range all {
		here := slices.ContainsFunc(grants, func(h Grant) bool { return h.Entity == g.Entity && h.Policy == g.Policy && h.Sid == g.Sid })
		if found, ok := q.narrows(g); ok && !here {
			a.Elsewhere = append(a.Elsewhere, found)
		}
	}
	if slices.Contains(a.About, "action") {
		a.NotGranted = q.ungranted(a.Granted)
	}
	for _, r := range set.Rules {
		if q.is(r.Entity, r.Name, string(r.Asset)) {
			a.Rules = append(a.Rules, ruleOf(r))
		}
	}
	return a
}

// question is what was asked, read once.
type question struct {
	text, lower string
	arn         bool
	wild        bool
	action      string // as an action's name or pattern; empty: it cannot be one
}

// readQuestion takes a question apart. "DeleteSnapshot" without a service is an action
// where AWS has one of that name.
func readQuestion(text string) question {
	q := question{text: text, lower: strings.ToLower(text), wild: actions.IsPattern(text), arn: strings.HasPrefix(text, "arn:")}
	switch {
	case q.arn:
	case strings.Contains(text, ":"):
		q.action = q.lower
	case len(strings.Trim(text, "*?")) > 2 && len(actions.Matching("*:"+text)) > 0:
		q.action = "*:" + q.lower
	}
	return q
}

// narrows narrows a grant to what the question is about, or says that it is not.
func (q question) narrows(g Grant) (Grant, bool) {
	switch {
	case q.is(g.Sid, g.Policy, g.PolicyName, g.Entity, g.Name), q.serves(g):
		return g, true
	case q.arn:
		return g, slices.ContainsFunc(g.Resources, func(r string) bool { return covers(r, q.text) })
	case q.action == "":
		return g, false
	}
	var names []string
	for _, action := range g.Actions {
		// Either may have wildcards.
		if q.means(action) || actions.IsPattern(action) && actions.Match(action, q.action) {
			names = append(names, action)
		}
	}
	if len(names) == 0 {
		return g, false
	}
	return g.narrow(names), true
}

// means tells whether the question, read as an action, means one.
func (q question) means(action string) bool {
	if !actions.IsPattern(q.action) {
		return strings.EqualFold(q.action, action)
	}
	return actions.Match(q.action, action)
}

func (q question) serves(g Grant) bool {
	return slices.ContainsFunc(g.For, func(u schema.Use) bool {
		return q.is(string(u.Asset), string(u.Operation), string(u.Option))
	})
}

// is tells whether the question names one of some names.
func (q question) is(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return n != "" && (strings.EqualFold(q.text, n) || q.wild && actions.Match(q.lower, n))
	})
}

// covers tells whether a policy's resource may stand for an ARN. What
// CloudFormation fills in stands for anything.
func covers(resource, arn string) bool {
	for _, pseudo := range []string{"Partition", "Region", "AccountId", "StackName", "URLSuffix"} {
		resource = strings.ReplaceAll(resource, "${AWS::"+pseudo+"}", "*")
	}
	return actions.Match(resource, arn)
}

// about says what the question can be taken for.
func (q question) about(profile schema.Profile, all []Grant, set policies.Set) []string {
	var out []string
	say := func(what string, found bool) {
		if found {
			out = append(out, what)
		}
	}
	some := func(of func(Grant) bool) bool { return slices.ContainsFunc(all, of) }
	say("statement", some(func(g Grant) bool { return q.is(g.Sid) }))
	say("policy", some(func(g Grant) bool { return q.is(g.Policy, g.PolicyName) }))
	say("role", some(func(g Grant) bool { return g.Kind != Topic && q.is(g.Entity, g.Name) }))
	say("topic", some(func(g Grant) bool { return g.Kind == Topic && q.is(g.Entity, g.Name) }))
	say("rule", slices.ContainsFunc(profile.Rules, func(r schema.Rule) bool { return q.is(r.Entity) }) ||
		slices.ContainsFunc(set.Rules, func(r policies.Rule) bool { return q.is(r.Name) }))
	say("asset", slices.ContainsFunc(profile.Assets, func(i schema.AssetInfo) bool { return q.is(string(i.Asset)) }))
	say("operation", slices.ContainsFunc(profile.Operations, func(o schema.Operation) bool { return q.is(string(o)) }))
	say("option", slices.ContainsFunc(options(profile), func(o schema.OptionInfo) bool { return q.is(string(o.Option)) }))
	say("resource", q.arn)
	say("action", q.isAction(some))
	return out
}

// isAction tells whether the question is an action that AWS has. Of services
// that no profile touches there is no list: any action of theirs may be.
func (q question) isAction(some func(func(Grant) bool) bool) bool {
	if q.action == "" {
		return false
	}
	if _, ok := actions.Find(q.action); ok || len(actions.Matching(q.action)) > 0 {
		return true
	}
	service, name, _ := strings.Cut(q.action, ":")
	return name != "" && service != "" && len(actions.Matching(service+":*")) == 0 ||
		some(func(g Grant) bool { return slices.ContainsFunc(g.Actions, q.means) })
}

func options(p schema.Profile) []schema.OptionInfo {
	out := slices.Clone(p.Options)
	for _, s := range p.Settings {
		out = append(out, s.Values...)
	}
	return out
}

// ungranted lists AWS's actions that the question means and no grant names.
func (q question) ungranted(granted []Grant) []string {
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

// Questions lists what can be asked of a profile: assets, operations, options,
// roles, policies, statements and the actions that are granted.
func Questions(profile schema.Profile, all []Grant) []string {
	var out []string
	for _, i := range profile.Assets {
		out = append(out, string(i.Asset))
	}
	for _, o := range profile.Operations {
		out = append(out, string(o))
	}
	for _, o := range options(profile) {
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

// similar lists up to three names that differ from a word by a few letters.
// Where the word names a service, AWS's other actions count too.
func similar(word string, known []string) []string {
	if service, _, ok := strings.Cut(word, ":"); ok {
		for _, a := range actions.Matching(service + ":*") {
			known = append(known, a.Name)
		}
	}
	type near struct {
		name string
		far  int
	}
	var list []near
	lower := strings.ToLower(word)
	for _, k := range known {
		d := distance(lower, strings.ToLower(k))
		if _, bare, ok := strings.Cut(k, ":"); ok && !strings.Contains(word, ":") {
			d = min(d, distance(lower, strings.ToLower(bare)))
		}
		if d <= max(1, len(word)/4) {
			list = append(list, near{k, d})
		}
	}
	slices.SortStableFunc(list, func(a, b near) int { return cmp.Or(cmp.Compare(a.far, b.far), strings.Compare(a.name, b.name)) })
	var out []string
	for _, n := range list {
		if !slices.Contains(out, n.name) && len(out) < 3 {
			out = append(out, n.name)
		}
	}
	return out
}

// distance counts the letters to put in, take out or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
