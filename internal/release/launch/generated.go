package launch

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launchlink"
)

// The lines of template.yaml around what Generate writes.
const (
	generatedBegin = "# Generated from the profiles by: go run ./tools/release templates"
	generatedEnd   = "# End of the generated part."
)

// Generate returns template.yaml with the parts that follow from the profiles: for each profile the rule that checks
// the parameters, the entry of the mapping Profiles, and the permissions boundary. They are between comments;
// everything else is not modified.
func Generate(template []byte) ([]byte, error) {
	root, err := yamlfmt.Parse(template)
	if err != nil {
		return nil, fmt.Errorf("generate template.yaml: %w", err)
	}
	profiles, err := templateProfiles(root, "")
	if err != nil {
		return nil, fmt.Errorf("generate template.yaml: %w", err)
	}
	if err := checkAssets(root, profiles); err != nil {
		return nil, fmt.Errorf("generate template.yaml: %w", err)
	}
	rules, names := mapping(), mapping()
	for _, p := range profiles {
		rule, err := parameterRule(root, p)
		if err != nil {
			return nil, fmt.Errorf("generate template.yaml: profile %s: %w", p.Name, err)
		}
		set(rules, ruleName(p), rule)
		entry, err := profileNames(p)
		if err != nil {
			return nil, fmt.Errorf("generate template.yaml: profile %s: %w", p.Name, err)
		}
		set(names, p.Name, entry)
	}
	for _, part := range []struct {
		key     string // line of the template that the part is below
		lines   int    // of the keys that the generated part is nested in
		content *yaml.Node
	}{
		{"Rules:", 1, mapping(field{"Rules", rules})},
		{"  Profiles:", 2, mapping(field{"Mappings", mapping(field{"Profiles", names})})},
		{"  Presets:", 2, mapping(field{"Mappings", mapping(field{"Presets", presetChoices(profiles)})})},
	} {
		text, err := yamlfmt.Format(part.content)
		if err != nil {
			return nil, fmt.Errorf("generate template.yaml: %w", err)
		}
		for range part.lines {
			_, text, _ = bytes.Cut(text, []byte("\n"))
		}
		if template, err = replacePart(template, part.key, strings.Repeat("  ", part.lines), text); err != nil {
			return nil, fmt.Errorf("generate template.yaml: %w", err)
		}
	}
	if template, err = writeCeiling(template, root, profiles); err != nil {
		return nil, fmt.Errorf("generate template.yaml: %w", err)
	}
	return template, nil
}

// replacePart replaces the lines between the comments with this indentation that are below a key.
func replacePart(template []byte, key, indent string, text []byte) ([]byte, error) {
	line, begin, end := []byte("\n"+key), []byte("\n"+indent+generatedBegin), []byte("\n"+indent+generatedEnd)
	above, rest, hasKey := bytes.Cut(template, line)
	before, rest, hasBegin := bytes.Cut(rest, begin)
	_, after, hasEnd := bytes.Cut(rest, end)
	if !hasKey || !hasBegin || !hasEnd {
		return nil, fmt.Errorf("no lines %q and %q with an indentation of %d below %q", generatedBegin, generatedEnd,
			len(indent), key)
	}
	return slices.Concat(above, line, before, begin, []byte("\n"), bytes.TrimSuffix(text, []byte("\n")), end, after), nil
}

// templateProfiles returns the built-in profiles that the template can select, except one.
func templateProfiles(root *yaml.Node, except string) ([]schema.Profile, error) {
	values, err := require(root, "Parameters", "Profile", "AllowedValues")
	if err != nil {
		return nil, err
	}
	var out []schema.Profile
	for _, v := range values.Content {
		if v.Value == except {
			continue
		}
		p, ok := policies.Profile(v.Value)
		if !ok {
			return nil, fmt.Errorf("the parameter Profile has the value %s, which is no profile", v.Value)
		}
		out = append(out, p)
	}
	return out, nil
}

// profileNames returns a profile's entry of the mapping Profiles.
func profileNames(p schema.Profile) (*yaml.Node, error) {
	role, ok := policies.InstanceRole(p)
	if !ok {
		return nil, fmt.Errorf("more than one role has an instance profile")
	}
	if role == "" {
		role = "none" // a name that the stack role cannot create
	}
	events, err := eventNames(p)
	if err != nil {
		return nil, err
	}
	return mapping(append([]field{
		{"Prefix", scalar(policies.NamePrefix(p))},
		{"InstanceRole", scalar(role)},
		{"SendsEvents", scalar(launchlink.YesNo(len(p.Topics) > 0))},
	}, events...)...), nil
}

// maxRules is how many event rules template.yaml has entries for.
const maxRules = 18

// eventNames returns the names of the profile's topic and event rules, which the stack role may create. An entry
// without one is "none", a name that no profile has.
func eventNames(p schema.Profile) ([]field, error) {
	topics, rules := map[string]bool{}, map[string]bool{}
	for _, t := range p.Topics {
		topics[t.Entity] = true
	}
	for _, r := range p.Rules {
		rules[r.Entity] = true
	}
	if len(topics) > 1 || len(rules) > maxRules {
		return nil, fmt.Errorf("it has %d topics and %d event rules; the template has names for one topic and %d rules",
			len(topics), len(rules), maxRules)
	}
	names := append(slices.Sorted(maps.Keys(topics)), "none")
	out := []field{{"Topic", scalar(names[0])}}
	names = slices.Sorted(maps.Keys(rules))
	for i := range maxRules {
		name := "none"
		if i < len(names) {
			name = names[i]
		}
		out = append(out, field{fmt.Sprintf("Rule%d", i+1), scalar(name)})
	}
	return out, nil
}
