package launch

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"permstack/internal/release/launchlink"
)

// form orders the parameters in the console's form: what is required, the assets, the operations, and then the other
// groups of template.yaml.
func (w *profileWriter) form() error {
	groups, err := require(w.root, "Metadata", interfaceKey, "ParameterGroups")
	if err != nil {
		return err
	}
	parameters, err := parameterGroup(w.root, "ControlPlaneRoleArn")
	if err != nil {
		return err
	}
	identity := texts(parameters)
	var required, assets, operations, choices []string
	for _, q := range questions(w.parameters) {
		if q.asset {
			assets = append(assets, q.parameter)
		}
	}
	for _, q := range w.questions {
		if q.list == "Operations" {
			operations = append(operations, q.parameter)
		} else {
			choices = append(choices, q.parameter)
		}
	}
	if len(w.profile.Presets) > 0 {
		remove(lookup(w.parameters, "Preset"), "Default")
		var titles []string
		valid := sequence(scalar(launchlink.WithoutPreset))
		for _, p := range w.profile.Presets {
			valid.Content = append(valid.Content, scalar(p.Name))
			titles = append(titles, p.Name+": "+p.Title)
		}
		preset := lookup(w.parameters, "Preset")
		set(preset, "AllowedValues", valid)
		set(preset, "Description", scalar("Selects assets and operations together. "+strings.Join(titles, "; ")+
			". With none, answer the questions about assets and operations."))
		required = append(required, "Preset")
	}
	for _, name := range identity {
		if index(lookup(w.parameters, name), "Default") < 0 {
			required = append(required, name)
		}
	}
	identity = slices.DeleteFunc(identity, func(name string) bool { return slices.Contains(required, name) })
	first := slices.Concat(required, identity)
	moved := slices.Concat(first, assets, operations, choices)
	ordered := []*yaml.Node{
		formGroup("Required, and what "+w.profile.Vendor+" shows you", first),
		formGroup("What "+w.profile.Vendor+" may protect", assets),
		formGroup("What "+w.profile.Vendor+" may do", operations),
		formGroup("Settings", choices),
	}
	for _, g := range groups.Content {
		names := lookup(g, "Parameters")
		names.Content = slices.DeleteFunc(names.Content, func(n *yaml.Node) bool { return slices.Contains(moved, n.Value) })
		ordered = append(ordered, g)
	}
	groups.Content = ordered
	return nil
}

func formGroup(label string, parameters []string) *yaml.Node {
	return mapping(
		field{"Label", mapping(field{"default", scalar(label)})}, field{"Parameters", scalars(parameters)},
	)
}
