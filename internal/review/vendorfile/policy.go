package vendorfile

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/review/accessdiff"
	"permstack/internal/review/policyjson"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// maxSearch is the depth in which policy documents are searched in JSON that is not the output of a known command.
const maxSearch = 8

// json reads the JSON or YAML documents of a file.
func (r *reader) json(f File, p *plan, inFolder bool) {
	values, err := cfntemplate.ReadValues(f.Data)
	if err != nil {
		var at *cfntemplate.Error
		if errors.As(err, &at) {
			r.problem(f.Name, at.Line, "%s", at.Message)
		} else {
			r.problem(f.Name, 0, "%v", err)
		}
	}
	base := strings.TrimSuffix(path.Base(f.Name), path.Ext(f.Name))
	for _, v := range values {
		d := policyFile{reader: r, file: f.Name, plan: p, name: base}
		if !d.value(v, base, 0) && err == nil {
			if inFolder {
				r.note(f.Name, 0, "it has no permissions")
			} else {
				r.problem(f.Name, v.Line(), "neither a policy document, a template nor the output of synth or of aws iam")
			}
		}
	}
}

// policyFile reads the policy documents of one file.
type policyFile struct {
	*reader
	file, name string
	plan       *plan
}

// value reads a policy document, a template, or an object or list that contains some. It reports whether there is one.
func (d policyFile) value(v cfntemplate.Value, name string, depth int) bool {
	if depth > maxSearch {
		if hasStatement(v) {
			d.problem(d.file, v.Line(), "a policy document is nested more than %d deep", maxSearch)
			return true
		}
		return false
	}
	found := false
	switch {
	case v.IsList():
		for _, item := range v.Items() {
			found = d.value(item, name, depth+1) || found
		}
		return found
	case !v.IsObject():
		return false
	case depth > 1 && v.Get("IsDefaultVersion").Plain() == false:
		return true // a version that is not in force
	case v.Get("Resources").IsObject() && isTemplate(v):
		d.template(v)
		return true
	case v.Get("Statement").Exists():
		d.policy(v, d.nameIn(v, name))
		return true
	case v.Get("profile").Exists() && v.Get("roles").IsList() && depth == 0:
		return d.synthesized(v)
	case depth == 0 && d.plan != nil && v.Get("source").Exists() && strings.HasPrefix(d.name, "rule-"):
		d.plan.rules[strings.TrimPrefix(d.name, "rule-")] = v.Plain()
		return true
	case v.Get("AssumeRolePolicyDocument").Exists():
		d.role(v)
		return true
	}
	name = d.nameIn(v, name)
	for _, key := range v.Keys() {
		field := v.Get(key)
		label := name
		if (depth > 0 || len(v.Keys()) > 1) && !slices.Contains(containers, key) {
			label = d.nameIn(v, key)
		}
		if text, ok := field.Text(); ok && (slices.Contains(containers, key) || isDocumentText(text)) {
			inner, err := decodeDocument(text)
			if err != nil {
				d.problem(d.file, field.Line(), "%s is not a policy document: %v", key, err)
				found = true
				continue
			}
			field, label = inner, name
		}
		if field.IsObject() || field.IsList() {
			found = d.value(field, label, depth+1) || found
		}
	}
	return found
}

// hasStatement reports whether a value, which has at most maxDepth levels, contains a policy document.
func hasStatement(v cfntemplate.Value) bool {
	if v.Get("Statement").Exists() {
		return true
	}
	return slices.ContainsFunc(v.Items(), hasStatement) ||
		slices.ContainsFunc(v.Keys(), func(key string) bool { return hasStatement(v.Get(key)) })
}

// isDocumentText reports whether a text is a policy document, in a field of any name.
func isDocumentText(text string) bool {
	return strings.HasPrefix(strings.TrimSpace(text), "{") && strings.Contains(text, `"Statement"`)
}

// containers are the fields of the AWS CLI's output that hold a document, as an object or as text.
var containers = []string{"PolicyVersion", "Document", "PolicyDocument", "Policy", "AssumeRolePolicyDocument"}

// decodeDocument reads a document in text, which IAM's API returns URL-encoded.
func decodeDocument(text string) (cfntemplate.Value, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		decoded, err := url.QueryUnescape(text)
		if err != nil {
			return cfntemplate.Value{}, err
		}
		text = decoded
	}
	values, err := cfntemplate.ReadValues([]byte(text))
	switch {
	case err != nil:
		return cfntemplate.Value{}, err
	case len(values) != 1 || !values[0].IsObject():
		return cfntemplate.Value{}, errors.New("want one JSON object")
	}
	return values[0], nil
}

// nameIn returns the name that an object has for its policy, or otherwise.
func (d policyFile) nameIn(v cfntemplate.Value, otherwise string) string {
	for _, key := range []string{"PolicyName", "policyName", "policy_name", "RoleName", "Name", "name"} {
		if text, ok := v.Get(key).Text(); ok && text != "" {
			return text
		}
	}
	return otherwise
}

// statements returns the statements of a document; a problem is reported for each that cannot be read.
func (d policyFile) statements(v cfntemplate.Value) []any {
	list := v.Get("Statement")
	items := list.Items()
	if list.IsObject() {
		items = []cfntemplate.Value{list}
	} else if !list.IsList() {
		d.problem(d.file, v.Line(), "Statement is neither an object nor a list")
	}
	var out []any
	for _, item := range items {
		if st := d.statement(d.file, item.Line(), item.Plain()); st != nil {
			out = append(out, st)
		}
	}
	return out
}

// policy adds a document: the trust policy of a role, a topic's policy or a policy of a role.
func (d policyFile) policy(v cfntemplate.Value, name string) {
	before := len(d.problems)
	statements := d.statements(v)
	switch planned := d.plan.roleWithTrust(d.file); {
	case len(statements) == 0 && len(d.problems) > before:
	case len(statements) == 0:
		d.problem(d.file, v.Line(), "the policy has no statement")
	case planned != nil:
		planned.trust = document(statements)
	case isTrust(statements):
		name = strings.TrimPrefix(name, "trust-")
		d.add(d.uniqueID(entityName(name)), "AWS::IAM::Role",
			map[string]any{"RoleName": name, "AssumeRolePolicyDocument": document(statements)})
	case hasPrincipal(statements) && strings.HasPrefix(d.name, "topic-"):
		d.topic(strings.TrimPrefix(d.name, "topic-"), statements)
		if d.plan != nil {
			d.plan.topics = append(d.plan.topics, strings.TrimPrefix(d.name, "topic-"))
		}
	case hasPrincipal(statements):
		d.notCompared["resource policies"] = true
		d.note(d.file, v.Line(), "the policy names principals: policies of resources are not compared")
	default:
		properties := map[string]any{"ManagedPolicyName": name, "PolicyDocument": document(statements)}
		if d.plan != nil {
			var roles []any
			for _, role := range d.plan.policies[d.name] {
				roles = append(roles, entityName(role))
			}
			properties["Roles"] = roles
		}
		d.add(d.uniqueID(entityName(name)), "AWS::IAM::ManagedPolicy", properties)
	}
}

// role adds a role of `aws iam get-role` or of get-account-authorization-details.
func (d policyFile) role(v cfntemplate.Value) {
	id := d.uniqueID(entityName(d.nameIn(v, d.name)))
	properties := map[string]any{"RoleName": d.nameIn(v, d.name)}
	if trust, ok := d.inner(v.Get("AssumeRolePolicyDocument")); ok {
		properties["AssumeRolePolicyDocument"] = document(d.statements(trust))
	}
	var inline []any
	for _, p := range v.Get("RolePolicyList").Items() {
		if doc, ok := d.inner(p.Get("PolicyDocument")); ok {
			inline = append(inline, map[string]any{"PolicyDocument": document(d.statements(doc))})
		}
	}
	var attached []any
	for _, p := range v.Get("AttachedManagedPolicies").Items() {
		if text, ok := p.Get("PolicyName").Text(); ok {
			attached = append(attached, entityName(text))
		}
	}
	properties["Policies"], properties["ManagedPolicyArns"] = inline, attached
	if text, ok := v.Get("PermissionsBoundary").Get("PermissionsBoundaryArn").Text(); ok {
		properties["PermissionsBoundary"] = text
	}
	d.add(id, "AWS::IAM::Role", properties)
}

// inner returns a document that is an object or text.
func (d policyFile) inner(v cfntemplate.Value) (cfntemplate.Value, bool) {
	if text, ok := v.Text(); ok {
		inner, err := decodeDocument(text)
		if err != nil {
			d.problem(d.file, v.Line(), "not a policy document: %v", err)
			return inner, false
		}
		return inner, true
	}
	if !v.IsObject() {
		d.problem(d.file, v.Line(), "not a policy document")
		return v, false
	}
	return v, true
}

// synthesized adds a document of `synth --format policies`.
func (d policyFile) synthesized(v cfntemplate.Value) bool {
	data, err := json.Marshal(v.Plain())
	var doc policyjson.Document
	if err != nil || json.Unmarshal(data, &doc) != nil || doc.Profile == "" {
		return false
	}
	set, err := accessdiff.Parse(d.label, data)
	if err != nil {
		d.problem(d.file, v.Line(), "%v", err)
		return true
	}
	d.complete = append(d.complete, set)
	return true
}
