package vendorfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"permstack/internal/cfn/cfntemplate"
)

// openPart is a part of a name that the file leaves open.
var openPart = regexp.MustCompile(`<[^>]*>|\$\{[^}]*\}`)

// stableName returns the part of a name that does not depend on variables, otherwise the label.
func stableName(name, label string) string {
	parts := openPart.Split(name, -1)
	var kept []string
	for _, p := range parts {
		if p = strings.Trim(p, "-_/. "); p != "" {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		return label
	}
	return entityName(strings.Join(kept, "-"))
}

// nameResources sets the ID of every role, policy, topic and rule, by which others refer to it.
func (m *tfModule) nameResources() {
	for _, b := range m.order {
		kind := cfnTypes[b.resourceType()]
		if b.kind != "resource" || kind == "" {
			continue
		}
		for _, i := range m.instances(b, 0) {
			id := m.uniqueID(stableName(m.scope(i, newWorld()).physicalName(b), b.labels[1]))
			m.ids[instanceKey(b, i)] = id
			inWorlds(func(w *world) { // more names than these are names of no role
				s := m.scope(i, w)
				name := s.physicalName(b)
				for _, text := range []string{name, s.arn(b, name)} {
					for _, ids := range []map[string]string{m.ids, m.allIDs} {
						if _, taken := ids[text]; !taken {
							ids[text] = id
						}
					}
				}
			})
		}
	}
}

func instanceKey(b *tfBlock, i instance) string {
	key, _ := tfText(i.key)
	return b.address() + "[" + key + "]"
}

// id returns the ID of a role or policy by its name or ARN; of one that the module does not declare, the text itself.
func (m *tfModule) id(nameOrARN string) string {
	for _, ids := range []map[string]string{m.ids, m.allIDs} {
		if id, ok := ids[nameOrARN]; ok {
			return id
		}
	}
	return nameOrARN
}

// texts returns the strings of an attribute, of both branches of its conditions. A null is no string.
func (m *tfModule) texts(b *tfBlock, attr string, i instance) []string {
	x := b.attrs[attr]
	if x == nil {
		return nil
	}
	var out []string
	ok := inWorlds(func(w *world) {
		value := m.scope(i, w).eval(x)
		list, isList := value.([]any)
		if _, isNull := value.(openNull); isNull || value == nil {
			return
		}
		if !isList {
			list = []any{value}
		}
		for _, item := range list {
			switch text := plain(item).(type) {
			case string:
				if text != "" && !slices.Contains(out, text) {
					out = append(out, text)
				}
			case nil:
			case unknown:
				m.problem(b.file, b.attrLine(attr), "%s of %s: %s", attr, b.address(), text.message)
			default:
				m.problem(b.file, b.attrLine(attr), "%s of %s is not a string", attr, b.address())
			}
		}
	})
	if !ok {
		m.problem(b.file, b.attrLine(attr), "%s of %s depends on too many conditions", attr, b.address())
	}
	return out
}

// resource adds the access of a resource.
func (m *tfModule) resource(b *tfBlock, roles map[string]*tfRole) {
	kind := b.resourceType()
	role := func(id string) *tfRole {
		if roles[id] == nil {
			roles[id] = &tfRole{id: id}
		}
		return roles[id]
	}
	known := cfnTypes[kind] != "" || attachments[kind] != nil || rolePolicies[kind] != "" ||
		kind == "aws_sns_topic_policy" || kind == "aws_cloudwatch_event_target"
	switch {
	case !known && slices.Contains(noGrantTypes, kind):
		return
	case !known && slices.ContainsFunc(mayGrantTypes, func(p string) bool { return strings.HasPrefix(kind, p) }):
		m.problem(b.file, b.line, "%s is not read: it may contain permissions", b.address())
		return
	case !known:
		m.notCompared[kind] = true
		return
	}
	for _, i := range m.instances(b, 0) {
		id := m.ids[instanceKey(b, i)]
		switch {
		case cfnTypes[kind] == "AWS::IAM::Role":
			role(id).declared = m.role(b, i)
		case kind == "aws_iam_policy":
			if statements, ok := m.policyStatements(b, "policy", i); ok {
				m.add(id, "AWS::IAM::ManagedPolicy", map[string]any{
					"ManagedPolicyName": m.scope(i, newWorld()).physicalName(b), "PolicyDocument": document(statements),
				})
			}
		case rolePolicies[kind] != "":
			statements, ok := m.policyStatements(b, "policy", i)
			for _, name := range m.texts(b, rolePolicies[kind], i) {
				if ok {
					m.add(m.uniqueID(b.address()), "AWS::IAM::RolePolicy",
						map[string]any{"RoleName": m.id(name), "PolicyDocument": document(statements)})
				}
			}
		case attachments[kind] != nil:
			for _, attr := range attachments[kind] {
				for _, name := range m.texts(b, attr, i) {
					for _, arn := range slices.Concat(m.texts(b, "policy_arn", i), m.texts(b, "policy_arns", i)) {
						r := role(m.id(name))
						if !slices.Contains(r.attached, any(m.id(arn))) {
							r.attached = append(r.attached, m.id(arn))
						}
					}
				}
			}
		default:
			m.topicOrRule(b, i, id)
		}
	}
}

// rolePolicies are the types of inline policies, with the attribute that names the role.
var rolePolicies = map[string]string{
	"aws_iam_role_policy": "role", "aws_iam_user_policy": "user", "aws_iam_group_policy": "group",
}

// attachments are the types that attach policies, with the attributes that name the roles.
var attachments = map[string][]string{
	"aws_iam_role_policy_attachment": {"role"}, "aws_iam_user_policy_attachment": {"user"},
	"aws_iam_group_policy_attachment": {"group"}, "aws_iam_policy_attachment": {"roles", "users", "groups"},
	"aws_iam_role_policy_attachments_exclusive":  {"role_name"},
	"aws_iam_user_policy_attachments_exclusive":  {"user_name"},
	"aws_iam_group_policy_attachments_exclusive": {"group_name"},
}

// role returns the properties of a role, user or group.
func (m *tfModule) role(b *tfBlock, i instance) map[string]any {
	s := m.scope(i, newWorld())
	out := map[string]any{"RoleName": s.physicalName(b)}
	if x := b.attrs["path"]; x != nil {
		if text, ok := s.eval(x).(string); ok {
			out["Path"] = text
		}
	}
	if boundary := m.texts(b, "permissions_boundary", i); len(boundary) > 0 {
		out["PermissionsBoundary"] = m.id(boundary[0])
	}
	if b.resourceType() == "aws_iam_role" {
		statements, ok := m.policyStatements(b, "assume_role_policy", i)
		if ok {
			out["AssumeRolePolicyDocument"] = document(statements)
		} else {
			m.problem(b.file, b.attrLine("assume_role_policy"), "the trust policy of %s cannot be read", b.address())
		}
	}
	var inline []any
	for _, child := range b.blocks {
		if child.kind != "inline_policy" && (child.kind != "dynamic" || !slices.Contains(child.labels, "inline_policy")) {
			continue
		}
		statements := m.unit(b.file, child.line, func(w *world) []any {
			var list []any
			s := m.scope(i, w)
			for _, e := range s.expandBlock(child, "inline_policy") {
				if x := e.block.attrs["policy"]; x != nil {
					list = append(list, m.documentStatements(b.file, x, e.scope.eval(x))...)
				}
			}
			return list
		})
		inline = append(inline, map[string]any{"PolicyDocument": document(statements)})
	}
	if len(inline) > 0 {
		out["Policies"] = inline
	}
	var managed []any
	for _, arn := range m.texts(b, "managed_policy_arns", i) {
		managed = append(managed, m.id(arn))
	}
	out["ManagedPolicyArns"] = managed
	return out
}

// topicOrRule adds a topic, its policy, an event rule with the targets that name it.
func (m *tfModule) topicOrRule(b *tfBlock, i instance, id string) {
	switch b.resourceType() {
	case "aws_sns_topic":
		m.add(id, "AWS::SNS::Topic", map[string]any{"TopicName": m.scope(i, newWorld()).physicalName(b)})
		if statements, ok := m.policyStatements(b, "policy", i); ok {
			m.add(id+"Policy", "AWS::SNS::TopicPolicy",
				map[string]any{"Topics": []any{id}, "PolicyDocument": document(statements)})
		}
	case "aws_sns_topic_policy":
		statements, ok := m.policyStatements(b, "policy", i)
		for _, arn := range m.texts(b, "arn", i) {
			if ok {
				m.add(m.uniqueID(b.address()), "AWS::SNS::TopicPolicy",
					map[string]any{"Topics": []any{m.id(arn)}, "PolicyDocument": document(statements)})
			}
		}
	case "aws_cloudwatch_event_rule":
		m.rule(b, i, id)
	}
}

func (m *tfModule) rule(b *tfBlock, i instance, id string) {
	s := m.scope(i, newWorld())
	name := s.physicalName(b)
	out := map[string]any{"Name": name}
	for _, text := range m.texts(b, "event_pattern", i) {
		values, err := cfntemplate.ReadValues([]byte(text))
		if err != nil || len(values) != 1 {
			m.problem(b.file, b.attrLine("event_pattern"), "the event pattern of %s is not JSON", b.address())
			continue
		}
		out["EventPattern"] = values[0].Plain()
	}
	if slices.Contains(m.texts(b, "state", i), "DISABLED") {
		out["State"] = "DISABLED"
	}
	var targets []any
	for _, target := range m.order {
		if target.kind != "resource" || target.resourceType() != "aws_cloudwatch_event_target" {
			continue
		}
		for _, j := range m.instances(target, 0) {
			if !slices.Contains(m.texts(target, "rule", j), name) {
				continue
			}
			for _, arn := range m.texts(target, "arn", j) {
				targets = append(targets, map[string]any{"Arn": m.id(arn)})
			}
		}
	}
	out["Targets"] = targets
	m.add(id, "AWS::Events::Rule", out)
}

// unusedDocuments adds the policy documents that no resource uses, and no other document of those: modules return them
// to the customer.
func (m *tfModule) unusedDocuments() {
	byResources, byDocuments := references{tfModule: m}, references{tfModule: m}
	for _, b := range m.order {
		if b.kind == "resource" {
			byResources.visitBlock(b)
		}
	}
	var unused []*tfBlock
	for _, b := range m.order {
		if b.kind == "data" && b.resourceType() == "aws_iam_policy_document" && !byResources.seen[b.address()] {
			unused = append(unused, b)
			byDocuments.visitAttributes(b)
		}
	}
	for _, all := range []bool{false, true} { // then those that include each other, which is an error
		for _, b := range unused {
			if !all && byDocuments.seen[b.address()] {
				continue
			}
			for _, i := range m.instances(b, 0) {
				_, known := m.documents[documentKey(b, i)]
				doc, ok := m.policyDocument(b, i).(*tfDocument)
				if known || !ok || len(doc.statements) == 0 {
					continue
				}
				m.looseDocument(b, doc.statements)
			}
		}
	}
}

// references collects the addresses that blocks refer to, also through local values and documents.
type references struct {
	*tfModule
	seen map[string]bool
}

func (r *references) visit(x hclsyntax.Expression) {
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	for _, t := range x.Variables() {
		name, _ := attrName(t, 1)
		second, _ := attrName(t, 2)
		address := t.RootName() + "." + name
		if t.RootName() == "data" {
			address += "." + second
		}
		if r.seen[address] {
			continue
		}
		r.seen[address] = true
		if local := r.locals[name]; local != nil && t.RootName() == "local" {
			r.visit(local)
		}
		if b := r.blocks[address]; b != nil && b.kind == "data" {
			r.visitBlock(b)
		}
	}
}

// visitAttributes visits what a document includes.
func (r *references) visitAttributes(b *tfBlock) {
	for _, attr := range sortedKeys(b.attrs) {
		r.visit(b.attrs[attr])
	}
}

func (r *references) visitBlock(b *tfBlock) {
	r.visitAttributes(b)
	for _, child := range b.blocks {
		r.visitBlock(child)
	}
}

// looseDocument adds a document that belongs to no role.
func (m *tfModule) looseDocument(b *tfBlock, statements []any) {
	name := b.labels[1]
	switch {
	case isTrust(statements):
		m.add(m.uniqueID(name), "AWS::IAM::Role", map[string]any{
			"RoleName": name, "AssumeRolePolicyDocument": document(statements),
		})
	case hasPrincipal(statements):
		m.notCompared["resource policies"] = true
		m.note(b.file, b.line, "the policy names principals: policies of resources are not compared")
	default:
		m.add(m.uniqueID(name), "AWS::IAM::ManagedPolicy", map[string]any{
			"ManagedPolicyName": name, "PolicyDocument": document(statements),
		})
	}
}
