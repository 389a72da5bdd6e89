package launch

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"permstack/internal/installation"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launchlink"
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

// documentOutput is the output that links to the document with all permissions of the release.
const documentOutput = "PermissionsDocument"

// addDocumentOutput adds a link to the permissions of a profile in the bucket of the stack's Region; profile is empty
// for a template of several. Without documents in the release there is no link.
func addDocumentOutput(root *yaml.Node, profile, vendor string, r Release) error {
	output, names := installation.OutputPrefix+documentOutput, []string{profile}
	if profile == "" {
		output, profile = documentOutput, "${Profile}"
		names = texts(lookup(root, "Parameters", "Profile", "AllowedValues"))
	}
	for _, name := range names {
		if !slices.Contains(r.Documents, name) {
			return nil
		}
	}
	outputs, err := require(root, "Outputs")
	if err != nil {
		return err
	}
	// As launchlink.ObjectURL writes it for a Region.
	url := "https://${" + bucketParameter + "}-${AWS::Region}.s3.${AWS::Region}.${AWS::URLSuffix}/" +
		launchlink.Key(r.Version, launchlink.PermissionsFile(profile))
	set(outputs, output, mapping(
		field{"Description", scalar("Every permission that release " + r.Version + " can grant to " + vendor +
			", with the reasons.")},
		field{"Value", call("Fn::Sub", scalar(url))},
	))
	return nil
}
