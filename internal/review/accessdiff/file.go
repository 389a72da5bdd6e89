package accessdiff

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
	"permstack/internal/review/policyjson"
)

// Parse reads permission files: CloudFormation templates, which count together,
// or one file that `synth --format policies` wrote.
func Parse(label string, files ...[]byte) (*AccessSet, error) {
	if len(files) == 1 {
		var doc policyjson.Document
		if json.Unmarshal(files[0], &doc) == nil && doc.Profile != "" {
			return ofReview(label, doc), nil
		}
	}
	s := newSide(label)
	t := reader{side: s, policies: map[string]iampolicy.Document{}, attached: map[string][]iampolicy.Document{}}
	for _, text := range files {
		template, err := cfntemplate.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: neither a template nor what synth --format policies prints: %w", label, err)
		}
		bound, err := template.Bind(cfntemplate.Environment{Deployed: true, Pseudo: cfntemplate.Pseudo{
			AccountID: "${AWS::AccountId}", Region: "${AWS::Region}", Partition: "${AWS::Partition}",
			URLSuffix: "${AWS::URLSuffix}", StackName: "${AWS::StackName}", StackID: "${AWS::StackId}",
		}})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", label, err)
		}
		t.template = template
		if err := t.read(bound); err != nil {
			return nil, fmt.Errorf("read %s: %w", label, err)
		}
	}
	t.finish()
	if len(s.Roles)+len(s.Topics)+len(s.Rules) == 0 {
		return nil, fmt.Errorf("read %s: it grants nothing: no role, topic or event rule is in it", label)
	}
	return s, nil
}

// reader collects what some templates grant.
type reader struct {
	side     *AccessSet
	own      names
	policies map[string]iampolicy.Document   // managed policies by logical id
	attached map[string][]iampolicy.Document // policies that name their roles, by role
	managed  map[string][]string             // role → what it attaches
	template *cfntemplate.Template
}

// Ref answers with the logical id, which is the vendor's name; of a topic with
// its ARN, as policies name it.
func (t *reader) Ref(id string) (any, error) {
	if r := t.template.Resource(id); r != nil && r.Type == "AWS::SNS::Topic" {
		return "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:" + id, nil
	}
	return id, nil
}

// GetAtt answers as Ref does.
func (t *reader) GetAtt(id, _ string) (any, error) { return t.Ref(id) }

func (t *reader) read(bound *cfntemplate.Bound) error {
	for _, r := range bound.Active() {
		if !slices.Contains(compared, r.Type) {
			if !strings.HasPrefix(r.Type, "AWS::IAM::InstanceProfile") && !slices.Contains(t.side.Ignored, r.Type) {
				t.side.Ignored = append(t.side.Ignored, r.Type)
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

var compared = []string{
	"AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy",
	"AWS::SNS::Topic", "AWS::SNS::TopicInlinePolicy", "AWS::SNS::TopicPolicy", "AWS::Events::Rule",
}

func (t *reader) resource(id, kind string, p map[string]any) error {
	switch kind {
	case "AWS::IAM::Role":
		return t.role(id, p)
	case "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy":
		name, _ := p["ManagedPolicyName"].(string)
		if name == "" {
			name, _ = p["PolicyName"].(string)
		}
		t.own.add(name, strings.TrimSuffix(id, "Policy")+"Policy")
		doc, err := document(p["PolicyDocument"])
		t.policies[id] = doc
		for _, role := range append(texts(p["Roles"]), texts(p["RoleName"])...) {
			t.attached[role] = append(t.attached[role], doc)
		}
		return err
	case "AWS::SNS::Topic":
		name, _ := p["TopicName"].(string)
		t.own.add(name, id)
		if _, known := t.side.Topics[id]; !known {
			t.side.Topics[id] = iampolicy.Document{Version: iampolicy.Version}
		}
	case "AWS::SNS::TopicInlinePolicy", "AWS::SNS::TopicPolicy":
		doc, err := document(p["PolicyDocument"])
		for _, topic := range append(texts(p["TopicArn"]), texts(p["Topics"])...) {
			t.side.Topics[lastOf(topic)] = doc
		}
		return err
	case "AWS::Events::Rule":
		name, _ := p["Name"].(string)
		t.own.add(name, id)
		rule := Rule{Pattern: p["EventPattern"]}
		targets, _ := p["Targets"].([]any)
		for _, target := range targets {
			if m, ok := target.(map[string]any); ok {
				rule.Targets = append(rule.Targets, lastOf(fmt.Sprint(m["Arn"])))
			}
		}
		if p["State"] != "DISABLED" {
			t.side.Rules[id] = rule
		}
	}
	return nil
}

func (t *reader) role(id string, p map[string]any) error {
	name, _ := p["RoleName"].(string)
	t.own.add(name, id)
	trust, err := document(p["AssumeRolePolicyDocument"])
	if err != nil {
		return err
	}
	role := Role{Trust: []iampolicy.Document{trust}}
	role.Boundary, _ = p["PermissionsBoundary"].(string)
	inline, _ := p["Policies"].([]any)
	for _, i := range inline {
		m, _ := i.(map[string]any)
		doc, err := document(m["PolicyDocument"])
		if err != nil {
			return err
		}
		policy, _ := m["PolicyName"].(string)
		t.own.add(policy, entityOf(policy))
		role.Policies = append(role.Policies, doc)
	}
	if t.managed == nil {
		t.managed = map[string][]string{}
	}
	t.managed[id] = texts(p["ManagedPolicyArns"])
	t.side.Roles[id] = role
	return nil
}

// finish gives roles the policies that stand elsewhere.
func (t *reader) finish() {
	for id, role := range t.side.Roles {
		for _, arn := range t.managed[id] {
			if doc, ok := t.policies[arn]; ok {
				role.Policies = append(role.Policies, doc)
			} else {
				role.Foreign = append(role.Foreign, arn)
			}
		}
		role.Policies = append(role.Policies, t.attached[id]...)
		t.side.Roles[id] = role
	}
	for _, role := range slices.Sorted(maps.Keys(t.attached)) {
		if _, known := t.side.Roles[role]; !known {
			t.side.Roles[role] = Role{Policies: t.attached[role]}
		}
	}
	t.side.rename(t.own)
}

// document reads a policy document out of evaluated properties.
func document(v any) (iampolicy.Document, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return iampolicy.Document{}, err
	}
	return iampolicy.Parse(data)
}

// texts lists the strings of a property that is one or many.
func texts(v any) []string {
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
