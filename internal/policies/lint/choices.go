package lint

import (
	"slices"

	"permstack/internal/policies/profilefile"
	"permstack/internal/policies/schema"
)

// choices reports assets and operations that change nothing: no part of the profile names them, although it names
// others of the kind. A profile need not name any.
func (c *checker) choices() {
	p := c.loaded.Profile
	uses := profileUses(p)
	var assets, operations []string
	for _, a := range p.Assets {
		assets = append(assets, string(a.Asset))
	}
	for _, o := range p.Operations {
		operations = append(operations, string(o))
	}
	c.unused("asset", assets, func(name string) bool {
		return slices.ContainsFunc(uses, func(u schema.Use) bool { return string(u.Asset) == name })
	})
	c.unused("operation", operations, func(name string) bool {
		return slices.ContainsFunc(uses, func(u schema.Use) bool { return string(u.Operation) == name })
	})
}

func (c *checker) unused(what string, names []string, isUsed func(string) bool) {
	if !slices.ContainsFunc(names, isUsed) {
		return
	}
	for _, name := range names {
		if !isUsed(name) {
			c.add(
				c.loaded.Place(profilefile.ChoiceKey(what, name)),
				Reference,
				"%s %s changes nothing: no statement has it in for; add the statements that it "+
					"needs, or remove it",
				what,
				name,
			)
		}
	}
}

// profileUses returns the uses of everything that a profile grants.
func profileUses(p schema.Profile) []schema.Use {
	var out []schema.Use
	for _, r := range p.Roles {
		out = append(out, r.For...)
		for _, t := range r.Trust {
			out = append(out, t.For...)
		}
		for _, policy := range r.Policies {
			out = append(out, policy.For...)
			for _, s := range policy.Statements {
				out = append(out, s.For...)
			}
		}
	}
	for _, t := range p.Terms {
		out = append(out, t.For...)
	}
	for _, t := range p.Topics {
		out = append(out, t.For...)
	}
	for _, r := range p.Rules {
		out = append(out, schema.Use{Asset: r.Asset, Option: r.Option})
	}
	return out
}
