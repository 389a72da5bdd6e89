package detect

import (
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// compareTemplates reports permission stacks whose deployed template is not what the catalogue defines, and a parent
// whose template is not the release's. They are compared by meaning: another release may have written the same access
// in other bytes.
func (m *model) compareTemplates(p installation.Parent, all []*stack) []draft {
	var copies []*stack
	for _, s := range all {
		copies = append(copies, &stack{resources: s.deployed})
	}
	deployed := newModel(p, copies)
	m.deployed = deployed
	var out []draft
	for _, s := range all {
		if s.template == nil || s.inProgress {
			continue
		}
		t := templateComparison{expected: m, deployed: deployed}
		subject, expected, direction := string(s.part), "the template of the catalogue", finding.Changed
		if s.part == "" {
			t.compareParent(s)
			subject, expected, direction = parentSubject, "the template of the release", t.parentDirection()
		} else {
			t.compare(s)
			direction = t.direction()
		}
		if len(t.lines) == 0 {
			continue
		}
		d := s.draft(finding.TemplateChanged, subject, direction)
		d.Expected = finding.Value{Text: expected}
		d.Actual = finding.Value{Text: installation.Fingerprint(s.body)}
		d.values = t.lines
		shown := min(len(t.lines), maxChanges)
		d.Changes, d.ChangesOmitted = t.lines[:shown], len(t.lines)-shown
		out = append(out, d)
	}
	return out
}

// templateComparison collects what the template of one stack changes.
type templateComparison struct {
	expected, deployed *model
	lines              []string
	directions         []finding.Direction
}

func (t *templateComparison) add(direction finding.Direction, parts ...string) {
	t.directions = append(t.directions, direction)
	t.lines = append(t.lines, strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " "))
}

// direction returns GrantsMore if any difference does.
func (t *templateComparison) direction() finding.Direction { return joinDirections(t.directions) }

func (t *templateComparison) compare(s *stack) {
	byID := map[string]*resource{}
	for _, r := range s.deployed {
		byID[r.logicalID] = r
	}
	for _, r := range s.resources {
		have := byID[r.logicalID]
		delete(byID, r.logicalID)
		switch {
		case have == nil:
			t.add(finding.GrantsLess, r.logicalID+":", "removed:", r.typeName, r.physicalID)
		case have.typeName != r.typeName || have.physicalID != r.physicalID && r.typ.physicalID != nil:
			t.add(finding.GrantsMore, r.logicalID+":", "replaced by:", have.typeName, have.physicalID)
		case have.props == nil || isUnknown(have.props) && !isUnknown(r.props):
			t.add(finding.GrantsMore, r.logicalID+":", "it has values that cannot be evaluated")
		case r.typ.declared != nil:
			t.compareResource(r, have)
		}
	}
	for _, id := range sorted(byID) {
		if slices.Contains(toolTypes, byID[id].typeName) {
			continue
		}
		t.add(finding.GrantsMore, id+":", "added:", byID[id].typeName, byID[id].physicalID)
	}
	t.compareAttributes(s)
}

// compareResource compares what the deployed template declares of a resource as
// if it were its live state.
func (t *templateComparison) compareResource(r, have *resource) {
	found := have.typ.declared(t.deployed, have).compare(t.expected, r)
	for _, d := range slices.DeleteFunc(found, func(d draft) bool { return d.Kind == finding.NotReadable }) {
		title := []string{r.logicalID + ":", strings.ReplaceAll(string(d.Kind), "-", " "), d.Subject}
		if len(d.Changes) == 0 {
			t.add(d.Direction, append(title, "→", d.Actual.Text)...)
		}
		for _, change := range d.Changes {
			t.add(d.Direction, append(slices.Clone(title), change)...)
		}
	}
}

// compareAttributes compares what happens to resources that are removed from the
// stack, which parameters are masked, and the outputs: the parent's outputs repeat them, such as the ARN of the
// role that the customer enters at the backup service.
func (t *templateComparison) compareAttributes(s *stack) {
	for _, expected := range s.bound.Active() {
		have := s.template.Template.Resource(expected.LogicalID)
		if have != nil && have.DeletionPolicy != expected.DeletionPolicy {
			t.add(finding.Changed, expected.LogicalID+":", "deletion policy", have.DeletionPolicy)
		}
		if have != nil && have.UpdateReplacePolicy != expected.UpdateReplacePolicy {
			t.add(finding.Changed, expected.LogicalID+":", "update replace policy", have.UpdateReplacePolicy)
		}
	}
	for _, p := range s.bound.Template.Parameters {
		have := s.template.Template.Parameter(p.Name)
		if p.NoEcho && have != nil && !have.NoEcho {
			t.add(finding.GrantsMore, "parameter", p.Name+":", "its value is shown to everybody who may describe the stack")
		}
	}
	t.compareDisclosures(s)
	expected, have := outputs(s.bound, s.references), outputs(s.template, s.deployedReferences)
	for _, name := range sorted(expected) {
		if name != "TemplateHash" && have[name] != expected[name] && !isUnknown(expected[name]) {
			t.add(finding.Changed, "output", name+":", have[name])
		}
	}
}

// compareDisclosures reports outputs and metadata that show a masked parameter, such as the external id, to everybody
// who may describe the stack: CloudFormation masks a NoEcho parameter, but neither outputs nor metadata that refer to
// it (user guide, "Parameters", NoEcho).
func (t *templateComparison) compareDisclosures(s *stack) {
	masked := map[string]bool{}
	for _, p := range s.template.Template.Parameters {
		masked[p.Name] = p.NoEcho
	}
	for _, p := range s.bound.Template.Parameters { // whether or not it still is
		masked[p.Name] = masked[p.Name] || p.NoEcho
	}
	for _, o := range s.template.Template.Outputs {
		if name := reference(o.Value(), masked); name != "" {
			t.add(finding.GrantsMore, "output", o.Name+":", "shows the parameter", name)
		}
	}
	for _, r := range s.template.Template.Resources {
		if name := reference(r.Metadata, masked); name != "" {
			t.add(finding.GrantsMore, r.LogicalID+":", "metadata shows the parameter", name)
		}
	}
}

// reference returns one of the names to which a value of a template refers, "" if it refers to none.
func reference(v any, names map[string]bool) string {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if name := reference(item, names); name != "" {
				return name
			}
		}
	case map[string]any:
		for _, key := range sorted(v) {
			if key == "Ref" && names[text(v[key])] {
				return text(v[key])
			}
			if name := reference(v[key], names); name != "" {
				return name
			}
			if key != "Fn::Sub" {
				continue
			}
			format := text(v[key])
			if list, ok := v[key].([]any); ok && len(list) > 0 {
				format = text(list[0])
			}
			for _, name := range sorted(names) {
				if names[name] && strings.Contains(format, "${"+name+"}") {
					return name
				}
			}
		}
	}
	return ""
}

func outputs(template *cfntemplate.Resolved, references cfntemplate.Resolver) map[string]string {
	out := map[string]string{}
	values, err := template.Outputs(references)
	if err != nil {
		return out
	}
	for _, o := range values {
		out[o.Name] = o.Value
	}
	return out
}

// joinDirections returns the direction of differences taken together: any gain is
// GrantsMore.
func joinDirections(all []finding.Direction) finding.Direction {
	switch {
	case slices.Contains(all, finding.GrantsMore):
		return finding.GrantsMore
	case !slices.ContainsFunc(all, func(d finding.Direction) bool { return d != finding.GrantsLess }):
		return finding.GrantsLess
	}
	return finding.Changed
}
