package launch_test

import (
	"strings"
	"testing"

	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
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
