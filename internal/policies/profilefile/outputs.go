package profilefile

import (
	"regexp"

	"permstack/internal/policies/schema"
)

// outputs are what the customer may enter at the vendor.
var outputs = map[string]bool{schema.RoleOutput: true, schema.SupportRoleOutput: true, schema.EventTopicOutput: true}

// outputName matches the logical ID of an output (CloudFormation Template Reference, "Outputs").
var outputName = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)

func (a *assembler) outputs(p *schema.Profile, d document) {
	for _, f := range d.Outputs {
		a.require(f.Position, "output", f.Output)
		a.known(f.Position, "output", f.Output, outputs)
		a.require(f.Position, "name", f.Name)
		a.require(f.Position, "title", f.Title)
		if !outputName.MatchString(f.Name) {
			a.add(f.Position, "name %q: want letters and digits", f.Name)
		}
		for _, other := range p.Outputs {
			if other.Output == f.Output || other.Name == f.Name {
				a.add(f.Position, "output %s is named twice, or %s names two outputs", f.Output, f.Name)
			}
		}
		p.Outputs = append(p.Outputs, schema.Output{Output: f.Output, Name: f.Name, Title: f.Title})
	}
}
