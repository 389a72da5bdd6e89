package launch

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"permstack/internal/installation"
	"permstack/internal/policies/schema"
)

// vendorOutputs are what the customer enters at the vendor, in the order of the profile's template.
var vendorOutputs = []string{schema.RoleOutput, schema.EventTopicOutput, schema.SupportRoleOutput}

// nameOutputs puts what the customer enters at the vendor first, with the vendor's names, and the prefix before the
// names of the other outputs.
func (w *profileWriter) nameOutputs() error {
	outputs, err := require(w.root, "Outputs")
	if err != nil {
		return err
	}
	var first, rest []*yaml.Node
	for _, name := range vendorOutputs {
		i := index(outputs, name)
		if i < 0 {
			continue
		}
		output := outputs.Content[i+1]
		at := slices.IndexFunc(w.profile.Outputs, func(o schema.Output) bool { return o.Output == name })
		if at >= 0 {
			own := w.profile.Outputs[at]
			name = own.Name
			set(output, "Description", scalar("Enter this at "+w.profile.Vendor+": "+own.Title+"."))
		}
		first = append(first, scalar(name), output)
	}
	for i := 0; i+1 < len(outputs.Content); i += 2 {
		if name := outputs.Content[i].Value; !slices.Contains(vendorOutputs, name) {
			rest = append(rest, scalar(installation.OutputPrefix+name), outputs.Content[i+1])
		}
	}
	outputs.Content = append(first, rest...)
	return nil
}
