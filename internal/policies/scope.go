package policies

import (
	"errors"
	"fmt"
	"slices"

	"permstack/internal/awsapi/region"
	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// mergeAbove is the size of a set's policies, in characters, above which statements with the same resources are merged
// (mergeNamed). Below, each statement keeps its place in the vendor's policies. It is about half of what the template
// of the permission stack can hold.
const mergeAbove = 24_000

// synthesizeInScope returns the set of a complete selection with a scope. With long lists it merges statements.
func synthesizeInScope(profile schema.Profile, sel Selection, env Environment) (Set, error) {
	c := newChoice(profile, sel)
	n := newNarrower(profile, c, sel, env)
	narrowed := n.narrowed(profile, c)
	set, err := synthesize(splitNamed(narrowed, c, env), sel, env)
	var limit *LimitError
	if errors.As(err, &limit) || err == nil && set.size() > mergeAbove {
		merged, mergedErr := synthesize(splitNamed(mergeNamed(narrowed), c, env), sel, env)
		if mergedErr == nil {
			set, err = merged, nil
		}
	}
	set.NotNarrowed = n.notNarrowed(profile, c)
	return set, err
}

// size returns the number of characters of all policies of a set, as IAM counts them.
func (s Set) size() int {
	n := 0
	for _, r := range s.Roles {
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			n += size(p.Document)
		}
	}
	return n
}

// scope checks the scope of a selection and returns the selection with it in its normal form.
func (c *checker) scope(profile schema.Profile, sel Selection, env Environment) Selection {
	sel.Scope = sel.Scope.Normal()
	if sel.Scope.IsZero() {
		return sel
	}
	problems := sel.Scope.Problems()
	c.problems = append(c.problems, problems...)
	if len(problems) > 0 {
		return sel
	}
	for _, name := range sel.Scope.Regions {
		if !region.IsKnown(name) {
			c.add("unknown Region %q in the scope: a Region looks like eu-central-1, and this release must know it", name)
		}
	}
	if r := env.Region; sel.Scope.Has(scope.Region) && r != "" && !slices.Contains(sel.Scope.Regions, r) {
		c.add("the scope does not have the Region %s, in which the permissions are created; add it", r)
	}
	for _, k := range []scope.Kind{scope.Table, scope.Key} {
		for _, v := range sel.Scope.Get(k) {
			c.scopeARN(k, v, env)
		}
	}
	return sel
}

// scopeARN adds a problem for an ARN of a scope that is in another partition or in an account that the selection does
// not reach.
func (c *checker) scopeARN(k scope.Kind, arn string, env Environment) {
	a, ok := iampolicy.ParseARN(arn)
	if !ok {
		return
	}
	if env.Partition != "" && a.Partition != env.Partition {
		c.add("%s %q is in partition %s, not in %s", k.Noun(), arn, a.Partition, env.Partition)
	}
	other := env.Account != "" && a.AccountID != env.Account && !slices.Contains(env.OtherAccounts, a.AccountID)
	if other && !env.Organization {
		c.add("%s %q is of account %s, not of %s; give the other account, too", k.Noun(), arn, a.AccountID, env.Account)
	}
}

// unusedScope adds a problem for each kind of the scope that narrows nothing of the selection.
func (c *checker) unusedScope(profile schema.Profile, sel Selection, env Environment) {
	if len(c.problems) > 0 || sel.Scope.IsZero() {
		return
	}
	chosen := newChoice(profile, sel)
	for _, k := range scope.Kinds {
		if k == scope.Region || !sel.Scope.Has(k) {
			continue
		}
		one := sel
		one.Scope = scope.Scope{}.With(k, sel.Scope.Get(k))
		if !newNarrower(profile, chosen, one, env).narrowsAny(profile, chosen) {
			c.add("%s are given, but nothing of this selection can be narrowed to them; leave them out", k.Plural())
		}
	}
}

// narrowsAny reports whether the scope changes a statement of a selection.
func (n narrower) narrowsAny(profile schema.Profile, c choice) bool {
	for _, r := range profile.Roles {
		if !c.hasAny(r.For) {
			continue
		}
		for _, p := range r.Policies {
			for _, st := range c.statements(p) {
				got := n.statement(st)
				if len(got) != 1 || !slices.Equal(got[0].Resources, st.Resources) || len(got[0].When) != len(st.When) ||
					fmt.Sprint(got[0].When) != fmt.Sprint(st.When) {
					return true
				}
			}
		}
	}
	return false
}
