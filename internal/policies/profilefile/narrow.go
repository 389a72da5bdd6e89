package profilefile

import (
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// scopeKinds are the kinds of scope that notNarrowed may name.
var scopeKinds = map[string]bool{
	string(scope.Tag): true, string(scope.Bucket): true, string(scope.Table): true, string(scope.Database): true,
	string(scope.Key): true, string(scope.VPC): true,
}

// narrow derives how a customer's tags and VPCs narrow each statement of a profile: for which of its actions and
// resources AWS sends the condition key.
//
// It reports a notNarrowed for a kind by which nothing of the statement would be narrowed.
func (a *assembler) narrow(p *schema.Profile) {
	for i := range p.Roles {
		r := &p.Roles[i]
		for j := range r.Policies {
			policy := &r.Policies[j]
			for k := range policy.Statements {
				st := &policy.Statements[k]
				if st.Deny {
					continue
				}
				uses := st.For
				if len(uses) == 0 {
					uses = policy.For
				}
				if len(uses) == 0 {
					uses = r.For
				}
				narrows := map[string]bool{}
				for _, resource := range st.Resources {
					if pattern, ok := scope.ParsePattern(resource); ok {
						narrows[string(pattern.Kind)] = true
					}
				}
				tag, byTag := tagNarrowing(*st, restoresOnly(*p, uses))
				vpc, byVPC := vpcNarrowing(*st)
				for _, n := range []struct {
					schema.Narrowing
					sent bool
				}{{tag, byTag}, {vpc, byVPC}} {
					if n.sent && st.NotNarrowed[n.Kind] == "" {
						st.Narrow = append(st.Narrow, n.Narrowing)
					}
					narrows[n.Kind] = narrows[n.Kind] || n.sent
				}
				for _, kind := range slices.Sorted(maps.Keys(st.NotNarrowed)) {
					if scopeKinds[kind] && !narrows[kind] {
						a.add(a.places[StatementKey(r.Entity, policy.Entity, st.Sid, st.In.From)],
							"notNarrowed: %s narrows nothing of statement %s; leave it out", kind, st.Sid)
					}
				}
			}
		}
	}
}

// restoresOnly reports whether every use is one of an operation that restores.
func restoresOnly(p schema.Profile, uses []schema.Use) bool {
	return len(uses) > 0 && !slices.ContainsFunc(uses, func(u schema.Use) bool {
		return !slices.Contains(p.RestoreOperations, u.Operation)
	})
}

// tagNarrowing returns the part of a statement that acts on protected resources whose tags AWS sends. What only
// restores need acts on resources that a restore creates, which have no tags yet. A statement that has a condition on
// tags is about resources that the vendor creates.
func tagNarrowing(st schema.Statement, restoresOnly bool) (schema.Narrowing, bool) {
	if restoresOnly || hasTagCondition(st.When) {
		return schema.Narrowing{Kind: string(scope.Tag)}, false
	}
	resources := filterTexts(st.Resources, scope.IsProtected)
	actions := filterTexts(st.Actions, func(action string) bool {
		return sendsKey(action, resources, "aws:ResourceTag/")
	})
	return part(scope.Tag, st, actions, resources)
}

func hasTagCondition(when schema.Conditions) bool {
	for _, keys := range when {
		for key := range keys {
			if strings.Contains(key, "ResourceTag/") || strings.Contains(key, "RequestTag/") || key == "ec2:CreateAction" {
				return true
			}
		}
	}
	return false
}

// vpcNarrowing returns the part of a statement that acts on resources in a VPC.
func vpcNarrowing(st schema.Statement) (schema.Narrowing, bool) {
	resources := filterTexts(st.Resources, func(r string) bool {
		_, named := scope.ParsePattern(r)
		return !named && strings.Contains(r, ":ec2:") &&
			slices.ContainsFunc(st.Actions, func(a string) bool { return sendsKey(a, []string{r}, "ec2:Vpc") })
	})
	actions := filterTexts(st.Actions, func(action string) bool { return sendsKey(action, resources, "ec2:Vpc") })
	return part(scope.VPC, st, actions, resources)
}

// part returns a narrowing without lists that have everything of the statement.
func part(kind scope.Kind, st schema.Statement, actions, resources []string) (schema.Narrowing, bool) {
	n := schema.Narrowing{Kind: string(kind), Actions: actions, Resources: resources}
	if len(actions) == 0 || len(resources) == 0 {
		return n, false
	}
	if len(actions) == len(st.Actions) {
		n.Actions = nil
	}
	if len(resources) == len(st.Resources) {
		n.Resources = nil
	}
	return n, true
}

// sendsKey reports whether AWS sends a condition key for an action, which may have wildcards, with each of the
// resources that it acts on, and it acts on one.
func sendsKey(action string, resources []string, key string) bool {
	acts := false
	for _, a := range reference.Matching(action) {
		for _, t := range a.Resources {
			if !namesType(resources, t.ARN) {
				continue
			}
			acts = true
			if !slices.ContainsFunc(slices.Concat(a.Keys, t.Keys), func(k string) bool {
				return strings.HasPrefix(strings.ToLower(k), strings.ToLower(key))
			}) {
				return false
			}
		}
	}
	return acts
}

// namesType reports whether one of the resources may be of a type, by the pattern of its ARNs. Names have no slash, so
// that a table is no stream of a table.
func namesType(resources []string, arn string) bool {
	have := parts(arn)
	return slices.ContainsFunc(resources, func(r string) bool {
		want := parts(r)
		return slices.EqualFunc(want, have, iampolicy.Overlap)
	})
}

// parts returns the fields of an ARN and the segments of its resource part, with * for variables.
func parts(text string) []string {
	text = iampolicy.VariablesAsWildcards(text)
	a, ok := iampolicy.ParseARN(text)
	if !ok {
		return []string{text}
	}
	return append([]string{a.Partition, a.Service, a.Region, a.AccountID}, strings.Split(a.Resource, "/")...)
}

func filterTexts(list []string, keep func(string) bool) []string {
	var out []string
	for _, v := range list {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}
