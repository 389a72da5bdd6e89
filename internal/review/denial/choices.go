package denial

import (
	"slices"
	"strings"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// change is an addition to a choice that grants the request.
type change struct {
	selection policies.Selection
	added     []string // "the asset ec2"
}

// everything returns the set of everything that the profile can grant in the release of the selection.
func (e evaluator) everything(release string) (policies.Set, bool) {
	profile, ok := policies.ProfileAt(e.Profile.Name, release)
	if !ok {
		return policies.Set{}, false
	}
	sel := choice.Everything(profile)
	sel.CatalogVersion = release
	for _, s := range profile.Settings { // later values of a cumulative setting include the earlier ones
		if n := len(s.Values); s.Cumulative && n > 0 {
			sel.Options = append(sel.Options, s.Values[n-1].Option)
		}
	}
	return e.synthesize(sel)
}

func (e evaluator) synthesize(sel policies.Selection) (policies.Set, bool) {
	env := choice.Example(sel, e.Environment)
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		set, err = policies.Synthesize(sel, choice.With(sel, bare(env), env))
	}
	return set, err == nil
}

// bare returns an environment without the vendor's values, which a selection that does not use them may refuse.
func bare(env policies.Environment) policies.Environment {
	env.ControlPlaneRoleARN, env.SupportControlPlaneRoleARN, env.DataPlaneAccountID, env.ExternalID = "", "", "", ""
	return env
}

// changes returns the smallest additions to the choice that grant the request, if its conditions are met.
func (e evaluator) changes(all policies.Set) []change {
	sel := e.Selection
	if sel.Preset != "" { // a preset that is named fills in only what is empty
		return nil
	}
	var out []change
	for _, u := range uses(e.grants(all)) {
		c := change{selection: policies.Selection{
			Profile: sel.Profile, CatalogVersion: sel.CatalogVersion,
			Assets: slices.Clone(sel.Assets), Operations: slices.Clone(sel.Operations), Options: slices.Clone(sel.Options),
		}}
		if u.Asset != "" && !slices.Contains(sel.Assets, u.Asset) {
			c.selection.Assets = append(c.selection.Assets, u.Asset)
			c.added = append(c.added, "the asset "+string(u.Asset))
		}
		if u.Operation != "" && len(sel.Operations) > 0 && !slices.Contains(sel.Operations, u.Operation) {
			c.selection.Operations = append(c.selection.Operations, u.Operation)
			c.added = append(c.added, "the operation "+string(u.Operation))
		}
		if u.Option != "" && !slices.Contains(sel.Options, u.Option) {
			c.selection.Options = withOption(e.Profile, sel.Options, u.Option)
			c.added = append(c.added, "the option "+string(u.Option))
		}
		known := slices.ContainsFunc(out, func(o change) bool { return slices.Equal(o.added, c.added) })
		if set, ok := e.synthesize(c.selection); len(c.added) > 0 && !known && ok && len(e.grants(set)) > 0 {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b change) int { return len(a.added) - len(b.added) })
	return slices.DeleteFunc(out, func(c change) bool { return len(c.added) > len(out[0].added) })
}

// withOption returns options with another one, which replaces a value of the same setting.
func withOption(profile schema.Profile, options []schema.Option, added schema.Option) []schema.Option {
	name, _, isSetting := strings.Cut(string(added), "=")
	out := slices.Clone(options)
	if isSetting && slices.ContainsFunc(profile.Settings, func(s schema.Setting) bool { return s.Name == name }) {
		out = slices.DeleteFunc(out, func(o schema.Option) bool { return strings.HasPrefix(string(o), name+"=") })
	}
	return append(out, added)
}

// grants returns the statements of a set that allow the request, or would under conditions.
func (e evaluator) grants(set policies.Set) []Statement {
	o := e.statements(set, "Allow")
	return slices.Concat(o.applies, o.undecided, o.condition)
}
