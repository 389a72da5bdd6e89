package ceiling

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
)

// shortARNs returns ARNs with wildcards for what does not limit them: the partition, and the account of an IAM
// resource, because a role can only pass, create and change roles of its own account. sts:AssumeRole is limited by the
// role's own policies and by the trust of the other role.
func shortARNs(arns []string, prefix string) iampolicy.Values {
	var out iampolicy.Values
	for _, arn := range arns {
		if a, ok := iampolicy.ParseARN(arn); ok {
			a.Partition = "*"
			if a.Service == "iam" {
				a.AccountID = "*"
			}
			arn = a.String()
			if strings.HasSuffix(arn, ":iam::*:role/*") {
				arn = "*"
			}
			arn = own(arn, prefix)
			if name, ok := strings.CutPrefix(a.Resource, "role/aws-service-role/"); ok && !strings.HasPrefix(name, "*") {
				arn = "arn:*:iam::*:role/aws-service-role/*"
			}
		}
		if !slices.Contains(out, arn) {
			out = append(out, arn)
		}
	}
	return slices.DeleteFunc(slices.Clone(out), func(r string) bool {
		return slices.ContainsFunc(out, func(o string) bool { return o != r && actions.Match(o, r) })
	})
}

// own returns an ARN of something that the permission stack creates, with wildcards for the path before the Region and
// for what follows the beginning of all names of the profile: all roles of the installation have the same boundary.
func own(arn, prefix string) string {
	before, _, found := strings.Cut(arn, policies.PlaceholderPath)
	if !found {
		return arn
	}
	if strings.Contains(arn, "${AWS::Region}/"+policies.PlaceholderConnection) {
		return before + "*/${AWS::Region}/${ConnectionId}/" + prefix + "*"
	}
	return before + "*/" + prefix + "*" // of other Regions or accounts
}

// newStatement returns a statement with one choice for all of it. A statement keeps at most one condition: of several
// keys, the last by name.
func newStatement(w When, s iampolicy.Statement, prefix string) Statement {
	out := Statement{When: w, Actions: s.Action}
	for _, r := range s.Resource {
		out.Resources = append(out.Resources, Part{w, r})
	}
	for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[operator])) {
			out.Operator, out.Key, out.Values = operator, key, nil
			for _, v := range s.Condition[operator][key] {
				if strings.Contains(v, policies.PlaceholderPath) { // then wildcards replace it
					out.Operator, v = "StringLike", shortARNs([]string{v}, prefix)[0]
				}
				out.Values = append(out.Values, Part{w, v})
			}
		}
	}
	return out
}

// join joins statements that differ in the values of their condition alone, and then those that differ in their
// resources alone.
func join(list []Statement) []Statement {
	values := func(parts []Part) string {
		var out []string
		for _, p := range parts {
			out = append(out, p.Value)
		}
		return fmt.Sprint(out)
	}
	list = joinBy(list, func(s Statement) string {
		return fmt.Sprint(s.Actions, values(s.Resources), s.Operator, s.Key)
	})
	list = joinBy(list, func(s Statement) string {
		return fmt.Sprint(s.Actions, s.Operator, s.Key, values(s.Values))
	})
	for i, s := range list {
		list[i].Resources = slices.DeleteFunc(slices.Clone(s.Resources), func(r Part) bool {
			return slices.ContainsFunc(s.Resources, func(o Part) bool {
				return o.Value != r.Value && actions.Match(o.Value, r.Value) && o.When.key() == r.When.key()
			})
		})
	}
	return list
}

func joinBy(list []Statement, key func(Statement) string) []Statement {
	var out []Statement
	at := map[string]int{}
	for _, s := range list {
		i, ok := at[key(s)]
		if !ok {
			at[key(s)] = len(out)
			out = append(out, s)
			continue
		}
		t := &out[i]
		t.When = t.When.or(s.When)
		t.Resources, t.Values = joinParts(t.Resources, s.Resources), joinParts(t.Values, s.Values)
	}
	return out
}

func joinParts(a, b []Part) []Part {
	out := slices.Clone(a)
	for _, p := range b {
		if i := slices.IndexFunc(out, func(o Part) bool { return o.Value == p.Value }); i >= 0 {
			out[i].When = out[i].When.or(p.When)
			continue
		}
		out = append(out, p)
	}
	return out
}

// or returns the choice of one of two. If their releases differ, it is in every release.
func (w When) or(o When) When {
	if w.key() == o.key() {
		return w
	}
	out := When{Uses: merge(w.Uses, o.Uses), Releases: w.Releases}
	if len(w.Uses) == 0 || len(o.Uses) == 0 {
		out.Uses = nil
	}
	if !slices.Equal(w.Releases, o.Releases) {
		out.Releases = nil
	}
	return out
}
