// Package permissiondocs generates docs/permissions from the catalogue: every
// statement that each profile can grant, with principals, resources, conditions and
// reasons, what remains possible, what to set up outside IAM, the differences from the
// vendor's own permissions, and the changes of each release. It is pure.
package permissiondocs

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
	"permstack/internal/review/accessdiff"
	"permstack/internal/review/explain"
)

//go:generate go run ../../../tools/permissiondocs ../../../docs/permissions

// generatedHeader is the first line of every file.
const generatedHeader = "<!-- Generated from the catalogue by go generate " +
	"./internal/review/permissiondocs. Do not edit. -->\n\n"

// Files returns the content of every file by its name.
func Files() (map[string]string, error) {
	out := map[string]string{"README.md": indexDocument()}
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		text, err := profileDocument(profile)
		if err != nil {
			return nil, fmt.Errorf("write document of profile %s: %w", name, err)
		}
		out[name+".md"] = text
	}
	text, err := changesDocument()
	if err != nil {
		return nil, err
	}
	out["changes.md"] = text
	if out["condition-keys.md"], err = conditionKeysDocument(); err != nil {
		return nil, err
	}
	return out, nil
}

func indexDocument() string {
	var b strings.Builder
	b.WriteString(generatedHeader + "# Permissions\n\n" +
		"The permissions that each backup service can be granted, with the reason for every statement and what it cannot\n" +
		"prevent (\"What remains\"), what to set up outside IAM, and the differences from the vendor's own permissions.\n\n")
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		fmt.Fprintf(&b, "- [%s](%s.md), `--profile %s`\n", p.Vendor, name, name)
	}
	b.WriteString("- [Condition keys](condition-keys.md): which ones each action is limited by, and why not by others\n" +
		"- [Changes of each release](changes.md)\n\n" +
		"Each document lists everything that the profile can grant. `permstack explain --risk --assets …`,\n" +
		"`permstack synth` and the review page (`./build.sh site`) show what your own choice grants.\n")
	return b.String()
}

// synthesize returns the set of a selection, and its grants.
func synthesize(sel policies.Selection) (policies.Set, []explain.Grant, error) {
	env := choice.Example(sel, policies.Environment{})
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		return policies.Set{}, nil, err
	}
	return set, explain.Grants(set, sel, explain.NewDescriber(sel, env)), nil
}

func profileDocument(profile schema.Profile) (string, error) {
	sel := choice.Everything(profile)
	set, grants, err := synthesize(sel)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n", generatedHeader, profile.Vendor)
	fmt.Fprintf(&b, "Profile `%s`, release %s of the catalogue: %d actions in %d statements.\n\n",
		profile.Name, set.CatalogVersion, set.Actions(), len(grants))
	writeChoices(&b, profile)
	writePrerequisites(&b, profile)
	for _, r := range set.Roles {
		fmt.Fprintf(&b, "## %s\n\n%s.\n\n", r.Entity, r.Description)
		writeTable(&b, "Who may assume it", filterGrants(grants, explain.Trust, r.Entity, ""), true)
		seen := map[string]bool{}
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			if seen[p.Entity] {
				continue // another part of a split policy
			}
			seen[p.Entity] = true
			list := filterGrants(grants, explain.Policy, r.Entity, p.Entity)
			fmt.Fprintf(&b, "### %s\n\n%s (%s policy).\n\n", p.Entity, p.Description, list[0].Attached)
			writeTable(&b, "", list, false)
		}
	}
	for _, t := range set.Topics {
		fmt.Fprintf(&b, "## Topic %s\n\n", t.Entity)
		writeTable(&b, "", filterGrants(grants, explain.Topic, t.Entity, ""), true)
	}
	if len(set.Rules) > 0 {
		b.WriteString("## Event rules\n\nThe events that are sent to the topic.\n\n" +
			"| rule | asset | purpose | events |\n|---|---|---|---|\n")
		for _, r := range set.Rules {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Entity, r.Asset,
				escapeCell(r.Description), escapeCell(strings.Join(eventSources(r.Pattern), ", ")))
		}
		b.WriteString("\n")
	}
	if err := writeNarrowing(&b, sel); err != nil {
		return "", err
	}
	if err := writeDifferences(&b, profile.Name); err != nil {
		return "", err
	}
	return strings.TrimRight(b.String(), "\n") + "\n", nil
}

// writeChoices writes the table of assets, operations, options, settings and presets.
func writeChoices(b *strings.Builder, p schema.Profile) {
	b.WriteString("| choice | description |\n|---|---|\n")
	for _, a := range p.Assets {
		fmt.Fprintf(b, "| asset `%s` | %s |\n", a.Asset, escapeCell(a.Title))
	}
	for i, o := range p.Operations { // all in one row: an operation has no description
		before := ", "
		if i == 0 {
			before = "| operations | "
		}
		fmt.Fprintf(b, "%s`%s`", before, o)
	}
	if len(p.Operations) > 0 {
		b.WriteString(" |\n")
	}
	for _, o := range p.Options {
		fmt.Fprintf(b, "| option `%s` | %s |\n", o.Option, escapeCell(o.Title))
	}
	for _, s := range p.Settings {
		for _, v := range s.Values {
			standard := ""
			if v.Option == s.Default {
				standard = " (default)"
			}
			fmt.Fprintf(b, "| setting `%s`%s | %s: %s |\n", v.Option, standard, escapeCell(s.Title), escapeCell(v.Title))
		}
	}
	for _, preset := range p.Presets {
		fmt.Fprintf(b, "| preset `%s` | %s |\n", preset.Name, escapeCell(preset.Title))
	}
	b.WriteString("\n")
}

// filterGrants returns the grants of one document of a role or topic.
func filterGrants(grants []explain.Grant, kind explain.Kind, entity, policy string) []explain.Grant {
	return slices.DeleteFunc(slices.Clone(grants), func(g explain.Grant) bool {
		return g.Kind != kind || g.Entity != entity || g.Policy != policy
	})
}

// writeTable writes grants, one per row.
func writeTable(b *strings.Builder, title string, grants []explain.Grant, who bool) {
	if title != "" {
		fmt.Fprintf(b, "### %s\n\n", title)
	}
	lastHead := "for"
	if who {
		lastHead = "principals"
	}
	fmt.Fprintf(b, "| statement | why | actions | resources | only if | %s | risk |\n"+
		"|---|---|---|---|---|---|---|\n", lastHead)
	for _, g := range grants {
		var actions []string
		for _, a := range g.Actions {
			actions = append(actions, "`"+a+"`")
		}
		if len(g.NotActions) > 0 {
			actions = append(actions, "everything except `"+strings.Join(g.NotActions, "`, `")+"`")
		}
		why := g.Why
		for _, more := range []string{g.WhyWildcard, g.Note} {
			if more != "" {
				why += ". *" + more + "*"
			}
		}
		lastCell := strings.Join(explain.Uses(g.For), ", ")
		if who {
			lastCell = strings.Join(g.Principals, ", ")
		}
		why = escapeCell(why)
		for _, r := range g.Remains {
			why += fmt.Sprintf("<br>**What remains** (%s): %s", r.Kind, escapeCell(r.Text))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", g.Sid, why, strings.Join(actions, "<br>"),
			escapeCell(strings.Join(g.On, "; ")), escapeCell(strings.Join(g.OnlyIf, " and ")),
			escapeCell(lastCell), g.Risk.Level)
	}
	b.WriteString("\n")
}

// escapeCell escapes Markdown that would end a cell or format it.
func escapeCell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "*/", `\*/`).Replace(text)
}

// eventSources returns the sources, detail types and detail values of an event pattern.
func eventSources(pattern map[string]any) []string {
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for _, key := range []string{"source", "detail-type", "detail"} {
				walk(v[key])
			}
			for key, item := range v {
				if _, isList := item.([]any); isList && key != "source" && key != "detail-type" {
					walk(item)
				}
			}
		}
	}
	walk(pattern)
	slices.Sort(out)
	return slices.Compact(out)
}

// changesDocument returns the changes of each release, the newest first.
func changesDocument() (string, error) {
	var b strings.Builder
	b.WriteString(generatedHeader + "# Changes of each release\n\n" +
		"The differences in access, for everything that a profile can grant. `permstack diff PROFILE@1 PROFILE` compares\n" +
		"any two releases.\n")
	for i := len(policies.Releases) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "\n## Release %s\n", policies.Releases[i])
		if i == 0 {
			b.WriteString("\nThe first release of the catalogue.\n")
			continue
		}
		for _, name := range policies.ProfileNames() {
			if err := writeChanges(&b, name, policies.Releases[i-1], policies.Releases[i]); err != nil {
				return "", fmt.Errorf("write changes of profile %s: %w", name, err)
			}
		}
	}
	return b.String(), nil
}

// writeChanges writes the changes of a profile between two releases.
func writeChanges(b *strings.Builder, name, from, to string) error {
	profile, _ := policies.Profile(name)
	access := func(release string) (*accessdiff.AccessSet, policies.Selection, error) {
		then, _ := policies.ProfileAt(name, release)
		sel := choice.Everything(then)
		sel.CatalogVersion = release
		set, _, err := synthesize(sel)
		return accessdiff.FromSet(release, set), sel, err
	}
	a, _, err := access(from)
	if err != nil {
		return err
	}
	z, sel, err := access(to)
	if err != nil {
		return err
	}
	words := explain.NewDescriber(sel, choice.Example(sel, policies.Environment{}))
	d := accessdiff.Compare(a, z, words)
	fmt.Fprintf(b, "\n### %s\n\n%s\n", profile.Vendor, d.Summary())
	if len(d.Changes) > 0 {
		b.WriteString("\n")
	}
	for _, c := range d.Changes {
		fmt.Fprintf(b, "- **%s** %s", c.Kind, escapeCell(c.Title()))
		if c.Why != "" {
			fmt.Fprintf(b, ": %s", escapeCell(c.Why))
		}
		b.WriteString("\n")
	}
	return nil
}
