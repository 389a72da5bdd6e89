package policies

import (
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// SharedSuffix ends the Sid of a statement for resources that other accounts of
// the organization share.
const SharedSuffix = "OfOrganization"

// inOrganization holds for resources of accounts in the caller's organization,
// and never for an account that is in none (IAM User Guide, "AWS global condition
// context keys": aws:ResourceOrgID, aws:PrincipalOrgID).
var inOrganization = schema.Conditions{"StringEquals": {"aws:ResourceOrgID": {"${aws:PrincipalOrgID}"}}}

// statements returns what a statement of the profile becomes: none if nothing
// that it names is selected, one, or a second one for the resources that other
// accounts of the organization share.
func (s synthesis) statements(st schema.Statement) []iampolicy.Statement {
	own, shared := s.ownAndShared(st)
	effect := "Allow"
	if st.Deny {
		effect = "Deny"
	}
	var out []iampolicy.Statement
	if len(own) > 0 {
		out = append(out, iampolicy.Statement{
			Sid: st.Sid, Effect: effect, Action: st.Actions, Resource: own, Condition: s.conditions(st.When),
		})
	}
	if len(shared) > 0 {
		out = append(out, iampolicy.Statement{
			Sid: st.Sid + SharedSuffix, Effect: effect, Action: st.Actions, Resource: shared,
			Condition: s.conditions(organizationConditions(st.When)),
		})
	}
	return out
}

// ownAndShared returns the resources of this account and of the listed others,
// and those of any account of the organization.
func (s synthesis) ownAndShared(st schema.Statement) (own, shared iampolicy.Values) {
	env := s.names.env
	fixed := st.Resources
	if env.Organization && len(env.OtherAccounts) == 0 {
		// Without a list, ${OtherAccount} is any account: now any of the organization.
		other := func(r string) bool { return strings.Contains(r, otherAccount) }
		fixed = filter(st.Resources, func(r string) bool { return !other(r) })
		for _, r := range filter(st.Resources, other) {
			shared = append(shared, s.terms.expand(strings.ReplaceAll(r, otherAccount, "*")))
		}
	}
	own = s.resources(fixed)
	if len(own) == 0 && len(shared) == 0 && len(st.Resources) > 0 {
		return nil, nil // what it refers to is not selected
	}
	for _, account := range env.OtherAccounts {
		for _, r := range s.inAccount(st.Shared, account) {
			if !slices.Contains(own, r) {
				own = append(own, r)
			}
		}
	}
	if env.Organization {
		shared = append(shared, s.inAccount(st.Shared, "*")...)
	}
	return own, shared
}

// inAccount expands resources with another account in place of this one.
func (s synthesis) inAccount(resources []string, account string) iampolicy.Values {
	out := make(iampolicy.Values, 0, len(resources))
	for _, r := range resources {
		if r = s.terms.expand(strings.ReplaceAll(r, "${Account}", account)); !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// organizationConditions are a statement's conditions with the organization in
// place of this account.
func organizationConditions(when schema.Conditions) schema.Conditions {
	out := schema.Conditions{}
	for operator, keys := range when {
		out[operator] = maps.Clone(keys)
		delete(out[operator], "s3:ResourceAccount")
		delete(out[operator], "aws:ResourceAccount")
		if len(out[operator]) == 0 {
			delete(out, operator)
		}
	}
	for operator, keys := range inOrganization {
		if out[operator] == nil {
			out[operator] = map[string][]string{}
		}
		maps.Copy(out[operator], keys)
	}
	return out
}

// sharing reports whether a selection has statements that other accounts, or
// the organization, make a difference to.
func sharing(profile schema.Profile, c choice) bool {
	for _, r := range profile.Roles {
		if !c.hasAny(r.For) {
			continue
		}
		for _, p := range r.Policies {
			for _, st := range c.statements(p) {
				if len(st.Shared) > 0 || namesOtherAccounts(st) {
					return true
				}
			}
		}
	}
	return false
}

func namesOtherAccounts(st schema.Statement) bool {
	if slices.ContainsFunc(st.Resources, func(r string) bool { return strings.Contains(r, otherAccount) }) {
		return true
	}
	for _, keys := range st.When {
		for _, values := range keys {
			if slices.Contains(values, otherAccount) {
				return true
			}
		}
	}
	return false
}
