package policies

import (
	"strings"

	"permstack/internal/policies/schema"
)

// NamePrefix returns the text with which every physical name of a profile begins, up to the last letter or digit that
// all have in common: "Clumio". The rights of an installation end at names with this prefix.
func NamePrefix(p schema.Profile) string {
	var names []string
	for _, r := range p.Roles {
		names = append(names, r.Entity)
		if r.InstanceProfile != "" {
			names = append(names, r.InstanceProfile)
		}
		for _, policy := range r.Policies {
			if policy.Kind == schema.Managed {
				names = append(names, policy.Entity)
			}
		}
	}
	for _, t := range p.Topics {
		names = append(names, t.Entity)
	}
	for _, r := range p.Rules {
		names = append(names, r.Entity)
	}
	if len(names) == 0 {
		return ""
	}
	prefix := names[0]
	for _, n := range names[1:] {
		for !strings.HasPrefix(n, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}

// MinNamePrefix is the least length of NamePrefix, in characters: a shorter one would be the beginning of too many
// other names in the customer's account.
const MinNamePrefix = 3

// InstanceRole returns the entity of the role with an instance profile, "" if the profile has none, and reports whether
// there is at most one.
func InstanceRole(p schema.Profile) (entity string, ok bool) {
	for _, r := range p.Roles {
		if r.InstanceProfile == "" || r.Entity == entity {
			continue
		}
		if entity != "" {
			return "", false
		}
		entity = r.Entity
	}
	return entity, true
}
