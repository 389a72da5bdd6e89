// Package choice parses and formats selections of a profile as they are written on a command line, and completes
// environments with example values for a review. It does no I/O.
package choice

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Everything returns the largest selection of a profile: every asset, operation and option, with the default of each
// setting.
func Everything(profile schema.Profile) policies.Selection {
	sel := policies.Selection{Profile: profile.Name, Operations: slices.Clone(profile.Operations)}
	for _, a := range profile.Assets {
		sel.Assets = append(sel.Assets, a.Asset)
	}
	for _, o := range profile.Options {
		sel.Options = append(sel.Options, o.Option)
	}
	return sel
}

// Parse parses a selection of the form
//
//	PROFILE[@RELEASE][:ASSETS[:OPERATIONS[:OPTIONS]]]
//
// with comma-separated lists: "clumio:ec2,s3:backup", "clumio@1", "cpm:ec2::minimal". An empty list of assets
// selects all assets and, if the list of options is empty too, all options. An empty list of operations selects
// all operations. An option may be the name of a preset.
func Parse(text string) (policies.Selection, error) {
	fields := strings.Split(text, ":")
	if len(fields) > 4 {
		return policies.Selection{}, fmt.Errorf(
			"parse choice %q: want PROFILE[@RELEASE][:ASSETS[:OPERATIONS[:OPTIONS]]]", text)
	}
	name, release, _ := strings.Cut(fields[0], "@")
	profile, known := policies.ProfileAt(name, release)
	if !known {
		return policies.Selection{}, fmt.Errorf(
			"parse choice %q: unknown profile %q; valid: %s", text, name, strings.Join(policies.ProfileNames(), ", "))
	}
	fields = append(fields, "", "", "")
	sel := policies.Selection{
		Profile: name, CatalogVersion: release,
		Assets: list[schema.Asset](fields[1]), Operations: list[schema.Operation](fields[2]),
	}
	for _, o := range list[schema.Option](fields[3]) {
		if slices.ContainsFunc(profile.Presets, func(p schema.Preset) bool { return p.Name == string(o) }) {
			sel.Preset = string(o)
		} else {
			sel.Options = append(sel.Options, o)
		}
	}
	if all := Everything(profile); len(sel.Assets) == 0 && sel.Preset == "" {
		sel.Assets = all.Assets
		if len(sel.Options) == 0 {
			sel.Options = all.Options
		}
	}
	return sel, nil
}

func list[T ~string](text string) []T {
	var out []T
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, T(item))
		}
	}
	return out
}

// String formats a selection in the form that Parse accepts.
func String(sel policies.Selection) string {
	var b strings.Builder
	b.WriteString(sel.Profile)
	if sel.CatalogVersion != "" {
		b.WriteString("@" + sel.CatalogVersion)
	}
	options := sel.Options
	if sel.Preset != "" {
		options = append([]schema.Option{schema.Option(sel.Preset)}, options...)
	}
	fields := strings.TrimRight(":"+join(sel.Assets)+":"+join(sel.Operations)+":"+join(options), ":")
	b.WriteString(fields)
	return b.String()
}

func join[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return strings.Join(out, ",")
}
