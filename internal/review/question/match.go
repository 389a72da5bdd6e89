package question

import (
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

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
	case q.does != nil && g.Kind == explain.Trust:
		return g, false // it is what others do with the role, not what the role does
	case len(g.NotActions) > 0:
		return g, q.matchesOther(g)
	}
	var names []string
	for _, action := range g.Actions {
		if q.matchesAction(g, action) {
			names = append(names, action)
		}
	}
	if len(names) == 0 {
		return g, false
	}
	return g.WithActions(names), true
}

// isDenied reports whether everything that a grant allows of the question is denied by other statements of the role.
func (q query) isDenied(g explain.Grant) bool {
	if g.Kind != explain.Policy || g.Effect == "Deny" || len(q.actions) == 0 && q.arns == nil {
		return false
	}
	resources, asked := g.Resources, q.actions
	if q.arns != nil {
		resources, asked = q.arns, nil
		for _, action := range g.Actions {
			asked = append(asked, matchingActions(action)...)
		}
	}
	allowed := 0
	for _, a := range asked {
		if !allows(g, a.Name) || q.arns != nil && !a.ActsOnType(q.types) {
			continue
		}
		if allowed++; !g.IsDenied(a.Name, resources) {
			return false
		}
	}
	return allowed > 0
}

// matchesAction reports whether an action of a statement matches the question. Either may have wildcards.
func (q query) matchesAction(g explain.Grant, action string) bool {
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
	if !actions.IsPattern(action) {
		return q.matchesWords(g, action)
	}
	return slices.ContainsFunc(matchingActions(action), func(a reference.Action) bool { return q.matchesWords(g, a.Name) })
}

// matchesWords reports whether an action of AWS does what the question names, and has its words in the name.
func (q query) matchesWords(g explain.Grant, action string) bool {
	if service, _, _ := strings.Cut(action, ":"); q.prefix != nil && !slices.Contains(q.prefix, strings.ToLower(service)) {
		return false
	}
	if !hasWords(action, q.words) {
		return false
	}
	return q.does == nil || slices.Contains(q.verbs, firstWord(action)) ||
		slices.ContainsFunc(g.Does(action), func(does string) bool { return slices.Contains(q.does, does) })
}

var everyAction = sync.OnceValue(func() []reference.Action { return reference.MatchingAny("*:*") })

// matchesOther reports whether a grant of every action but some is about the question: about an action of one of the
// services of its resources that is not in its NotActions.
func (q query) matchesOther(g explain.Grant) bool {
	asked, inWords := q.actions, q.does != nil || q.words != nil
	if inWords {
		asked = everyAction()
	}
	return slices.ContainsFunc(asked, func(a reference.Action) bool {
		service, _, _ := strings.Cut(a.Name, ":")
		if inWords && !q.matchesWords(g, a.Name) || matchesAny(g.NotActions, a.Name) {
			return false
		}
		return slices.ContainsFunc(g.Resources, func(r string) bool {
			return r == "*" || actions.Match(pattern(r).Service, service)
		})
	})
}

// matchesKey reports whether a statement has a condition with the key of the question.
func (q query) matchesKey(g explain.Grant) bool {
	for _, keys := range g.Conditions {
		for key := range keys {
			if actions.Match(q.key, key) {
				return true
			}
		}
	}
	return false
}

// matchResource returns the grant with only the actions that can act on the resource of the question.
func (q query) matchResource(g explain.Grant) (explain.Grant, bool) {
	if g.Kind != explain.Policy || !slices.ContainsFunc(g.Resources, q.matchesARN) || q.isExcluded(g) {
		return g, false
	}
	if len(g.NotActions) > 0 {
		return g, q.hasOtherAction(g)
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

// hasOtherAction reports whether an action on the resource of the question is not among a grant's NotActions.
func (q query) hasOtherAction(g explain.Grant) bool {
	return slices.ContainsFunc(q.arns, func(arn string) bool {
		return slices.ContainsFunc(matchingActions(pattern(arn).Service+":*"), func(a reference.Action) bool {
			return a.ActsOnType(q.types) && !matchesAny(g.NotActions, a.Name)
		})
	})
}

// isExcluded reports whether all resources of the question are among a grant's NotResources.
func (q query) isExcluded(g explain.Grant) bool {
	return len(g.NotResources) > 0 && !slices.ContainsFunc(q.arns, func(arn string) bool {
		return !slices.ContainsFunc(g.NotResources, func(excluded string) bool {
			return matchFields(pattern(excluded), pattern(arn), actions.Match)
		})
	})
}

// matchesARN reports whether a resource of a policy may be a resource of the question. An account or Region that either
// leaves empty is any: policies have none for snapshots, and people leave them out.
func (q query) matchesARN(resource string) bool {
	if resource == "*" {
		return true
	}
	return slices.ContainsFunc(q.arns, func(arn string) bool {
		return matchFields(pattern(resource), pattern(arn), iampolicy.Overlap)
	})
}

// pattern returns the fields of an ARN with * for each variable.
func pattern(text string) arn.ARN {
	a, _ := iampolicy.ParseARN(iampolicy.VariablesAsWildcards(text))
	return a
}

// matchFields reports whether all fields of two ARNs match. A partition, Region or account that one of them leaves
// empty is any.
func matchFields(p, q arn.ARN, match func(p, q string) bool) bool {
	open := func(p, q string) bool { return p == "" || q == "" || match(p, q) }
	return open(p.Partition, q.Partition) && match(p.Service, q.Service) && open(p.Region, q.Region) &&
		open(p.AccountID, q.AccountID) && match(p.Resource, q.Resource)
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
