package detect

import (
	"reflect"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// parentSubject is the subject of findings about the parent's template.
const parentSubject = "parent"

// expectParent replaces what the parent stack deployed by what the release's template
// has for the parameters of the stack: whoever may update stacks can replace the
// deployed one, and with it the check.
func (c *check) expectParent(p installation.Parent, s *stack) {
	if c.o.Release.Template == nil || s.inProgress || s.listed == nil {
		return
	}
	template := c.o.Release.launchTemplate(s)
	s.keepDeployed()
	if err := s.expectTemplate(p, template); err != nil {
		s.bound, s.resources, s.references = s.template, s.deployed, s.deployedReferences
		s.template, s.deployed, s.deployedReferences = nil, nil, nil
		s.expectedInvalid(err)
	}
}

// profileParameter selects the profile in the template of all profiles.
const profileParameter = "Profile"

// launchTemplate returns the template that a stack was launched from: that of all profiles has a parameter for the
// profile, and in that of one profile it is a property of the custom resource. Whoever may update the stack may change
// either, to another template of the release: what that grants is then announced, as after a change of parameters.
func (r Release) launchTemplate(s *stack) []byte {
	if stacks.Parameter(s.described, profileParameter) == "" && r.ProfileTemplate != nil {
		if template := r.ProfileTemplate(s.profile()); template != nil {
			return template
		}
	}
	return r.Template
}

// profile returns the profile that the stack deploys, "" if it is not known.
func (s *stack) profile() string {
	if name := stacks.Parameter(s.described, profileParameter); name != "" {
		return name
	}
	for _, r := range s.resources {
		if r.typeName == customResource {
			return text(r.props["Profile"])
		}
	}
	return ""
}

// keepDeployed keeps what the stack deployed beside what is expected.
func (s *stack) keepDeployed() {
	s.deployed, s.template, s.deployedReferences = s.resources, s.bound, s.references
}

// expectedInvalid reports that the expected template cannot be evaluated with the
// stack's parameters.
func (s *stack) expectedInvalid(err error) {
	d := s.draft(finding.NotReadable, "expected template", finding.Unreadable)
	d.Reason = finding.TemplateInvalid
	d.ReadErrors = []finding.ReadError{{Target: finding.TargetTemplate, Message: err.Error()}}
	s.drafts = append(s.drafts, d)
}

// toolTypes are resources that a deployment tool adds to every template, and that
// create nothing in AWS.
var toolTypes = []string{"AWS::CDK::Metadata"}

// compareParent compares the deployed template of the parent with the release's.
// What the two lose is the monitoring of access, not access.
func (t *templateComparison) compareParent(s *stack) {
	t.compare(s)
	deployed := map[string]*resource{}
	for _, r := range s.deployed {
		deployed[r.logicalID] = r
	}
	for _, r := range s.resources {
		have := deployed[r.logicalID]
		if have != nil && have.typeName == r.typeName && have.props != nil && r.typ.declared == nil {
			t.compareProperties(r, have)
		}
	}
}

// compareProperties compares the declared properties of a type that has no
// comparison of its own.
func (t *templateComparison) compareProperties(r, have *resource) {
	names := map[string]bool{}
	for name := range r.props {
		names[name] = true
	}
	for name := range have.props {
		names[name] = true
	}
	for _, name := range sorted(names) {
		expected, actual := r.props[name], have.props[name]
		if sameProperty(r, name, expected, actual) {
			continue
		}
		direction := propertyDirection(r, name, expected, actual)
		if strings.HasSuffix(name, "PolicyDocument") {
			before, now := parseDocument(expected), parseDocument(actual)
			if before.err == nil && now.err == nil && !before.unknown && !now.unknown {
				e := compareDocuments(t.expected.account, parsed(before), parsed(now))
				if e.same {
					continue
				}
				for _, change := range e.changes {
					t.add(e.direction, r.logicalID+":", name, change)
				}
				continue
			}
		}
		value := jsonText(actual)
		if isUnknown(actual) || confidential("/"+name+"/") {
			value = "another value"
		}
		if actual == nil {
			value = "nothing"
		}
		t.add(direction, r.logicalID+":", name, "→", value)
	}
}

// codeProperties of a function differ with where and for which processor the release
// was published; the code itself is compared by its hash.
var codeProperties = []string{"Architectures", "Code"}

func sameProperty(r *resource, name string, expected, actual any) bool {
	if r.typ == lambdaFunction && slices.Contains(codeProperties, name) {
		return true
	}
	return reflect.DeepEqual(cfntemplate.TextScalars(expected), cfntemplate.TextScalars(actual))
}

// runProperties decide which code a function runs, and with which rights.
var runProperties = []string{
	"CodeSigningConfigArn", "FileSystemConfigs", "Handler", "ImageConfig", "Layers", "PackageType", "Role", "Runtime",
}

// propertyDirection returns which way the change of a property changes access.
func propertyDirection(r *resource, name string, expected, actual any) finding.Direction {
	switch {
	case r.typeName == customResource && name == "ProtectedArns":
		return finding.GrantsMore
	case r.typeName == customResource:
		return finding.ChoiceDirection(name, choiceText(expected), choiceText(actual))
	case r.typ == lambdaFunction && slices.Contains(runProperties, name):
		return finding.GrantsMore
	case r.typ == lambdaPermission:
		return finding.GrantsMore
	}
	return finding.Monitoring
}

// parentDirection returns the direction of the differences of a parent's template.
func (t *templateComparison) parentDirection() finding.Direction {
	if slices.Contains(t.directions, finding.GrantsMore) {
		return finding.GrantsMore
	}
	return finding.Monitoring
}
