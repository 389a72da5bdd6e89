package flows

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// CheckBoundary returns the calls of flows that the policies of a set allow and a permissions boundary does not.
// Conditions on global keys that no flow has, such as aws:SourceIp, count as met if they are of an allowing statement,
// and as not met if they are of a denying one: only what certainly fails is returned.
func CheckBoundary(
	set policies.Set, list []schema.Flow, env policies.Environment, boundary iampolicy.Document,
) []Failure {
	var out []Failure
	for _, r := range Requests(set, list, env) {
		request := eval.Request{Action: r.Action, Resource: r.Resource, Context: withGlobalKeys(r, env)}
		if r.Denied || eval.Documents(r.Documents, request) != eval.Allow {
			continue
		}
		known := withoutUnknownKeys(boundary, request.Context)
		if eval.Documents([]iampolicy.Document{known}, request) != eval.Allow {
			out = append(out, Failure{
				Flow: r.Flow, Call: r.Call, Index: r.Index, Role: r.Role, Action: r.Action, Resource: r.Resource,
				Source: r.Source,
			})
		}
	}
	return out
}

// withGlobalKeys returns the condition keys of a request, with those that AWS sends with every request of the account.
func withGlobalKeys(r Request, env policies.Environment) map[string][]string {
	out := map[string][]string{
		"aws:PrincipalAccount": {env.Account}, "aws:SecureTransport": {"true"}, "aws:RequestedRegion": {env.Region},
	}
	for key, values := range r.Context {
		for name := range out {
			if strings.EqualFold(name, key) {
				delete(out, name)
			}
		}
		out[key] = values
	}
	return out
}

// withoutUnknownKeys returns a document without the conditions on global keys that a request does not have.
func withoutUnknownKeys(doc iampolicy.Document, context map[string][]string) iampolicy.Document {
	out := doc
	out.Statement = nil
	for _, st := range doc.Statement {
		conditions, unknown := iampolicy.Conditions{}, false
		for operator, keys := range st.Condition {
			for key, values := range keys {
				if isUnknown(key, context) {
					unknown = true
					continue
				}
				if conditions[operator] == nil {
					conditions[operator] = map[string]iampolicy.Values{}
				}
				conditions[operator][key] = values
			}
		}
		if unknown && st.Effect == "Deny" {
			continue
		}
		st.Condition = conditions
		out.Statement = append(out.Statement, st)
	}
	return out
}

// isUnknown reports whether a key is a global one that a request does not have, and that is not of its tags.
func isUnknown(key string, context map[string][]string) bool {
	key = strings.ToLower(key)
	for name := range context {
		if strings.EqualFold(name, key) {
			return false
		}
	}
	ofTags := strings.HasPrefix(key, "aws:requesttag/") || strings.HasPrefix(key, "aws:resourcetag/") ||
		key == "aws:tagkeys"
	return strings.HasPrefix(key, "aws:") && !ofTags
}

// Beyond returns the actions that a permissions boundary allows, on some resource, and that no policy of a set grants.
// Conditions are not considered; an unconditional denial on every resource is.
func Beyond(boundary iampolicy.Document, set policies.Set) []string {
	granted := map[string]bool{}
	for _, r := range set.Roles {
		for _, p := range slices.Concat(r.Inline, r.Managed) {
			for _, st := range p.Document.Statement {
				if st.Effect == "Allow" {
					addActions(granted, st)
				}
			}
		}
	}
	allowed, denied := map[string]bool{}, map[string]bool{}
	for _, st := range boundary.Statement {
		switch {
		case st.Effect == "Allow":
			addActions(allowed, st)
		case len(st.Condition) == 0 && slices.Contains(st.Resource, "*"):
			addActions(denied, st)
		}
	}
	var out []string
	for name := range allowed {
		if !granted[name] && !denied[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// addActions adds the actions of a statement to a set of names.
func addActions(to map[string]bool, st iampolicy.Statement) {
	for _, pattern := range st.Action {
		for _, a := range actions.Matching(pattern) {
			to[a.Name] = true
		}
	}
	if len(st.NotAction) == 0 {
		return
	}
	for _, a := range actions.All() {
		if !slices.ContainsFunc(st.NotAction, func(p string) bool { return actions.Match(p, a.Name) }) {
			to[a.Name] = true
		}
	}
}
