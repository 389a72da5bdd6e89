package accessdiff

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/compare"
	"permstack/internal/review/explain"
)

// Kind is the kind of a change.
type Kind string

// The kinds, in the order in which they are shown. A change that could not be
// decided is Changed and counts as growth.
const (
	New      Kind = "new"
	Widened  Kind = "widened"
	Changed  Kind = "changed"
	Narrowed Kind = "narrowed"
	Lost     Kind = "lost"
)

var kinds = []Kind{New, Widened, Changed, Narrowed, Lost}

// IsGrowth reports whether a kind of change may grant access that was not granted.
func (k Kind) IsGrowth() bool { return k == New || k == Widened || k == Changed }

// Change is a difference in access: in actions of a role, in who may assume a role
// or use a topic, or in what an event rule sends.
type Change struct {
	Kind    Kind     `json:"kind"`
	What    string   `json:"what"` // "actions", "trust", "topic", "rule", "boundary", "attachment"
	Entity  string   `json:"entity"`
	Actions []string `json:"actions,omitempty"`
	Does    []string `json:"does,omitempty"` // what the actions do, as explain.Does
	Was     []Scope  `json:"was,omitempty"`
	Now     []Scope  `json:"now,omitempty"`
	Why     string   `json:"why,omitempty"`
}

// Scope is the resources, principals and conditions of a statement.
type Scope struct {
	Effect     string               `json:"effect"`
	Principals []string             `json:"principals,omitempty"`
	Resources  []string             `json:"resources,omitempty"`
	Conditions iampolicy.Conditions `json:"conditions,omitempty"`
	Words      string               `json:"words"`
}

// Diff is the result of a comparison.
type Diff struct {
	From        string   `json:"from"`
	To          string   `json:"to"`
	Grows       bool     `json:"grows"`
	Changes     []Change `json:"changes"`
	NotCompared []string `json:"notCompared,omitempty"`
	// Pairs are the roles and policies that were paired although their names differ.
	Pairs []Pair `json:"pairs,omitempty"`
	// Notes are decisions on what the files leave open. They do not make the comparison incomplete.
	Notes []string `json:"notes,omitempty"`
	// Problems are parts of the files that could not be read. If there is one, access may grow that is not listed.
	Problems []string `json:"problems,omitempty"`
	// Catalogue is what a profile lacks of a vendor's file, if the two were compared.
	Catalogue *Lacking `json:"catalogue,omitempty"`
}

// Compare returns the changes from one set to another. A set that names its account
// and Region grants the same as one with CloudFormation's pseudo parameters.
func Compare(from, to *AccessSet, describer explain.Describer) Diff {
	from, to, pairs, notes := prepare(from, to)
	d := differ{describer: describer, out: Diff{From: from.Label, To: to.Label, Changes: []Change{}}}
	d.out.Pairs, d.out.Notes = pairs, notes
	for _, name := range unionKeys(from.Roles, to.Roles) {
		a, inA := from.Roles[name]
		b, inB := to.Roles[name]
		d.role(name, a, b, inA, inB)
	}
	for _, name := range unionKeys(from.Topics, to.Topics) {
		d.documents("topic", name, documents(from.Topics, name), documents(to.Topics, name))
	}
	for _, name := range unionKeys(from.Rules, to.Rules) {
		d.rule(name, from.Rules, to.Rules)
	}
	out := d.out
	out.Changes = group(out.Changes)
	out.Grows = slices.ContainsFunc(out.Changes, func(c Change) bool { return c.Kind.IsGrowth() })
	out.NotCompared = slices.Concat(from.NotCompared, to.NotCompared)
	slices.Sort(out.NotCompared)
	out.NotCompared = slices.Compact(out.NotCompared)
	return out
}

// prepare returns both sets with the same account, Region and names.
func prepare(from, to *AccessSet) (a, b *AccessSet, pairs []Pair, notes []string) {
	if from.externalIDMasked || to.externalIDMasked {
		from, to = from.withExampleID(), to.withExampleID()
	}
	replacer := strings.NewReplacer(slices.Concat(from.accountAndRegion(), to.accountAndRegion())...)
	from, to = from.replace(replacer.Replace), to.replace(replacer.Replace)
	from, to, pairs, notes = pair(from, to)
	from, to, pairs, more := align(from, to, pairs)
	return from, to, pairs, append(notes, more...)
}

type differ struct {
	describer explain.Describer
	out       Diff
}

func (d *differ) add(c Change) { d.out.Changes = append(d.out.Changes, c) }

func (d *differ) role(name string, a, b Role, inA, inB bool) {
	if (!inA || !a.trustUnknown) && (!inB || !b.trustUnknown) {
		d.documents("trust", name, a.Trust, b.Trust)
	}
	actions := actionNames(a.Policies, b.Policies)
	if sortedJSON(a.Policies) == sortedJSON(b.Policies) {
		actions = nil // identical documents need no comparison
	}
	for _, action := range actions {
		was, now := restrictToAction(a.Policies, action), restrictToAction(b.Policies, action)
		kind, changed := compareDocuments(was, now)
		if !changed {
			continue
		}
		d.add(Change{
			Kind: kind, What: "actions", Entity: name, Actions: []string{action}, Does: []string{explain.Does(action)},
			Was: d.scopes(was), Now: d.scopes(now), Why: cmp.Or(b.why[strings.ToLower(action)], a.why[strings.ToLower(action)]),
		})
	}
	if inA && inB && a.Boundary != b.Boundary {
		kind := Changed
		switch {
		case a.Boundary == "":
			kind = Narrowed
		case b.Boundary == "":
			kind = Widened
		}
		d.add(Change{Kind: kind, What: "boundary", Entity: name, Was: textScope(a.Boundary), Now: textScope(b.Boundary)})
	}
	for _, arn := range b.ExternalPolicies {
		if !slices.Contains(a.ExternalPolicies, arn) {
			d.add(Change{Kind: New, What: "attachment", Entity: name, Now: textScope(arn)})
		}
	}
	for _, arn := range a.ExternalPolicies {
		if !slices.Contains(b.ExternalPolicies, arn) {
			d.add(Change{Kind: Lost, What: "attachment", Entity: name, Was: textScope(arn)})
		}
	}
}

// documents compares documents that name principals.
func (d *differ) documents(what, name string, was, now []iampolicy.Document) {
	if kind, changed := compareDocuments(was, now); changed {
		d.add(Change{Kind: kind, What: what, Entity: name, Was: d.scopes(was), Now: d.scopes(now)})
	}
}

func (d *differ) rule(name string, from, to map[string]Rule) {
	a, inA := from[name]
	b, inB := to[name]
	c := Change{What: "rule", Entity: name, Kind: Changed}
	switch {
	case !inA:
		c.Kind = New
	case !inB:
		c.Kind = Lost
	case canonical(a) == canonical(b):
		return
	}
	if inA {
		c.Was = textScope("sends to " + strings.Join(a.Targets, ", ") + ": " + canonical(a.Pattern))
	}
	if inB {
		c.Now = textScope("sends to " + strings.Join(b.Targets, ", ") + ": " + canonical(b.Pattern))
	}
	d.add(c)
}

func textScope(text string) []Scope {
	if text == "" {
		return nil
	}
	return []Scope{{Words: text}}
}

// exampleAccount replaces the pseudo parameter AWS::AccountId.
const exampleAccount = "999999999999"

// exampleValues replaces CloudFormation's pseudo parameters: in an IAM policy "${" is
// a policy variable.
var exampleValues = strings.NewReplacer(
	"arn:${AWS::Partition}:", "arn:aws:", "arn:aws-us-gov:", "arn:aws:", "arn:aws-cn:", "arn:aws:",
	"${AWS::Partition}", "aws", "${AWS::Region}", "zz-open-1", "${AWS::AccountId}", exampleAccount,
	"${AWS::URLSuffix}", "amazonaws.com", "${AWS::StackName}", "open-stack", "${AWS::StackId}", "open-stack-id",
)

// compareDocuments returns the kind of change, and reports whether there is one.
func compareDocuments(was, now []iampolicy.Document) (Kind, bool) {
	filled := func(docs []iampolicy.Document) []iampolicy.Document {
		var out []iampolicy.Document
		for _, d := range docs {
			out = append(out, replaceInDocument(exampleValues, d))
		}
		return out
	}
	if sortedJSON(was) == sortedJSON(now) {
		return "", false
	}
	direction := compare.Compare(filled(was), filled(now), compare.InAccount(exampleAccount)).Direction
	switch {
	case direction == compare.Same:
		return "", false
	case !allows(was):
		return New, true
	case !allows(now):
		return Lost, true
	case direction == compare.GrantsMore:
		return Widened, true
	case direction == compare.GrantsLess:
		return Narrowed, true
	}
	return Changed, true
}

// sortedJSON returns the JSON of documents; it does not depend on their order.
func sortedJSON(docs []iampolicy.Document) string {
	list := make([]string, len(docs))
	for i, d := range docs {
		text, err := d.JSON()
		if err != nil { // documents always marshal
			panic(err)
		}
		list[i] = string(text)
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

func allows(docs []iampolicy.Document) bool {
	return slices.ContainsFunc(docs, func(d iampolicy.Document) bool {
		return slices.ContainsFunc(d.Statement, func(s iampolicy.Statement) bool { return s.Effect == "Allow" })
	})
}

// actionNames returns the actions and patterns in documents, sorted.
func actionNames(lists ...[]iampolicy.Document) []string {
	seen := map[string]string{}
	for _, docs := range lists {
		for _, d := range docs {
			for _, st := range d.Statement {
				for _, a := range st.Action {
					seen[strings.ToLower(a)] = a
				}
				// A Deny takes away only what another statement names.
				if len(st.NotAction) > 0 && st.Effect != "Deny" {
					seen["*"] = "*"
				}
			}
		}
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, seen[key])
	}
	return out
}

// restrictToAction returns documents with only the statements and actions that match
// an action or a pattern of actions.
func restrictToAction(docs []iampolicy.Document, action string) []iampolicy.Document {
	var out []iampolicy.Document
	for _, d := range docs {
		kept := iampolicy.Document{Version: d.Version}
		for _, st := range d.Statement {
			if len(st.NotAction) > 0 {
				if except := slices.ContainsFunc(st.NotAction, func(p string) bool { return actions.Match(p, action) }); except {
					continue
				}
				if !actions.IsPattern(action) {
					st.NotAction, st.Action = nil, iampolicy.Values{action}
				}
				if st.Resource = actedOn(action, st.Resource); st.Resource == nil || len(st.Resource) > 0 {
					kept.Statement = append(kept.Statement, st)
				}
				continue
			}
			var names iampolicy.Values
			for _, p := range st.Action {
				switch {
				case actions.Match(p, action):
					names = append(names, action)
				case actions.Match(action, p):
					names = append(names, p)
				}
			}
			if st.Action = names; len(names) > 0 {
				kept.Statement = append(kept.Statement, st)
			}
		}
		if len(kept.Statement) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// actedOn returns the resources that an action acts on, nil for none in a document without resources.
func actedOn(action string, resources iampolicy.Values) iampolicy.Values {
	if actions.IsPattern(action) {
		return resources
	}
	service, _, _ := strings.Cut(action, ":")
	return slices.DeleteFunc(slices.Clone(resources), func(r string) bool {
		f := strings.SplitN(strings.ReplaceAll(r, "${AWS::", "${"), ":", 4)
		return len(f) == 4 && !actions.Match(f[2], service) || !actions.ActsOn(action, r)
	})
}

// scopes returns the scopes of the statements in documents.
func (d *differ) scopes(docs []iampolicy.Document) []Scope {
	var out []Scope
	for _, doc := range docs {
		for _, st := range doc.Statement {
			s := Scope{
				Effect: st.Effect, Resources: st.Resource, Conditions: maskExternalID(st.Condition),
				Principals: explain.Principals(st.Principal),
			}
			var on []string
			for _, r := range st.Resource {
				on = append(on, d.describer.Resource(r))
			}
			s.Words = strings.Join(on, ", ")
			if len(s.Principals) > 0 {
				s.Words = strings.Join(st.Action, ", ") + " for " + strings.Join(s.Principals, ", ")
			}
			if only := d.describer.Conditions(st.Condition); len(only) > 0 {
				s.Words += ", only if " + strings.Join(only, " and ")
			}
			if st.Effect == "Deny" {
				s.Words = "never " + s.Words
			}
			out = append(out, s)
		}
	}
	return out
}

// maskExternalID masks the external ID, which is a secret.
func maskExternalID(c iampolicy.Conditions) iampolicy.Conditions { return replaceExternalID(c, "***") }

// replaceExternalID returns conditions with another external ID.
func replaceExternalID(c iampolicy.Conditions, id string) iampolicy.Conditions {
	out := iampolicy.Conditions{}
	for operator, keys := range c {
		out[operator] = maps.Clone(keys)
		for key := range keys {
			if strings.EqualFold(key, "sts:ExternalId") {
				out[operator][key] = iampolicy.Values{id}
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
