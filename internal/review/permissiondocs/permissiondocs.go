// Package permissiondocs writes docs/permissions: for each profile what can be
// granted, to whom, on what, when and why, and what changed from release to
// release. It is pure; the text follows from the catalogue.
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

// made is the first line of every file.
const made = "<!-- Made from the catalogue by go generate ./internal/review/permissiondocs: change that, not this. -->\n\n"

// Files gives every file by its name.
func Files() (map[string]string, error) {
	out := map[string]string{"README.md": index()}
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		text, err := document(profile)
		if err != nil {
			return nil, fmt.Errorf("write page of profile %s: %w", name, err)
		}
		out[name+".md"] = text
	}
	text, err := changes()
	if err != nil {
		return nil, err
	}
	out["changes.md"] = text
	return out, nil
}

func index() string {
	var b strings.Builder
	b.WriteString(made + "# Permissions\n\nWhat each backup service can be given, with the reason for every statement.\n\n")
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		fmt.Fprintf(&b, "- [%s](%s.md), `--profile %s`\n", p.Vendor, name, name)
	}
	b.WriteString("- [What changed from release to release](changes.md)\n\n" +
		"Each page shows everything that the profile can give; you choose from it. What your own choice comes to say\n" +
		"`permstack explain --risk --assets …`, `permstack synth` and the review page (`./build.sh site`).\n")
	return b.String()
}

// everything synthesizes all that a profile can give.
func everything(sel policies.Selection) (policies.Set, []explain.Grant, error) {
	env := choice.Example(sel, policies.Environment{})
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		return policies.Set{}, nil, err
	}
	return set, explain.Grants(set, sel, explain.NewDescriber(sel, env)), nil
}

func document(profile schema.Profile) (string, error) {
	sel := choice.Everything(profile)
	set, grants, err := everything(sel)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n", made, profile.Vendor)
	fmt.Fprintf(&b, "Profile `%s`, release %s of the catalogue: %d actions in %d statements.\n\n", profile.Name, set.CatalogVersion, set.Actions(), len(grants))
	choices(&b, profile)
	for _, r := range set.Roles {
		fmt.Fprintf(&b, "## %s\n\n%s.\n\n", r.Entity, r.Description)
		table(&b, "Who may take it", byPlace(grants, explain.Trust, r.Entity, ""), true)
		seen := map[string]bool{}
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			if seen[p.Entity] {
				continue // a further part of a policy that is split
			}
			seen[p.Entity] = true
			list := byPlace(grants, explain.Policy, r.Entity, p.Entity)
			fmt.Fprintf(&b, "### %s\n\n%s (%s policy).\n\n", p.Entity, p.Description, list[0].Attached)
			table(&b, "", list, false)
		}
	}
	for _, t := range set.Topics {
		fmt.Fprintf(&b, "## Topic %s\n\n", t.Entity)
		table(&b, "", byPlace(grants, explain.Topic, t.Entity, ""), true)
	}
	if len(set.Rules) > 0 {
		b.WriteString("## Event rules\n\nWhat is sent to the topic.\n\n| rule | asset | what | events |\n|---|---|---|---|\n")
		for _, r := range set.Rules {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Entity, r.Asset, cell(r.Description), cell(strings.Join(events(r.Pattern), ", ")))
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n", nil
}

func choices(b *strings.Builder, p schema.Profile) {
	b.WriteString("| choice | what it is |\n|---|---|\n")
	for _, a := range p.Assets {
		fmt.Fprintf(b, "| asset `%s` | %s |\n", a.Asset, cell(a.Title))
	}
	for _, o := range p.Operations {
		fmt.Fprintf(b, "| operation `%s` | |\n", o)
	}
	for _, o := range p.Options {
		fmt.Fprintf(b, "| option `%s` | %s |\n", o.Option, cell(o.Title))
	}
	for _, s := range p.Settings {
		for _, v := range s.Values {
			standard := ""
			if v.Option == s.Default {
				standard = " (default)"
			}
			fmt.Fprintf(b, "| setting `%s`%s | %s: %s |\n", v.Option, standard, cell(s.Title), cell(v.Title))
		}
	}
	for _, preset := range p.Presets {
		fmt.Fprintf(b, "| preset `%s` | %s |\n", preset.Name, cell(preset.Title))
	}
	b.WriteString("\n")
}

func byPlace(grants []explain.Grant, kind explain.Kind, entity, policy string) []explain.Grant {
	return slices.DeleteFunc(slices.Clone(grants), func(g explain.Grant) bool {
		return g.Kind != kind || g.Entity != entity || g.Policy != policy
	})
}

// table writes grants, one a row.
func table(b *strings.Builder, title string, grants []explain.Grant, who bool) {
	if title != "" {
		fmt.Fprintf(b, "### %s\n\n", title)
	}
	last := "for"
	if who {
		last = "who"
	}
	fmt.Fprintf(b, "| statement | why | actions | on | only if | %s | risk |\n|---|---|---|---|---|---|---|\n", last)
	for _, g := range grants {
		var actions []string
		for _, a := range g.Actions {
			actions = append(actions, "`"+a+"`")
		}
		why := g.Why
		for _, more := range []string{g.WhyWildcard, g.Note} {
			if more != "" {
				why += ". *" + more + "*"
			}
		}
		third := strings.Join(explain.Uses(g.For), ", ")
		if who {
			third = strings.Join(g.Principals, ", ")
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", g.Sid, cell(why), strings.Join(actions, "<br>"),
			cell(strings.Join(g.On, "; ")), cell(strings.Join(g.OnlyIf, " and ")), cell(third), g.Risk.Level)
	}
	b.WriteString("\n")
}

// cell keeps text within its column.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "*/", `\*/`).Replace(text)
}

// events lists what an event pattern matches: sources, and the values of details.
func events(pattern map[string]any) []string {
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

// changes says what each release brought, the newest first.
func changes() (string, error) {
	var b strings.Builder
	b.WriteString(made + "# What changed from release to release\n\n" +
		"By what is allowed, for everything that a profile can give. `permstack diff PROFILE@1 PROFILE` says the same\n" +
		"of any two releases.\n")
	for i := len(policies.Releases) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "\n## Release %s\n", policies.Releases[i])
		if i == 0 {
			b.WriteString("\nThe vendors' pages as they were first written down.\n")
			continue
		}
		for _, name := range policies.ProfileNames() {
			if err := change(&b, name, policies.Releases[i-1], policies.Releases[i]); err != nil {
				return "", fmt.Errorf("write changes of profile %s: %w", name, err)
			}
		}
	}
	return b.String(), nil
}

func change(b *strings.Builder, name, from, to string) error {
	profile, _ := policies.Profile(name)
	side := func(release string) (*accessdiff.AccessSet, policies.Selection, error) {
		then, _ := policies.ProfileAt(name, release)
		sel := choice.Everything(then)
		sel.CatalogVersion = release
		set, _, err := everything(sel)
		return accessdiff.FromSet(release, set), sel, err
	}
	a, _, err := side(from)
	if err != nil {
		return err
	}
	z, sel, err := side(to)
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
		fmt.Fprintf(b, "- **%s** %s", c.Kind, cell(c.Title()))
		if c.Why != "" {
			fmt.Fprintf(b, ": %s", cell(c.Why))
		}
		b.WriteString("\n")
	}
	return nil
}
