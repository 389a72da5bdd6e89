package explain

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
)

// Document is a policy document of a role that no set describes, such as one in a file.
type Document struct {
	Role, Policy string // their names
	Document     iampolicy.Document
}

// FromDocuments returns the grants of documents. Their reasons are those of the statements of known with the same Sid
// that grant all of their actions.
func FromDocuments(documents []Document, known []Grant, describer Describer) []Grant {
	e := explainer{describer: describer}
	var out []Grant
	for _, d := range documents {
		at := Grant{Kind: Policy, Entity: d.Role, Name: d.Role, Policy: d.Policy, PolicyName: d.Policy}
		for n, s := range d.Document.Statement {
			s.Action = spelled(s.Action)
			if s.Sid == "" {
				s.Sid = fmt.Sprintf("statement %d", n+1)
			}
			g := e.grant(at, s, policies.Grant{})
			i := slices.IndexFunc(known, func(k Grant) bool {
				return k.Sid != "" && k.Sid == g.Sid && len(g.Actions) > 0 && !slices.ContainsFunc(g.Actions, func(a string) bool {
					return !slices.Contains(k.Actions, a)
				})
			})
			if i >= 0 {
				g.Why, g.WhyWildcard, g.For = known[i].Why, known[i].WhyWildcard, slices.Clone(known[i].For)
				g.Remains = slices.Clone(known[i].Remains)
			}
			if len(s.Resource) == 0 {
				g.Resources, g.On = []string{"*"}, []string{notResources(s)}
			}
			out = append(out, g)
		}
	}
	assess(out, describer)
	return out
}

// CommonAccount returns the account that most resources of documents are in; "" if they name none. It is taken for the
// account of the roles.
func CommonAccount(documents []Document) string {
	n := map[string]int{}
	best := ""
	for _, d := range documents {
		for _, s := range d.Document.Statement {
			for _, r := range s.Resource {
				account := iampolicy.AccountInARN(r)
				if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
					continue
				}
				if n[account]++; n[account] > n[best] || n[account] == n[best] && account < best {
					best = account
				}
			}
		}
	}
	return best
}

// notResources describes the resources of a statement with NotResource or without any.
func notResources(s iampolicy.Statement) string {
	if len(s.NotResource) == 0 {
		return "all resources"
	}
	return "every resource except " + join(s.NotResource, "and")
}

// spelled returns actions in AWS's spelling, which IAM does not require.
func spelled(names iampolicy.Values) iampolicy.Values {
	out := slices.Clone(names)
	for i, name := range out {
		if a, ok := actions.Find(name); ok {
			out[i] = a.Name
		} else if service, rest, ok := strings.Cut(name, ":"); ok {
			out[i] = strings.ToLower(service) + ":" + rest
		}
	}
	return out
}
