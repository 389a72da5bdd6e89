package lint

import (
	"errors"
	"fmt"
	"slices"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// Regions has one Region of every partition, and the longest names.
var Regions = []string{"us-east-1", "ap-southeast-1", "us-gov-west-1", "cn-northwest-1", "us-isof-south-1"}

// LongConnection is a connection ID of the length that vendors use at most: a UUID.
const LongConnection = "7b3ae0b8-3a0f-4a0e-9a64-2f5d0a3b7c11"

// maxName is the length of a name of a role, policy or event rule in characters ("IAM and AWS STS quotas",
// "Amazon EventBridge endpoints and quotas").
const maxName = 64

// Excess is a limit that a set exceeds.
type Excess struct {
	Entity  string // role, policy or event rule
	Kind    string // "role", "policy" or "rule"
	Message string
}

// Limits compares a set with IAM's limits.
func Limits(set policies.Set) []Excess {
	var out []Excess
	over := func(kind, entity, what string, have, limit int) {
		if have > limit {
			out = append(out, Excess{entity, kind, fmt.Sprintf("%s %s: %d %s, at most %d", kind, entity, have, what, limit)})
		}
	}
	for _, r := range set.Roles {
		inline := 0
		for _, p := range r.Inline {
			inline += p.Document.Size()
		}
		over("role", r.Entity, "characters of inline policies", inline, policies.MaxInlinePolicies)
		over("role", r.Entity, "managed policies", len(r.Managed), policies.MaxManagedPoliciesRole)
		over("role", r.Entity, "characters of the name", len(r.Name), maxName)
		over("role", r.Entity, "characters of the trust policy", r.Trust.Size(), policies.MaxTrustPolicy)
		for _, p := range r.Managed {
			over("policy", p.Entity, "characters", p.Document.Size(), policies.MaxManagedPolicy)
			over("policy", p.Entity, "characters of the name", len(p.Name), maxName)
		}
	}
	for _, r := range set.Rules {
		over("rule", r.Entity, "characters of the name", len(r.Name), maxName)
	}
	return out
}

// limits synthesizes the largest choices where names are longest.
func (c *checker) limits() {
	p := c.loaded.Profile
	seen := map[string]bool{}
	for _, release := range releases(p) {
		for _, sel := range largest(policies.AtRelease(p, release), release) {
			for _, region := range Regions {
				env := choice.ExampleFor(p, sel, policies.Environment{
					Partition: policies.Partition(region), Account: "111122223333", Region: region,
					ConnectionID: LongConnection, StackNames: []string{"permissions"},
				})
				set, err := policies.SynthesizeProfile(p, sel, env)
				var limit *policies.LimitError
				if err == nil || errors.As(err, &limit) { // another error is reported with the flows
					c.excesses(Limits(set), limit, fmt.Sprintf("%s in %s", choice.String(sel), region), seen)
				}
			}
		}
	}
}

// excesses reports the limits that a set exceeds with a choice, each place once. The limit error is one of the
// synthesis, by the longest names that any Region may have; it is reported if no other limit is exceeded.
func (c *checker) excesses(list []Excess, limit *policies.LimitError, selected string, seen map[string]bool) {
	if len(list) == 0 && limit != nil {
		list = []Excess{{Message: limit.Error()}}
	}
	for _, e := range list {
		if key := e.Kind + e.Entity; !seen[key] {
			seen[key] = true
			c.add(c.loaded.Place(e.Kind+" "+e.Entity), Limit, "%s, if the choice is %s", e.Message, selected)
		}
	}
}

// largest returns the choice of everything, with each value of each setting.
func largest(p schema.Profile, release string) []policies.Selection {
	all := choice.Everything(p)
	all.CatalogVersion = release
	out := []policies.Selection{all}
	for _, s := range p.Settings {
		for _, v := range s.Values {
			if v.Option != s.Default {
				other := all
				other.Options = append(slices.Clone(all.Options), v.Option)
				out = append(out, other)
			}
		}
	}
	return out
}
