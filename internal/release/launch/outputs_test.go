package launch_test

import (
	"strings"
	"testing"

	"permstack"
	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launch"
)

// TestProfileTemplateOutputs requires that what the customer enters at the vendor comes first, with the vendor's names.
func TestProfileTemplateOutputs(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			p, _ := policies.Profile(name)
			named := map[string]string{}
			for _, o := range p.Outputs {
				named[o.Output] = o.Name
			}
			first := selection{assets: []string{string(p.Assets[0].Asset)}, operations: []string{string(p.Operations[0])}}
			template := resolve(t, profileStack(t, name), first.questionParameters(t, name))
			outputs, err := template.Outputs(ref{})
			if err != nil {
				t.Fatal(err)
			}
			got := outputs[0].Name
			if want := named[schema.RoleOutput]; want != "" && got != want || want == "" && got != schema.RoleOutput {
				t.Errorf("got first output %s, want %q", got, want)
			}
			rest := false
			for _, o := range outputs {
				prefixed := strings.HasPrefix(o.Name, installation.OutputPrefix)
				if rest && !prefixed {
					t.Errorf("output %s follows the other outputs", o.Name)
				}
				rest = rest || prefixed
			}
			if !rest {
				t.Error("no output has the prefix")
			}
		})
	}
}

// TestDocumentOutput requires that a template links to the permissions only if the release has them.
func TestDocumentOutput(t *testing.T) {
	profile, _ := policies.Profile("veeam")
	for name, tc := range map[string]struct {
		documents        []string
		ofProfile, ofAll bool
	}{
		"none": {nil, false, false},
		"own":  {[]string{"veeam"}, true, false},
		"all":  {policies.ProfileNames(), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := launch.Unreleased(launch.Functions(permstack.Template)...)
			r.Version, r.Documents = "v1", tc.documents
			own, err := launch.ProfileStack(permstack.Template, profile, r)
			if err != nil {
				t.Fatal(err)
			}
			all, err := launch.Stack(permstack.Template, r)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(own), "/permstack/v1/veeam-permissions.html"); got != tc.ofProfile {
				t.Errorf("the profile's template links to its permissions: got %t, want %t", got, tc.ofProfile)
			}
			if got := strings.Contains(string(all), "/permstack/v1/${Profile}-permissions.html"); got != tc.ofAll {
				t.Errorf("launch-stack.yaml links to the permissions: got %t, want %t", got, tc.ofAll)
			}
		})
	}
}
