// Package ceiling computes the permissions boundary of a vendor's roles: the most that a profile grants for each
// choice of assets and operations, within the size of one managed policy. A parent stack creates it, and the
// permission stacks can create no role without it.
package ceiling

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Ceiling is the boundary of a profile's roles.
type Ceiling struct {
	Profile string
	// Actions are granted on every resource, by the choice that includes them.
	Actions []Group
	// Statements keep their resources and conditions.
	Statements []Statement
}

// Group is a set of actions with the choice that includes them.
type Group struct {
	When    When
	Actions []string // patterns, sorted
}

// Statement is a statement whose resources and condition values depend on the choice. Its strings have pseudo
// parameters of CloudFormation, and the placeholders of package policies.
type Statement struct {
	When      When // one of its resources, and one of its values, is included
	Actions   []string
	Resources []Part
	Operator  string // of its only condition; "" for none
	Key       string
	Values    []Part
}

// Part is a value of a list with the choice that includes it.
type Part struct {
	When  When
	Value string
}

// When is a choice: one of the uses, in one of the releases.
type When struct {
	Uses     []schema.Use // none: always
	Releases []string     // none: every release
}

func (w When) key() string {
	b, err := json.Marshal(w)
	if err != nil { // strings always marshal
		panic(err)
	}
	return string(b)
}

// exact are the actions whose statements keep their resources and conditions: without them, each leads to the rights
// of any role of the account, or to a shell on any instance.
var exact = []string{
	"iam:AddRoleToInstanceProfile", "iam:AttachRolePolicy", "iam:CreateRole", "iam:CreateServiceLinkedRole",
	"iam:DeleteRole", "iam:DetachRolePolicy", "iam:PassRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy",
	"kms:CreateGrant", "kms:PutKeyPolicy", "lambda:AddPermission", "lambda:InvokeFunction", "lambda:UpdateFunctionCode",
	"ssm:SendCommand", "ssm:StartAutomationExecution", "ssm:StartSession", "sts:AssumeRole",
}

// isExact reports whether an action, which may have wildcards, keeps its resources: those of a list, and every change
// of IAM.
func isExact(action string) bool {
	return slices.ContainsFunc(exact, func(e string) bool { return iampolicy.Overlap(action, e) }) ||
		strings.HasPrefix(action, "iam:") && !strings.HasPrefix(action, "iam:Get") &&
			!strings.HasPrefix(action, "iam:List") && !strings.HasPrefix(action, "iam:Simulate")
}

// New returns the ceiling of a profile for every release of the catalogue. The values of settings are taken as
// selected. It returns an error if the ceiling of every asset and operation does not fit a managed policy.
func New(profile schema.Profile) (Ceiling, error) {
	var c Ceiling
	for _, w := range []width{beginnings, parts, reads, joint, kinds} {
		if c = newCeiling(profile, w); c.size() <= policies.MaxManagedPolicy {
			return c, nil
		}
	}
	return c, fmt.Errorf("the permissions boundary of profile %s has %d characters, and IAM allows %d", profile.Name,
		c.size(), policies.MaxManagedPolicy)
}

func newCeiling(profile schema.Profile, width width) Ceiling {
	var options []schema.Option
	for _, o := range profile.Options {
		options = append(options, o.Option)
	}
	prefix := policies.NamePrefix(profile)
	wide := map[string]map[string][]schema.Use{} // action → release → uses
	narrow := map[string]*narrowed{}
	for _, release := range policies.Releases {
		for _, g := range policies.MaximumGrants(profile, release) {
			uses := known(g.For, options)
			kept := iampolicy.Statement{
				Effect: "Allow", Resource: shortARNs(g.Statement.Resource, prefix), Condition: g.Statement.Condition,
			}
			for _, a := range g.Statement.Action {
				if isExact(a) {
					kept.Action = append(kept.Action, a)
					continue
				}
				if wide[a] == nil {
					wide[a] = map[string][]schema.Use{}
				}
				wide[a][release] = merge(wide[a][release], uses)
			}
			if len(kept.Action) == 0 {
				continue
			}
			slices.Sort(kept.Action)
			if slices.Equal(kept.Action, iampolicy.Values{"kms:CreateGrant"}) && len(kept.Condition) > 0 {
				kept.Resource = iampolicy.Values{"*"}
			}
			key := statementKey(kept)
			if narrow[key] == nil {
				narrow[key] = &narrowed{statement: kept, uses: map[string][]schema.Use{}}
			}
			narrow[key].uses[release] = merge(narrow[key].uses[release], uses)
		}
	}
	out := Ceiling{Profile: profile.Name}
	groups := map[string]*Group{}
	for _, a := range slices.Sorted(maps.Keys(wide)) {
		for _, w := range whens(wide[a]) {
			if groups[w.key()] == nil {
				groups[w.key()] = &Group{When: w}
			}
			groups[w.key()].Actions = append(groups[w.key()].Actions, a)
		}
	}
	always := map[string]bool{}
	for _, g := range groups {
		if len(g.When.Uses) == 0 && len(g.When.Releases) == 0 {
			for _, a := range g.Actions {
				always[a] = true
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		g := *groups[key]
		also := always
		if width >= joint {
			also = grantedWith(groups, g)
		}
		if width >= kinds {
			maps.Copy(also, changes(also))
		}
		g.Actions = compress(g.Actions, also, width)
		out.Actions = append(out.Actions, g)
	}
	if width >= joint {
		out.Actions = joinGroups(out.Actions)
	}
	for _, key := range slices.Sorted(maps.Keys(narrow)) {
		for _, w := range whens(narrow[key].uses) {
			out.Statements = append(out.Statements, newStatement(w, narrow[key].statement, prefix))
		}
	}
	out.Statements = join(out.Statements)
	if width >= joint {
		for i, s := range out.Statements {
			out.Statements[i].Resources = withoutCovered(s.Resources)
		}
	}
	return out
}

// grantedWith returns the actions that every choice with a group includes.
func grantedWith(groups map[string]*Group, g Group) map[string]bool {
	out := map[string]bool{}
	for _, other := range groups {
		if other.When.covers(g.When) {
			for _, a := range other.Actions {
				out[a] = true
			}
		}
	}
	return out
}

// joinGroups returns groups in which each pattern is in one group only of the same releases: the group of all uses that
// have the pattern.
func joinGroups(groups []Group) []Group {
	type place struct{ pattern, releases string }
	uses, releases := map[place][]schema.Use{}, map[place][]string{}
	for _, g := range groups {
		for _, pattern := range g.Actions {
			p := place{pattern, strings.Join(g.When.Releases, ",")}
			list := g.When.Uses
			if len(list) == 0 {
				list = []schema.Use{always}
			}
			uses[p], releases[p] = merge(uses[p], list), g.When.Releases
		}
	}
	joined := map[string]*Group{}
	for p, list := range uses {
		w := When{Uses: list, Releases: releases[p]}
		if len(list) == 1 && list[0] == always {
			w.Uses = nil
		}
		if joined[w.key()] == nil {
			joined[w.key()] = &Group{When: w}
		}
		joined[w.key()].Actions = append(joined[w.key()].Actions, p.pattern)
	}
	var out []Group
	for _, key := range slices.Sorted(maps.Keys(joined)) {
		slices.Sort(joined[key].Actions)
		out = append(out, *joined[key])
	}
	return out
}

// covers reports whether everything that is included in b is included in w too.
func (w When) covers(b When) bool {
	if len(w.Releases) > 0 && (len(b.Releases) == 0 || slices.ContainsFunc(b.Releases, func(r string) bool {
		return !slices.Contains(w.Releases, r)
	})) {
		return false
	}
	if len(w.Uses) == 0 || len(b.Uses) == 0 {
		return len(w.Uses) == 0
	}
	return !slices.ContainsFunc(b.Uses, func(u schema.Use) bool {
		return !slices.ContainsFunc(w.Uses, func(o schema.Use) bool { return includes(o, u) })
	})
}

// withoutCovered returns resources without those that another one includes whenever they are included.
func withoutCovered(list []Part) []Part {
	return slices.DeleteFunc(slices.Clone(list), func(p Part) bool {
		return slices.ContainsFunc(list, func(o Part) bool {
			return o.Value != p.Value && actions.Match(o.Value, p.Value) && o.When.covers(p.When)
		})
	})
}

type narrowed struct {
	statement iampolicy.Statement
	uses      map[string][]schema.Use // by release
}

func statementKey(s iampolicy.Statement) string {
	b, err := s.MarshalJSON()
	if err != nil { // a statement always marshals
		panic(err)
	}
	return string(b)
}

// always is the use that every choice has.
var always = schema.Use{}

// known returns uses without the options that are not listed; one empty use for none.
func known(uses []schema.Use, options []schema.Option) []schema.Use {
	out := make([]schema.Use, 0, len(uses)+1)
	for _, u := range uses {
		if !slices.Contains(options, u.Option) {
			u.Option = ""
		}
		out = append(out, u)
	}
	if len(out) == 0 {
		out = append(out, always)
	}
	return out
}

// merge returns the uses of two lists, sorted, without those that another one includes.
func merge(a, b []schema.Use) []schema.Use {
	var out []schema.Use
	all := slices.Concat(a, b)
	for i, u := range all {
		covered := slices.ContainsFunc(all, func(o schema.Use) bool { return o != u && includes(o, u) }) ||
			slices.Contains(all[:i], u)
		if !covered {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b schema.Use) int {
		return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Operation, b.Operation),
			cmp.Compare(a.Option, b.Option))
	})
	return out
}

// includes reports whether every choice with use b has use a.
func includes(a, b schema.Use) bool {
	return (a.Asset == "" || a.Asset == b.Asset) && (a.Operation == "" || a.Operation == b.Operation) &&
		(a.Option == "" || a.Option == b.Option)
}

// whens returns the choices of something that releases have for different uses.
func whens(byRelease map[string][]schema.Use) []When {
	releases := map[string][]string{}
	uses := map[string][]schema.Use{}
	for _, r := range policies.Releases {
		if list, ok := byRelease[r]; ok {
			key := When{Uses: list}.key()
			releases[key] = append(releases[key], r)
			uses[key] = list
		}
	}
	var out []When
	for _, key := range slices.Sorted(maps.Keys(uses)) {
		w := When{Uses: uses[key], Releases: releases[key]}
		if len(w.Uses) == 1 && w.Uses[0] == always {
			w.Uses = nil
		}
		if len(w.Releases) == len(policies.Releases) {
			w.Releases = nil
		}
		out = append(out, w)
	}
	return out
}
