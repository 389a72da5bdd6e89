package flows

import (
	"iter"
	"math/rand/v2"
	"slices"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Selections returns selections of a profile that together find statements that
// serve one choice and are missing from another: everything, every asset and
// operation alone and in pairs with all of the other kind, everything but one,
// each value of every setting, each preset, and random ones. The sequence is the
// same in every run.
func Selections(profile schema.Profile, release string, random int) iter.Seq[policies.Selection] {
	return func(yield func(policies.Selection) bool) {
		g := generator{profile: profile, release: release, random: rand.New(rand.NewPCG(1, 2))}
		for _, sel := range g.systematic() {
			if !yield(sel) {
				return
			}
		}
		for range random {
			if !yield(g.draw()) {
				return
			}
		}
	}
}

type generator struct {
	profile schema.Profile
	release string
	random  *rand.Rand
}

func (g generator) selection(
	assets []schema.Asset, operations []schema.Operation, options ...schema.Option,
) policies.Selection {
	return policies.Selection{
		Profile: g.profile.Name, CatalogVersion: g.release, Assets: assets, Operations: operations, Options: options,
	}
}

func (g generator) systematic() []policies.Selection {
	var assets []schema.Asset
	for _, a := range g.profile.Assets {
		assets = append(assets, a.Asset)
	}
	operations := g.profile.Operations
	var options []schema.Option
	for _, o := range g.profile.Options {
		options = append(options, o.Option)
	}
	out := []policies.Selection{g.selection(assets, operations, options...), g.selection(assets, operations)}
	for i, a := range assets {
		one := []schema.Asset{a}
		out = append(out, g.selection(one, operations), g.selection(one, operations, options...))
		for _, op := range operations {
			out = append(out, g.selection(one, []schema.Operation{op}))
		}
		if len(assets) > 1 {
			out = append(out, g.selection(without(assets, i), operations, options...))
		}
	}
	for i, op := range operations {
		out = append(out, g.selection(assets, []schema.Operation{op}))
		if len(operations) > 1 {
			out = append(out, g.selection(assets, without(operations, i)))
		}
	}
	for _, o := range options {
		out = append(out, g.selection(assets, operations, o))
	}
	for _, s := range g.profile.Settings {
		for _, v := range s.Values {
			out = append(out, g.selection(assets, operations, v.Option))
		}
	}
	for _, p := range g.profile.Presets {
		if !p.Marked { // a marked preset is a part of the vendor's document and promises no flow
			out = append(out, policies.Selection{Profile: g.profile.Name, CatalogVersion: g.release, Preset: p.Name})
		}
	}
	return out
}

// draw returns a random selection with at least one asset and operation.
func (g generator) draw() policies.Selection {
	sel := policies.Selection{Profile: g.profile.Name, CatalogVersion: g.release}
	for len(sel.Assets) == 0 {
		for _, a := range g.profile.Assets {
			if g.random.IntN(2) == 0 {
				sel.Assets = append(sel.Assets, a.Asset)
			}
		}
	}
	for len(sel.Operations) == 0 {
		for _, op := range g.profile.Operations {
			if g.random.IntN(2) == 0 {
				sel.Operations = append(sel.Operations, op)
			}
		}
	}
	for _, o := range g.profile.Options {
		if g.random.IntN(2) == 0 {
			sel.Options = append(sel.Options, o.Option)
		}
	}
	for _, s := range g.profile.Settings {
		sel.Options = append(sel.Options, s.Values[g.random.IntN(len(s.Values))].Option)
	}
	return sel
}

func without[T any](list []T, i int) []T {
	return slices.Concat(list[:i], list[i+1:])
}
