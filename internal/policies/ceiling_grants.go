package policies

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// MaximumGrant is a statement of a profile, with its widest resources and conditions in any environment.
type MaximumGrant struct {
	For       []schema.Use // the uses that include it; none: always
	Statement iampolicy.Statement
}

// Placeholders of MaximumGrants for what a parent stack's parameters hold.
const (
	PlaceholderPath       = "/permstack-path-placeholder/"
	PlaceholderConnection = "connection-placeholder"
	placeholderAccount    = "000000000000"
	placeholderExternalID = "external-id-placeholder"
)

// MaximumGrants returns the allowing statements of a profile in a release, whatever is selected: those of every asset,
// operation and option, with the resources of other accounts. Their strings have pseudo parameters and placeholders.
// Values that only the customer knows, such as the vendor's account, are wildcards in resources; conditions with such
// values are left out. The profile may be that of another release: the registered one has what all releases grant.
func MaximumGrants(p schema.Profile, release string) []MaximumGrant {
	if all, ok := profile(p.Name); ok {
		p = all
	}
	return maximumGrants(atRelease(p, release))
}

func maximumGrants(profile schema.Profile) []MaximumGrant {
	var out []MaximumGrant
	for _, c := range everyChoice(profile) {
		role := "arn:aws:iam::" + placeholderAccount + ":role/" + placeholderExternalID
		env := Environment{
			ControlPlaneRoleARN: role, SupportControlPlaneRoleARN: role, DataPlaneAccountID: placeholderAccount,
			ExternalID: placeholderExternalID, ConnectionID: PlaceholderConnection, Path: PlaceholderPath,
		}
		s := synthesis{profile: profile, choice: c, names: names{env}}
		s.terms = newTerms(profile, c, env)
		s.chosen = s.chosenParts(env)
		for _, r := range profile.Roles {
			for _, p := range r.Policies {
				for _, st := range p.Statements {
					if st.Deny {
						continue
					}
					grant := MaximumGrant{For: st.For, Statement: s.maximum(st)}
					if len(grant.Statement.Resource) == 0 {
						continue
					}
					if len(grant.For) == 0 {
						grant.For = p.For
					}
					if len(grant.For) == 0 {
						grant.For = r.For
					}
					out = append(out, grant)
				}
			}
		}
	}
	return out
}

// everyChoice returns choices of all assets, operations and options, which together have every value of the settings.
func everyChoice(profile schema.Profile) []choice {
	most := 1
	for _, s := range profile.Settings {
		most = max(most, len(s.Values))
	}
	var out []choice
	for i := range most {
		c := choice{
			assets: map[schema.Asset]bool{}, operations: toSet(profile.Operations), options: map[schema.Option]bool{},
		}
		for _, a := range profile.Assets {
			c.assets[a.Asset] = true
		}
		for _, o := range profile.Options {
			c.options[o.Option] = true
		}
		for _, s := range profile.Settings {
			c.options[s.Values[min(i, len(s.Values)-1)].Option] = true
		}
		out = append(out, c)
	}
	return out
}

// maximum returns a statement with its widest resources.
func (s synthesis) maximum(st schema.Statement) iampolicy.Statement {
	resources := s.resources(st.Resources)
	resources = append(resources, s.inAccount(st.Shared, "*")...)
	out := iampolicy.Statement{Effect: "Allow", Action: slices.Clone(st.Actions)}
	for _, r := range resources {
		r = strings.ReplaceAll(r, placeholderAccount, "*")
		if strings.Contains(r, placeholderExternalID) {
			r = "*"
		}
		if !slices.Contains(out.Resource, r) {
			out.Resource = append(out.Resource, r)
		}
	}
	every := slices.Clone(out.Resource)
	out.Resource = slices.DeleteFunc(out.Resource, func(r string) bool {
		shared := strings.Replace(r, pseudoAccount, "*", 1)
		return shared != r && slices.Contains(every, shared)
	})
	for operator, keys := range s.conditions(st.When) {
		for key, values := range keys {
			given := func(v string) bool {
				return v == "" || strings.Contains(v, placeholderAccount) || strings.Contains(v, placeholderExternalID) ||
					v == pseudoAccount && len(st.Shared) > 0
			}
			if slices.ContainsFunc(values, given) {
				continue
			}
			if out.Condition == nil {
				out.Condition = iampolicy.Conditions{}
			}
			if out.Condition[operator] == nil {
				out.Condition[operator] = map[string]iampolicy.Values{}
			}
			out.Condition[operator][key] = values
		}
	}
	return out
}
