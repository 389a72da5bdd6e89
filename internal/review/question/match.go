package question

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
)

// match returns the grant with only the actions that match the question, and reports whether it matches at all.
func (q query) match(g explain.Grant) (explain.Grant, bool) {
	switch {
	case q.matchesName(g.Sid, g.Policy, g.PolicyName, g.Entity, g.Name), q.matchesUse(g):
		return g, true
	case q.every != nil:
		return g, q.every(g)
	case q.key != "":
		return g, q.matchesKey(g)
	case q.arns != nil:
		return q.matchResource(g)
	case len(g.NotActions) > 0:
		return g, q.matchesOther(g)
	}
	var names []string
	for _, action := range g.Actions {
		if q.matchesAction(action) {
			names = append(names, action)
		}
	}
	if len(names) == 0 {
		return g, false
	}
	return g.WithActions(names), true
}

// matchesAction reports whether an action of a statement matches the question. Either may have wildcards.
func (q query) matchesAction(action string) bool {
	if q.pattern != "" && (actions.Match(q.pattern, action) || actions.Match(action, q.pattern)) {
		return true
	}
	if q.pattern == "" && q.does == nil && q.words == nil {
		service, _, _ := strings.Cut(action, ":")
		return slices.ContainsFunc(q.actions, func(a reference.Action) bool {
			if actions.IsPattern(action) {
				return actions.Match(action, a.Name)
			}
			prefix, _, _ := strings.Cut(a.Name, ":")
			return strings.EqualFold(prefix, service)
		})
	}
	if q.does == nil && q.words == nil || len(q.actions) > 0 {
		return false
	}
	if service, _, _ := strings.Cut(action, ":"); q.prefix != nil && !slices.Contains(q.prefix, service) {
		return false
	}
	return (q.does == nil || slices.Contains(q.does, explain.Does(action))) && hasWords(action, q.words)
}

// matchesOther reports whether a grant of every action but some is about the question: about an action of one of the
// services of its resources that is not in its NotActions.
func (q query) matchesOther(g explain.Grant) bool {
	return slices.ContainsFunc(q.actions, func(a reference.Action) bool {
		service, _, _ := strings.Cut(a.Name, ":")
		return !matchesAny(g.NotActions, a.Name) && slices.ContainsFunc(g.Resources, func(r string) bool {
			return r == "*" || actions.Match(fields(r)[2], service)
		})
	})
}

// matchesKey reports whether a statement has a condition with the key of the question.
func (q query) matchesKey(g explain.Grant) bool {
	for _, keys := range g.Conditions {
		for key := range keys {
			if strings.EqualFold(key, q.key) {
				return true
			}
		}
	}
	return false
}

// matchResource returns the grant with only the actions that can act on the resource of the question.
func (q query) matchResource(g explain.Grant) (explain.Grant, bool) {
	if g.Kind != explain.Policy || !slices.ContainsFunc(g.Resources, q.matchesARN) {
		return g, false
	}
	if len(g.NotActions) > 0 {
		return g, true
	}
	var names []string
	for _, action := range g.Actions {
		if slices.ContainsFunc(matchingActions(action), func(a reference.Action) bool { return a.ActsOnType(q.types) }) {
			names = append(names, action)
		}
	}
	if len(names) == 0 {
		return g, false
	}
	g = g.WithActions(names)
	var resources, on []string
	for i, r := range g.Resources {
		if q.matchesARN(r) {
			resources, on = append(resources, r), append(on, g.On[i])
		}
	}
	g.Resources, g.On = resources, on
	return g, len(resources) > 0
}

// matchesARN reports whether a resource of a policy may be a resource of the question. An account or Region that either
// leaves empty is any: policies have none for snapshots, and people leave them out.
func (q query) matchesARN(resource string) bool {
	if resource == "*" {
		return true
	}
	p := fields(resource)
	return slices.ContainsFunc(q.arns, func(arn string) bool {
		f := fields(arn)
		for i := range f {
			open := i == 1 || i == 3 || i == 4
			if open && (f[i] == "" || p[i] == "") {
				continue
			}
			if !iampolicy.Overlap(p[i], f[i]) {
				return false
			}
		}
		return true
	})
}

// fields returns the six fields of an ARN, with * for CloudFormation's pseudo parameters.
func fields(arn string) []string {
	for _, pseudo := range []string{"Partition", "Region", "AccountId", "StackName", "URLSuffix"} {
		arn = strings.ReplaceAll(arn, "${AWS::"+pseudo+"}", "*")
	}
	f := strings.SplitN(arn, ":", 6)
	for len(f) < 6 {
		f = append(f, "")
	}
	return f
}

// matchesUse reports whether the question is an asset, operation or option of the grant.
func (q query) matchesUse(g explain.Grant) bool {
	return slices.ContainsFunc(g.For, func(u schema.Use) bool {
		return q.matchesName(string(u.Asset), string(u.Operation), string(u.Option))
	})
}

// matchesName reports whether the question is one of some names.
func (q query) matchesName(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		if n == "" {
			return false
		}
		return strings.EqualFold(q.text, n) || q.wild && actions.Match(q.text, n) ||
			slices.ContainsFunc(q.names, func(known string) bool { return strings.EqualFold(known, n) })
	})
}

func matchesAny(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return actions.Match(p, action) })
}
