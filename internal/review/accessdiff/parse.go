package accessdiff

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
	"permstack/internal/permissionstack"
	"permstack/internal/policies/choice"
	"permstack/internal/review/policyjson"
)

// Parse returns the access in CloudFormation templates, together, or in one
// document of `synth --format policies`. It returns an error if they grant nothing.
func Parse(label string, files ...[]byte) (*AccessSet, error) {
	if len(files) == 1 {
		var doc policyjson.Document
		if json.Unmarshal(files[0], &doc) == nil && doc.Profile != "" {
			return fromPolicyJSON(label, doc), nil
		}
	}
	s := newAccessSet(label)
	t := newReader(s)
	for _, text := range files {
		template, err := cfntemplate.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: neither a template nor the output of synth --format policies: %w", label, err)
		}
		// Templates refer to the external ID, whose value is masked. Both sides of a comparison get the same one.
		parameters := map[string]string{permissionstack.ExternalIDParameter: choice.ExampleExternalID}
		pseudo := cfntemplate.Pseudo{
			AccountID: "${AWS::AccountId}", Region: "${AWS::Region}", Partition: "${AWS::Partition}",
			URLSuffix: "${AWS::URLSuffix}", StackName: "${AWS::StackName}", StackID: "${AWS::StackId}",
		}
		bound, err := template.ResolveParameters(
			cfntemplate.Environment{Deployed: true, Parameters: parameters, Pseudo: pseudo},
		)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", label, err)
		}
		s.externalIDMasked = s.externalIDMasked || template.Parameter(permissionstack.ExternalIDParameter) != nil
		t.template = template
		if err := t.read(bound); err != nil {
			return nil, fmt.Errorf("read %s: %w", label, err)
		}
	}
	t.finish()
	if len(s.Roles)+len(s.Topics)+len(s.Rules)+len(s.Loose) == 0 {
		return nil, fmt.Errorf("read %s: it grants nothing: it has no role, topic or event rule", label)
	}
	return s, nil
}

// reader collects the access in templates.
type reader struct {
	set      *AccessSet
	renames  renames
	policies map[string]iampolicy.Document   // managed policies by logical ID
	attached map[string][]iampolicy.Document // policies that name their roles, by role
	managed  map[string][]string             // ARNs or logical IDs of the attached policies, by role
	used     map[string]bool                 // policies of roles, by logical ID
	template *cfntemplate.Template
}

func newReader(set *AccessSet) reader {
	return reader{
		set: set, policies: map[string]iampolicy.Document{}, attached: map[string][]iampolicy.Document{},
		managed: map[string][]string{}, used: map[string]bool{},
	}
}

// Resource is a resource of one of the types that CanGrant names, with its evaluated properties.
type Resource struct {
	ID, Type   string
	Properties map[string]any
}

// CanGrant reports whether a CloudFormation resource type is one that an AccessSet consists of.
func CanGrant(resourceType string) bool { return slices.Contains(comparedTypes, resourceType) }

// FromResources returns the access that resources grant together. References to other resources are their IDs.
func FromResources(label string, resources []Resource) (*AccessSet, error) {
	s := newAccessSet(label)
	t := newReader(s)
	for _, r := range resources {
		if err := t.resource(r.ID, r.Type, r.Properties); err != nil {
			return nil, fmt.Errorf("read %s: resource %s: %w", label, r.ID, err)
		}
	}
	t.finish()
	return s, nil
}

// Ref returns the logical ID, which is the vendor's name; for a topic its ARN, which
// policies contain.
func (t *reader) Ref(id string) (any, error) {
	if r := t.template.Resource(id); r != nil && r.Type == "AWS::SNS::Topic" {
		return "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:" + id, nil
	}
	return id, nil
}

// GetAtt returns the same value as Ref.
func (t *reader) GetAtt(id, _ string) (any, error) { return t.Ref(id) }

// read adds the active resources of a template.
func (t *reader) read(bound *cfntemplate.Resolved) error {
	for _, r := range bound.Active() {
		if !slices.Contains(comparedTypes, r.Type) {
			if !strings.HasPrefix(r.Type, "AWS::IAM::InstanceProfile") && !slices.Contains(t.set.NotCompared, r.Type) {
				t.set.NotCompared = append(t.set.NotCompared, r.Type)
			}
			continue
		}
		properties, err := bound.Properties(r.LogicalID, t)
		if err != nil {
			return fmt.Errorf("resource %s: %w", r.LogicalID, err)
		}
		if err := t.resource(r.LogicalID, r.Type, properties); err != nil {
			return fmt.Errorf("resource %s: %w", r.LogicalID, err)
		}
	}
	return nil
}

// comparedTypes are the resource types that grant access.
var comparedTypes = []string{
	"AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy",
	"AWS::SNS::Topic", "AWS::SNS::TopicInlinePolicy", "AWS::SNS::TopicPolicy", "AWS::Events::Rule",
}

// resource adds a resource of a type in comparedTypes.
func (t *reader) resource(id, kind string, p map[string]any) error {
	switch kind {
	case "AWS::IAM::Role":
		return t.role(id, p)
	case "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy":
		name, _ := p["ManagedPolicyName"].(string)
		if name == "" {
			name, _ = p["PolicyName"].(string)
		}
		if name != id {
			t.renames.add(name, strings.TrimSuffix(id, "Policy")+"Policy")
		}
		doc, err := document(p["PolicyDocument"])
		t.policies[id] = doc
		for _, role := range append(stringList(p["Roles"]), stringList(p["RoleName"])...) {
			t.attached[role] = append(t.attached[role], doc)
			t.used[id] = true
		}
		return err
	case "AWS::SNS::Topic":
		name, _ := p["TopicName"].(string)
		t.renames.add(name, id)
		if _, known := t.set.Topics[id]; !known {
			t.set.Topics[id] = iampolicy.Document{Version: iampolicy.Version}
		}
	case "AWS::SNS::TopicInlinePolicy", "AWS::SNS::TopicPolicy":
		doc, err := document(p["PolicyDocument"])
		for _, topic := range append(stringList(p["TopicArn"]), stringList(p["Topics"])...) {
			t.set.Topics[lastField(topic)] = doc
		}
		return err
	case "AWS::Events::Rule":
		name, _ := p["Name"].(string)
		t.renames.add(name, id)
		rule := Rule{Pattern: p["EventPattern"]}
		targets, _ := p["Targets"].([]any)
		for _, target := range targets {
			if m, ok := target.(map[string]any); ok {
				rule.Targets = append(rule.Targets, lastField(fmt.Sprint(m["Arn"])))
			}
		}
		if p["State"] != "DISABLED" {
			t.set.Rules[id] = rule
		}
	}
	return nil
}

// role adds a role with its inline policies.
func (t *reader) role(id string, p map[string]any) error {
	name, _ := p["RoleName"].(string)
	t.renames.add(name, id)
	path, _ := p["Path"].(string)
	t.renames.addPath(path)
	role := Role{trustUnknown: p["AssumeRolePolicyDocument"] == nil}
	if !role.trustUnknown {
		trust, err := document(p["AssumeRolePolicyDocument"])
		if err != nil {
			return err
		}
		role.Trust = []iampolicy.Document{trust}
	}
	role.Boundary, _ = p["PermissionsBoundary"].(string)
	inline, _ := p["Policies"].([]any)
	for _, i := range inline {
		m, _ := i.(map[string]any)
		doc, err := document(m["PolicyDocument"])
		if err != nil {
			return err
		}
		policy, _ := m["PolicyName"].(string)
		t.renames.add(policy, entityName(policy))
		role.Policies = append(role.Policies, doc)
	}
	t.managed[id] = stringList(p["ManagedPolicyArns"])
	t.set.Roles[id] = role
	return nil
}

// finish adds to the roles the policies that are resources of their own.
func (t *reader) finish() {
	for id, role := range t.set.Roles {
		for _, arn := range t.managed[id] {
			if doc, ok := t.policies[arn]; ok {
				t.used[arn] = true
				role.Policies = append(role.Policies, doc)
			} else {
				role.ExternalPolicies = append(role.ExternalPolicies, arn)
			}
		}
		t.used[role.Boundary] = true // a boundary limits, it does not grant
		role.Policies = append(role.Policies, t.attached[id]...)
		t.set.Roles[id] = role
	}
	for _, role := range slices.Sorted(maps.Keys(t.attached)) {
		if _, known := t.set.Roles[role]; !known {
			t.set.Roles[role] = Role{Policies: t.attached[role], trustUnknown: true}
		}
	}
	for id, doc := range t.policies {
		if !t.used[id] {
			t.set.Loose[id] = doc
		}
	}
	t.set.rename(t.renames)
}

// document parses a policy document in evaluated properties.
func document(v any) (iampolicy.Document, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return iampolicy.Document{}, err
	}
	return iampolicy.Parse(data)
}

// stringList returns the strings of a property that is a string or a list.
func stringList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
