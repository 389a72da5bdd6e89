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
	resources := s.resources(st.Resources)
	if len(resources) == 0 {
		return nil
	}
	effect := "Allow"
	if st.Deny {
		effect = "Deny"
	}
	for _, account := range s.names.env.OtherAccounts {
		for _, shared := range s.inAccount(st.Shared, account) {
			if !slices.Contains(resources, shared) {
				resources = append(resources, shared)
			}
		}
	}
	out := []iampolicy.Statement{{
		Sid: st.Sid, Effect: effect, Action: st.Actions, Resource: resources, Condition: s.conditions(st.When),
	}}
	if len(st.Shared) > 0 && s.names.env.Organization {
		out = append(out, iampolicy.Statement{
			Sid: st.Sid + SharedSuffix, Effect: effect, Action: st.Actions,
			Resource: s.inAccount(st.Shared, "*"), Condition: s.conditions(organizationConditions(st.When)),
		})
	}
	return out
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
	out := make(schema.Conditions, len(when)+1)
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

// sharing reports whether a selection has statements that other accounts, and
// the organization, make a difference to.
func sharing(profile schema.Profile, c choice) (accounts, organization bool) {
	for _, r := range profile.Roles {
		if !c.hasAny(r.For) {
			continue
		}
		for _, p := range r.Policies {
			for _, st := range c.statements(p) {
				organization = organization || len(st.Shared) > 0
				accounts = accounts || len(st.Shared) > 0 || namesOtherAccounts(st)
			}
		}
	}
	return accounts, organization
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
