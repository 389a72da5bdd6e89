package vendorfile

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/review/accessdiff"
)

// isTemplate reports whether an object is a CloudFormation template: one of its resources has a type.
func isTemplate(v cfntemplate.Value) bool {
	resources := v.Get("Resources")
	return v.Get("AWSTemplateFormatVersion").Exists() || slices.ContainsFunc(resources.Keys(), func(id string) bool {
		return resources.Get(id).Get("Type").Exists()
	})
}

// template reads the IAM resources, topics and event rules of a template. It evaluates only their properties; rules,
// outputs, metadata and the other resources are not read.
func (d policyFile) template(v cfntemplate.Value) {
	e := &cfnEvaluator{policyFile: d, root: v, conditions: map[string]bool{}}
	transforms := v.Get("Transform").Items()
	if v.Get("Transform").Exists() && !v.Get("Transform").IsList() {
		transforms = []cfntemplate.Value{v.Get("Transform")}
	}
	for _, t := range transforms {
		name, _ := t.Text()
		if name != "AWS::Serverless-2016-10-31" && name != "AWS::LanguageExtensions" {
			d.problem(d.file, t.Line(), "the transform %s is not run: it may add permissions", name)
		}
	}
	for _, key := range v.Keys() {
		if strings.HasPrefix(key, "Fn::") {
			d.problem(d.file, v.Get(key).Line(), "%s is not evaluated: it may add permissions", key)
		}
	}
	resources := v.Get("Resources")
	for _, id := range resources.Keys() {
		e.resource(id, resources.Get(id))
	}
	if len(e.conditions) > 0 {
		d.note(d.file, 0, "what depends on the conditions %s is included in both of their branches",
			strings.Join(sortedKeys(e.conditions), ", "))
	}
}

// mayGrant are resource types that can contain roles and policies that the template does not show.
var mayGrant = []string{
	"AWS::CloudFormation::Stack", "AWS::CloudFormation::StackSet", "AWS::Serverless::Function",
	"AWS::Serverless::StateMachine", "AWS::Serverless::Application", "AWS::Serverless::Connector",
	"AWS::Serverless::GraphQLApi", "AWS::ServiceCatalog::CloudFormationProvisionedProduct", "AWS::SSO::PermissionSet",
	"AWS::RolesAnywhere::Profile",
}

// resource adds one resource.
func (e *cfnEvaluator) resource(id string, v cfntemplate.Value) {
	kind, _ := v.Get("Type").Text()
	if name, ok := v.Get("Condition").Text(); ok && grants(kind) {
		e.conditions[name] = true
	}
	p := v.Get("Properties")
	switch {
	case strings.HasPrefix(id, "Fn::"):
		e.problem(e.file, v.Line(), "%s is not evaluated: it may add permissions", id)
	case slices.Contains(mayGrant, kind) || strings.HasSuffix(kind, "::MODULE"):
		e.problem(e.file, v.Line(), "%s of type %s is not read: it may contain permissions", id, kind)
	case kind == "AWS::IAM::InstanceProfile":
	case !grants(kind):
		e.notCompared[kind] = true
	case !p.IsObject():
		e.problem(e.file, v.Line(), "%s has no properties", id)
	default:
		e.grant(id, kind, p)
	}
}

// asRole are the types that are compared as the role or policy of a role that they resemble.
var asRole = map[string]string{
	"AWS::IAM::User": "AWS::IAM::Role", "AWS::IAM::Group": "AWS::IAM::Role",
	"AWS::IAM::UserPolicy": "AWS::IAM::RolePolicy", "AWS::IAM::GroupPolicy": "AWS::IAM::RolePolicy",
}

func grants(kind string) bool { return accessdiff.CanGrant(kind) || asRole[kind] != "" }

// grant adds a resource with the properties that its access depends on.
func (e *cfnEvaluator) grant(id, kind string, p cfntemplate.Value) {
	for _, key := range p.Keys() {
		if strings.HasPrefix(key, "Fn::") {
			e.problem(e.file, p.Get(key).Line(), "%s in the properties of %s is not evaluated: it may add permissions", key, id)
		}
	}
	out := map[string]any{}
	for _, key := range []string{
		"RoleName", "UserName", "GroupName", "Path", "ManagedPolicyName", "PolicyName", "TopicName", "Name", "State",
		"PermissionsBoundary", "EventPattern", "TopicArn",
	} {
		if p.Get(key).Exists() {
			if v := e.eval(p.Get(key), 0); e.findUnknown(v) == nil {
				out[key] = v
			}
		}
	}
	for _, key := range []string{"ManagedPolicyArns", "Roles", "Users", "Groups", "Topics"} {
		out[key] = e.texts(p.Get(key), id, key)
	}
	for _, key := range []string{"AssumeRolePolicyDocument", "PolicyDocument"} {
		if p.Get(key).Exists() {
			if doc, ok := e.document(p.Get(key)); ok {
				out[key] = doc
			}
		}
	}
	var inline []any
	for _, policy := range e.branches(p.Get("Policies"), 0) {
		if !policy.IsList() && policy.Exists() {
			e.problem(e.file, policy.Line(), "Policies of %s cannot be evaluated", id)
		}
		for _, item := range policy.Items() {
			for _, branch := range e.branches(item, 0) {
				if doc, ok := e.document(branch.Get("PolicyDocument")); ok {
					name, _ := e.eval(branch.Get("PolicyName"), 0).(string)
					inline = append(inline, map[string]any{"PolicyName": name, "PolicyDocument": doc})
				}
			}
		}
	}
	if len(inline) > 0 {
		out["Policies"] = inline
	}
	var targets []any
	for _, target := range p.Get("Targets").Items() {
		targets = append(targets, e.eval(target, 0))
	}
	if targets != nil {
		out["Targets"] = targets
	}
	switch kind {
	case "AWS::IAM::User", "AWS::IAM::Group":
		delete(out, "AssumeRolePolicyDocument")
	case "AWS::IAM::Role":
		if !p.Get("AssumeRolePolicyDocument").Exists() {
			e.problem(e.file, p.Line(), "role %s has no AssumeRolePolicyDocument", id)
		}
	case "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy":
		out["RoleName"] = out["UserName"]
		if out["UserName"] == nil {
			out["RoleName"] = out["GroupName"]
		}
	case "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy":
		roles, _ := out["Roles"].([]any)
		for _, key := range []string{"Users", "Groups"} {
			more, _ := out[key].([]any)
			roles = append(roles, more...)
		}
		out["Roles"] = roles
		if out["PolicyDocument"] == nil {
			return
		}
	case "AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy", "AWS::IAM::RolePolicy":
		if out["PolicyDocument"] == nil {
			return
		}
	}
	if as := asRole[kind]; as != "" {
		kind = as
	}
	e.add(id, kind, out)
}

// texts returns the strings of a list, of every branch of its conditions.
func (e *cfnEvaluator) texts(v cfntemplate.Value, id, key string) []any {
	var out []any
	for _, list := range e.branches(v, 0) {
		items := list.Items()
		if !list.IsList() && list.Exists() {
			items = []cfntemplate.Value{list}
		}
		for _, item := range items {
			for _, branch := range e.branches(item, 0) {
				switch value := e.eval(branch, 0).(type) {
				case string:
					out = append(out, value)
				case []any:
					out = append(out, value...)
				case nil:
				default:
					e.problem(e.file, branch.Line(), "%s of %s is not a string: %v", key, id, value)
				}
			}
		}
	}
	return out
}

// document returns a policy document with the statements of every branch of its conditions; ok is false if there is
// none. What cannot be read is a problem.
func (e *cfnEvaluator) document(v cfntemplate.Value) (doc map[string]any, ok bool) {
	var statements []any
	for _, branch := range e.branches(v, 0) {
		if !branch.IsObject() || !branch.Get("Statement").Exists() {
			text, isText := e.eval(branch, 0).(string)
			inner, err := decodeDocument(text)
			if !isText || err != nil || !inner.Get("Statement").Exists() {
				e.problem(e.file, branch.Line(), "the policy document cannot be evaluated")
				continue
			}
			statements, ok = append(statements, e.policyFile.statements(inner)...), true
			continue
		}
		for _, key := range branch.Keys() {
			if strings.HasPrefix(key, "Fn::") {
				e.problem(e.file, branch.Get(key).Line(), "%s in a policy document is not evaluated: it may add statements", key)
			}
		}
		ok = true
		for _, list := range e.branches(branch.Get("Statement"), 0) {
			items := list.Items()
			if list.IsObject() {
				items = []cfntemplate.Value{list}
			}
			for _, item := range items {
				for _, st := range e.branches(item, 0) {
					statements = append(statements, e.alternatives(st)...)
				}
			}
		}
	}
	return document(statements), ok
}

// maxConditions is the number of conditions in one statement whose combinations are all taken.
const maxConditions = 6

// alternatives returns a statement for every combination of the conditions in it.
func (e *cfnEvaluator) alternatives(v cfntemplate.Value) []any {
	names := map[string]bool{}
	e.conditionsIn(v, names, 0)
	list := sortedKeys(names)
	if len(list) > maxConditions {
		e.problem(e.file, v.Line(), "the statement depends on %d conditions; at most %d are evaluated", len(list),
			maxConditions)
		return nil
	}
	var out []any
	seen := map[string]bool{}
	for bits := range 1 << len(list) {
		e.assumed = map[string]bool{}
		for i, name := range list {
			e.assumed[name] = bits&(1<<i) == 0
		}
		st := e.statement(e.file, v.Line(), e.eval(v, 0))
		if key := fmt.Sprint(st); st != nil && !seen[key] {
			seen[key] = true
			out = append(out, st)
		}
	}
	e.assumed = nil
	return out
}
