package accessdiff

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
)

// roleARN is what a profile accepts as the vendor's role. Vendors' files also name whole accounts, or leave the account
// open.
var roleARN = regexp.MustCompile(`^arn:[a-z-]+:iam::[0-9]{12}:role/`)

var accountID = regexp.MustCompile(`\b[0-9]{12}\b`)

// Infer returns env with the vendor's values that env lacks and the set contains:
// the principals that the roles trust, their external ID, and the data-plane
// account. A choice that is compared with a file is then synthesized for the same
// vendor accounts.
func (s *AccessSet) Infer(env policies.Environment) policies.Environment {
	var accounts []string
	for _, name := range slices.Sorted(maps.Keys(s.Roles)) {
		for _, trust := range s.Roles[name].Trust {
			for _, st := range trust.Statement {
				if st.Principal == nil {
					continue
				}
				for _, arn := range st.Principal.ByType["AWS"] {
					if !roleARN.MatchString(arn) {
						continue
					}
					if strings.HasSuffix(name, "SupportRole") {
						env.SupportControlPlaneRoleARN = cmp.Or(env.SupportControlPlaneRoleARN, arn)
					} else {
						env.ControlPlaneRoleARN = cmp.Or(env.ControlPlaneRoleARN, arn)
					}
				}
				for _, keys := range st.Condition {
					for _, id := range keys["sts:ExternalId"] {
						if !strings.ContainsAny(id, "<>") {
							env.ExternalID = cmp.Or(env.ExternalID, id)
						}
					}
				}
			}
		}
		for _, d := range s.Roles[name].Policies {
			for _, st := range d.Statement {
				for _, r := range st.Resource {
					accounts = append(accounts, accountID.FindAllString(r, -1)...)
				}
				for _, keys := range st.Condition {
					accounts = append(accounts, keys["s3:ResourceAccount"]...)
				}
			}
		}
	}
	for _, a := range accounts {
		known := strings.Contains(env.ControlPlaneRoleARN+env.SupportControlPlaneRoleARN, a) || a == env.Account
		if !known && accountID.MatchString(a) {
			env.DataPlaneAccountID = cmp.Or(env.DataPlaneAccountID, a)
		}
	}
	return env
}

// withExampleID returns the set with an example in place of its external ID, for a
// comparison with a set whose ID is unknown.
func (s *AccessSet) withExampleID() *AccessSet {
	out := *s
	out.Roles = maps.Clone(s.Roles)
	for name, role := range out.Roles {
		role.Trust = slices.Clone(role.Trust)
		for i, trust := range role.Trust {
			role.Trust[i].Statement = slices.Clone(trust.Statement)
			for j, st := range trust.Statement {
				role.Trust[i].Statement[j].Condition = replaceExternalID(st.Condition, choice.ExampleExternalID)
			}
		}
		out.Roles[name] = role
	}
	return &out
}
