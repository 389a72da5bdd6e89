package explain

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
)

// withOthers returns a grant of every action but some as one of those of some patterns that it grants.
func (g Grant) withOthers(patterns []string) Grant {
	g.Actions = nil
	for _, p := range patterns {
		for _, a := range actions.Matching(p) {
			if !slices.ContainsFunc(g.NotActions, func(n string) bool { return actions.Match(n, a.Name) }) &&
				!slices.Contains(g.Actions, a.Name) {
				g.Actions = append(g.Actions, a.Name)
			}
		}
	}
	g.NotActions = nil
	return g
}

// passesTo reports whether a grant of iam:PassRole lets a service have the role.
func passesTo(g Grant, service string) bool {
	for name, keys := range g.Conditions {
		o := parseOperator(name)
		for key, values := range keys {
			if strings.EqualFold(key, "iam:PassedToService") && !o.negated && !slices.ContainsFunc(values, func(v string) bool {
				short, _, _ := strings.Cut(v, ".amazonaws")
				short, _, _ = strings.Cut(short, ".${AWS::URLSuffix}")
				return actions.Match(v, service+".amazonaws.com") || short == service
			}) {
				return false
			}
		}
	}
	return true
}

// onlyRemoves reports whether a grant only ends the sharing of a copy: AWS adds or removes accounts, "but you cannot do
// both in a single operation" (EC2 API reference, ModifySnapshotAttribute).
func (g Grant) onlyRemoves() bool {
	return slices.ContainsFunc(g.Bounds, func(b Bound) bool {
		return strings.HasPrefix(strings.ToLower(b.Key), "ec2:remove/")
	})
}

// modifies reports whether the conditions of a grant let an attribute be changed (ec2:Attribute).
func (g Grant) modifies(attribute string) bool {
	for name, keys := range g.Conditions {
		for key, values := range keys {
			if strings.EqualFold(key, "ec2:Attribute") && !parseOperator(name).negated &&
				!slices.ContainsFunc(values, func(v string) bool { return actions.Match(v, attribute) }) {
				return false
			}
		}
	}
	return true
}

// reachesOwn reports whether a grant may apply to resources of the customer's account.
func (g Grant) reachesOwn() bool {
	for _, b := range g.Bounds {
		if isAccountKey(strings.ToLower(b.Key)) && b.Effect == Bounds {
			return false
		}
	}
	w := g.role.describer
	return slices.ContainsFunc(g.Resources, func(r string) bool {
		return !strings.HasPrefix(r, "arn:") || w.Accounts[iampolicy.AccountInARN(r)] == ""
	})
}

// reachesOther reports whether a grant may apply to resources of another account.
func (g Grant) reachesOther() bool {
	if slices.ContainsFunc(g.Bounds, func(b Bound) bool { return b.Effect == OwnAccount }) {
		return false
	}
	account := g.role.describer.Account
	return slices.ContainsFunc(g.Resources, func(r string) bool {
		of := iampolicy.AccountInARN(r)
		return of != "${AWS::AccountId}" && (of == "" || of != account)
	})
}
