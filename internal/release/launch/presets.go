package launch

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"permstack/internal/policies/schema"
	"permstack/internal/release/launchlink"
)

// The mapping Presets has a row for each value of the parameter Preset, and in it an entry for each asset, operation
// and option of the profiles that have presets: "yes" if the preset includes it. Conditions read it instead of
// comparing the parameter with each preset: a comparison for every preset, in every statement, makes the number of
// pairs that cfn-lint checks grow with the square, and its runs take hours.

// presetChoice is what a preset may include.
type presetChoice struct{ kind, name string }

const (
	presetHasAsset     = "Asset"
	presetHasOperation = "Operation"
	presetHasOption    = "Option"
)

// presetKey returns the key of an entry. Keys of mappings are alphanumeric (CloudFormation Template Reference,
// "Mappings").
func presetKey(p schema.Profile, kind, name string) string {
	return launchlink.Identifier(p.Name) + kind + launchlink.Identifier(name)
}

// byPreset returns the condition that the chosen preset includes something, or nothing if no preset does.
func (w *ceilingWriter) byPreset(kind, name string) []string {
	for _, p := range w.profile.Presets {
		if presetIncludes(p, kind, name) {
			return []string{fmt.Sprintf(`Fn::Equals: [!FindInMap [Presets, !Ref Preset, %s], "yes"]`,
				presetKey(w.profile, kind, name))}
		}
	}
	return nil
}

// presetIncludes reports whether a preset includes an asset, operation or option. Without assets or operations it
// includes all of them.
func presetIncludes(p schema.Preset, kind, name string) bool {
	switch kind {
	case presetHasAsset:
		return len(p.Assets) == 0 || slices.Contains(p.Assets, schema.Asset(name))
	case presetHasOperation:
		return len(p.Operations) == 0 || slices.Contains(p.Operations, schema.Operation(name))
	}
	return slices.Contains(p.Options, schema.Option(name))
}

// presetChoices returns the mapping Presets for some profiles.
func presetChoices(profiles []schema.Profile) *yaml.Node {
	rows := mapping(field{launchlink.WithoutPreset, mapping()})
	for _, p := range profiles {
		for _, preset := range p.Presets {
			if index(rows, preset.Name) < 0 {
				set(rows, preset.Name, mapping())
			}
		}
	}
	for i := 0; i+1 < len(rows.Content); i += 2 {
		for _, p := range profiles {
			addPresetChoices(rows.Content[i].Value, rows.Content[i+1], p)
		}
	}
	return rows
}

// addPresetChoices adds the entries of a profile to the row of a preset, which may be another profile's.
func addPresetChoices(preset string, row *yaml.Node, p schema.Profile) {
	if len(p.Presets) == 0 {
		return
	}
	at := slices.IndexFunc(p.Presets, func(own schema.Preset) bool { return own.Name == preset })
	for _, c := range choices(p) {
		included := at >= 0 && presetIncludes(p.Presets[at], c.kind, c.name)
		set(row, presetKey(p, c.kind, c.name), scalar(launchlink.YesNo(included)))
	}
}

// choices returns the assets, operations and options of a profile.
func choices(p schema.Profile) []presetChoice {
	var out []presetChoice
	for _, a := range p.Assets {
		out = append(out, presetChoice{presetHasAsset, string(a.Asset)})
	}
	for _, o := range p.Operations {
		out = append(out, presetChoice{presetHasOperation, string(o)})
	}
	for _, preset := range p.Presets {
		for _, o := range preset.Options {
			if c := (presetChoice{presetHasOption, string(o)}); !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// presets adds the presets of a profile that is not built in to the mapping.
func (a *profileAdder) presets() error {
	if len(a.profile.Presets) == 0 {
		return nil
	}
	mappings, err := require(a.root, "Mappings")
	if err != nil {
		return err
	}
	profiles, err := templateProfiles(a.root, a.profile.Name)
	if err != nil {
		return err
	}
	set(mappings, "Presets", presetChoices(append(profiles, a.profile)))
	return nil
}
