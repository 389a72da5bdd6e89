package permissiondocs

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
)

// writePrerequisites writes what IAM policies cannot grant, by asset. What is not
// limited to some assets is written once.
func writePrerequisites(b *strings.Builder, p schema.Profile) {
	if len(p.Prerequisites) == 0 {
		return
	}
	b.WriteString("## Set up before the first backup or restore\n\n" +
		"What IAM policies cannot grant, and how it shows if it is missing.\n")
	var common, other []schema.Prerequisite
	for _, r := range p.Prerequisites {
		if isForEveryAsset(p, r) {
			common = append(common, r)
		} else {
			other = append(other, r)
		}
	}
	writeList(b, "Any asset", common, func(u schema.Use) bool { return true })
	for _, a := range p.Assets {
		writeList(b, fmt.Sprintf("`%s`: %s", a.Asset, a.Title), other, func(u schema.Use) bool {
			return u.Asset == a.Asset
		})
	}
	b.WriteString("\n")
}

// isForEveryAsset reports whether a prerequisite has a use without an asset, or uses
// of all assets.
func isForEveryAsset(p schema.Profile, r schema.Prerequisite) bool {
	has := func(asset schema.Asset) bool {
		return slices.ContainsFunc(r.For, func(u schema.Use) bool { return u.Asset == asset })
	}
	return len(r.For) == 0 || has("") ||
		!slices.ContainsFunc(p.Assets, func(a schema.AssetInfo) bool { return !has(a.Asset) })
}

// writeList writes the prerequisites that have a matching use, with the operations
// and options of these uses; nothing if there are none.
func writeList(b *strings.Builder, title string, list []schema.Prerequisite, match func(schema.Use) bool) {
	started := false
	for _, r := range list {
		var uses []schema.Use
		for _, u := range r.For {
			if match(u) {
				uses = append(uses, schema.Use{Operation: u.Operation, Option: u.Option})
			}
		}
		if len(uses) == 0 && len(r.For) > 0 {
			continue
		}
		if !started {
			fmt.Fprintf(b, "\n### %s\n\n", title)
			started = true
		}
		b.WriteString("- ")
		if narrower := conditionalUses(uses); len(narrower) > 0 {
			fmt.Fprintf(b, "%s: ", strings.Join(narrower, ", "))
		}
		b.WriteString(escapeCell(r.Text) + "\n")
	}
}

// conditionalUses returns descriptions of uses, none if one of them has neither an
// operation nor an option.
func conditionalUses(uses []schema.Use) []string {
	if len(uses) == 0 || slices.Contains(uses, schema.Use{}) {
		return nil
	}
	var out []string
	for _, text := range explain.Uses(uses) {
		if text = "`" + text + "`"; !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
