package usage

import (
	"slices"
	"strings"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// part is an asset, an operation or an option of a choice, and what the roles are granted without it.
type part struct {
	kind, name string
	granted    map[[2]string]bool // role and action in lower case
}

// The kinds of parts.
const (
	assetKind     = "asset"
	operationKind = "operation"
	optionKind    = "option"
)

// parts returns the parts of a choice that can be left out.
func parts(profile schema.Profile, sel policies.Selection, env policies.Environment) []part {
	sel = explicit(profile, sel)
	var out []part
	for _, a := range sel.Assets {
		out = append(out, part{kind: assetKind, name: string(a)})
	}
	for _, o := range sel.Operations {
		out = append(out, part{kind: operationKind, name: string(o)})
	}
	for _, o := range sel.Options {
		if slices.ContainsFunc(profile.Options, func(i schema.OptionInfo) bool { return i.Option == o }) {
			out = append(out, part{kind: optionKind, name: string(o)})
		}
	}
	valid := out[:0]
	for _, p := range out {
		rest, ok := p.leaveOut(sel)
		if !ok {
			continue
		}
		if p.granted, ok = grantedBy(rest, env); ok {
			valid = append(valid, p)
		}
	}
	return valid
}

// explicit returns a selection with the assets and operations that its preset and its profile supply.
func explicit(profile schema.Profile, sel policies.Selection) policies.Selection {
	for _, p := range profile.Presets {
		if p.Name != sel.Preset {
			continue
		}
		if len(sel.Assets) == 0 {
			sel.Assets = p.Assets
		}
		if len(sel.Operations) == 0 {
			sel.Operations = p.Operations
		}
	}
	if len(sel.Operations) == 0 {
		sel.Operations = profile.Operations
	}
	return sel
}

// leaveOut returns a selection without a part, and false if nothing would be left: an empty list would mean everything.
func (p part) leaveOut(sel policies.Selection) (policies.Selection, bool) {
	sel.Assets = without(sel.Assets, schema.Asset(p.name), p.kind == assetKind)
	sel.Operations = without(sel.Operations, schema.Operation(p.name), p.kind == operationKind)
	sel.Options = without(sel.Options, schema.Option(p.name), p.kind == optionKind)
	return sel, len(sel.Assets) > 0 && len(sel.Operations) > 0
}

func without[T comparable](list []T, value T, leaveOut bool) []T {
	if !leaveOut {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return v == value })
}

// grantedBy returns what the roles are granted by a selection, and false if it is not a valid one. Values of the
// environment that only the full choice uses are left out, because a profile may refuse unused ones.
func grantedBy(sel policies.Selection, env policies.Environment) (map[[2]string]bool, bool) {
	bare := env
	bare.ControlPlaneRoleARN, bare.SupportControlPlaneRoleARN, bare.DataPlaneAccountID, bare.ExternalID = "", "", "", ""
	bare = choice.With(sel, bare, env)
	alone := bare
	alone.OtherAccounts, alone.Organization = nil, false
	for _, e := range []policies.Environment{bare, alone} {
		set, err := policies.Synthesize(sel, e)
		if err != nil {
			continue
		}
		out := map[[2]string]bool{}
		for _, g := range granted(set) {
			out[g.key()] = true
		}
		return out, true
	}
	return nil, false
}

func (g grant) key() [2]string  { return [2]string{g.role, strings.ToLower(g.action)} }
func (a Action) key() [2]string { return [2]string{a.Role, strings.ToLower(a.Action)} }

// useNames returns the combinations that a choice includes, as text and sorted: "ec2 restore", "support-role",
// "every choice".
func useNames(profile schema.Profile, sel policies.Selection, uses []schema.Use) []string {
	out := []string{}
	for _, u := range uses {
		if !policies.Includes(profile, sel, []schema.Use{u}) {
			continue
		}
		text := strings.Join(strings.Fields(string(u.Asset)+" "+string(u.Operation)+" "+string(u.Option)), " ")
		if text == "" {
			text = everyChoice
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// everyChoice is the use of a statement that no choice leaves out.
const everyChoice = "every choice"
