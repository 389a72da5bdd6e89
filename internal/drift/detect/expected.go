package detect

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
)

// customResource is the type of the parent's resource that deploys the
// permission stacks.
const customResource = "Custom::PermissionStack"

// choices is what the parent's custom resource selects: the source of everything
// that is expected of the permission stacks. Nothing that a permission stack, its
// tags or an output contains takes part in it, because whoever may update stacks
// can write those.
type choices struct {
	logicalID  string // of the custom resource
	properties properties.Properties
	templates  map[installation.Part]permissionstack.Template
	// withoutID are the templates of a launch without an external id, if it is
	// optional for the selection and unknown; else nil.
	withoutID map[installation.Part]permissionstack.Template
}

// externalIDPlaceholder is the external id with which the templates are
// synthesized and evaluated: the real one is NoEcho, so CloudFormation does not
// return it.
const externalIDPlaceholder = "permstack-unknown-external-id"

// externalIDKey is the condition key of the external id.
const externalIDKey = "sts:ExternalId"

var errNoCustomResource = errors.New("the template has no resource of type " + customResource)

// readChoices evaluates the custom resource of the parent and synthesizes the
// templates that it selects, with the catalogue of the release that it names.
func readChoices(parent *stack, p installation.Parent) (*choices, error) {
	if parent.bound == nil {
		return nil, errors.New("the template of the parent stack could not be evaluated")
	}
	for _, r := range parent.bound.Active() {
		if r.Type != customResource {
			continue
		}
		raw, err := parent.bound.Properties(r.LogicalID, parent.references)
		if err != nil {
			return nil, fmt.Errorf("evaluate resource %s: %w", r.LogicalID, err)
		}
		return synthesize(r.LogicalID, raw, p)
	}
	return nil, errNoCustomResource
}

func synthesize(logicalID string, raw map[string]any, p installation.Parent) (*choices, error) {
	given := map[string]any{}
	for name, value := range raw {
		switch {
		case name == "ServiceToken" || name == "ServiceTimeout":
		case name == "ExternalId" && isUnknown(value):
			given[name] = externalIDPlaceholder
		case isUnknown(value):
			return nil, fmt.Errorf("property %s of resource %s cannot be evaluated", name, logicalID)
		default:
			given[name] = value
		}
	}
	chosen, err := properties.Decode(given)
	if err != nil {
		return nil, fmt.Errorf("decode the properties of resource %s: %w", logicalID, err)
	}
	out := &choices{logicalID: logicalID, properties: chosen}
	out.templates, err = out.synthesizeTemplates(p, chosen.ExternalID)
	if chosen.ExternalID == externalIDPlaceholder {
		// A profile refuses the external id, requires it, or accepts both.
		without, withoutErr := out.synthesizeTemplates(p, "")
		switch {
		case withoutErr != nil:
		case err != nil:
			out.templates, err = without, nil
		default:
			out.withoutID = without
		}
	}
	if err != nil {
		return nil, fmt.Errorf("synthesize the selection of resource %s: %w", logicalID, err)
	}
	return out, nil
}

// synthesizeTemplates returns the templates with an external id.
func (c *choices) synthesizeTemplates(
	p installation.Parent, externalID string,
) (map[installation.Part]permissionstack.Template, error) {
	environment := c.properties.Environment(p)
	environment.ExternalID = externalID
	set, err := policies.Synthesize(c.properties.Selection(), environment)
	if err != nil {
		return nil, err
	}
	list, err := permissionstack.Stacks(set)
	if err != nil {
		return nil, err
	}
	out := map[installation.Part]permissionstack.Template{}
	for _, s := range list {
		out[s.Part] = s.Template
	}
	return out, nil
}

// expectedTemplate returns the expected template of a permission stack of which the
// deployed template was read. If the external id is optional, that is the one without
// it if the deployed template has the same meaning. A forged template without the id
// cannot be distinguished from a launch without one.
func (c *choices) expectedTemplate(p installation.Parent, s *stack) permissionstack.Template {
	without, optional := c.withoutID[s.part]
	if optional && s.template != nil {
		variant := *s
		if variant.expectTemplate(p, without.JSON()) == nil {
			all := []*stack{&variant}
			if len(newModel(p, all).compareTemplates(p, all)) == 0 {
				return without
			}
		}
	}
	return c.templates[s.part]
}

// deployment returns the expected template of a permission stack and its parameters.
// The external id keeps the value that the stack has: the real one is known to the
// custom resource alone. deployment reports false if the stack has none to keep.
func (c *choices) deployment(s *stack) (template string, parameters []types.Parameter, ok bool) {
	expected := c.templates[s.part]
	if expected.HasExternalID() {
		key := permissionstack.ExternalIDParameter
		if !slices.ContainsFunc(s.described.Parameters, func(p types.Parameter) bool {
			return aws.ToString(p.ParameterKey) == key
		}) {
			return "", nil, false
		}
		parameters = []types.Parameter{{ParameterKey: &key, UsePreviousValue: aws.Bool(true)}}
	}
	return string(expected.JSON()), parameters, true
}

// stackTags are the tags that the provisioner sets on the permission stacks.
func (c *choices) stackTags(p installation.Parent) map[string]string {
	out := map[string]string{installation.ParentTag: p.ID, installation.ResourceTag: c.logicalID}
	for _, t := range c.properties.Tags {
		out[t.Key] = t.Value
	}
	return out
}

// expectTemplate replaces what the stack deployed by what is expected: the resources
// of the expected template, with the physical ids that follow from the names in it.
// Those that the stack has under the same logical id are also compared by
// CloudFormation's drift detection.
func (s *stack) expectTemplate(p installation.Parent, body []byte) error {
	template, err := templates.parse(string(body))
	if err != nil {
		return err
	}
	bound, err := template.ResolveParameters(s.environment(p, template))
	if err != nil {
		return err
	}
	deployed := map[string]listed{}
	for _, l := range s.listed {
		deployed[l.logicalID] = l
	}
	s.bound, s.resources = bound, nil
	references := &resolver{stack: s, listed: map[string]listed{}}
	s.references = references
	for _, r := range bound.Active() {
		l := listed{logicalID: r.LogicalID, physicalID: deployed[r.LogicalID].physicalID, typ: r.Type}
		if named := lookupType(r.Type).physicalID; named != nil {
			props, err := bound.Properties(r.LogicalID, unresolved{})
			if err != nil {
				return fmt.Errorf("evaluate resource %s: %w", r.LogicalID, err)
			}
			if id := named(references, props); id != "" {
				l.physicalID = id
			}
		}
		references.listed[r.LogicalID] = l
	}
	for _, r := range bound.Active() {
		props, err := bound.Properties(r.LogicalID, references)
		if err != nil {
			return fmt.Errorf("evaluate resource %s: %w", r.LogicalID, err)
		}
		l := references.listed[r.LogicalID]
		same := deployed[r.LogicalID]
		if same.physicalID == l.physicalID {
			l.updated = same.updated
		}
		s.resources = append(s.resources, &resource{
			updated: l.updated,
			stack:   s, logicalID: r.LogicalID, physicalID: l.physicalID, typ: lookupType(r.Type), typeName: r.Type,
			props:        props,
			undetectable: same.typ != r.Type || !sameName(same.physicalID, l.physicalID),
			notDeployed:  s.part == "" && l.physicalID == "",
		})
	}
	return nil
}

// sameName reports whether a listed physical id is that of the expected resource.
func sameName(listed, expected string) bool { return expected == "" || listed == expected }

// withExternalID returns the document with the live external id in place of the
// placeholder, if the live document requires exactly one. If it requires none, or
// several, the two differ. Whether the one is that of the stack is compared by
// CloudFormation alone: see externalIDDiffers.
func (d document) withExternalID(live document) document {
	ids := slices.Compact(slices.Sorted(slices.Values(live.externalIDs())))
	if len(ids) != 1 || strings.ContainsAny(ids[0], "*?") || len(d.externalIDs()) == 0 {
		return d
	}
	replaced, err := json.Marshal(ids[0])
	if err != nil {
		return d
	}
	return parseDocument(strings.ReplaceAll(d.text, strconv.Quote(externalIDPlaceholder), string(replaced)))
}

// externalIDDiffers reports whether differences of a trust policy are about its
// external id. CloudFormation reports each value by itself, or whole documents. A key
// that is only written in another case is removed and added with the same value.
func externalIDDiffers(differences []difference) bool {
	var expected, actual []string
	for _, d := range differences {
		if !strings.Contains(strings.ToLower(d.path), strings.ToLower(externalIDKey)) {
			expected = append(expected, parseDocument(d.expected).externalIDs()...)
			actual = append(actual, parseDocument(d.actual).externalIDs()...)
			continue
		}
		if d.kind != types.DifferenceTypeAdd {
			expected = append(expected, d.expected)
		}
		if d.kind != types.DifferenceTypeRemove {
			actual = append(actual, d.actual)
		}
	}
	slices.Sort(expected)
	slices.Sort(actual)
	return !slices.Equal(expected, actual)
}
