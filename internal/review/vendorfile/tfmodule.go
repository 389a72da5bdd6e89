package vendorfile

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// tfModule is the Terraform configuration in one folder.
type tfModule struct {
	*reader
	dir        string
	parser     *tfParser
	given      map[string][]byte // all files that were read, by name
	usedFiles  map[string]bool   // those that file and templatefile name
	variables  map[string]*tfBlock
	locals     map[string]hclsyntax.Expression
	openLocals map[string]bool
	blocks     map[string]*tfBlock // resources and data sources by address
	order      []*tfBlock
	conditions map[string]bool // of which both branches were taken
	documents  map[string]*tfDocument
	expanded   map[*tfBlock][]instance
	evaluating map[any]bool
	ids        map[string]string // IDs of roles, policies and topics by their names and ARNs
	allIDs     map[string]string // those of all modules
	outputs    map[string]hclsyntax.Expression
	calls      map[string]*tfModule // modules that this one calls, by the name of the call
	callers    []tfCall
}

// tfCall is the call of a module in the folder of the files.
type tfCall struct {
	caller *tfModule
	block  *tfBlock
}

// terraform reads the Terraform configuration among the files, and returns the other files that it includes.
func (r *reader) terraform(files []File) (used map[string]bool) {
	given, used := map[string][]byte{}, map[string]bool{}
	byDir := map[string][]File{}
	for _, f := range files {
		given[path.Clean(f.Name)] = f.Data
		if isTerraform(f.Name) {
			byDir[path.Dir(f.Name)] = append(byDir[path.Dir(f.Name)], f)
		}
	}
	modules := map[string]*tfModule{}
	names := map[string]string{}
	for _, dir := range sortedKeys(byDir) {
		if isExample(dir, byDir) {
			r.note(dir, 0, "the examples of the module are not read")
			continue
		}
		modules[dir] = &tfModule{
			reader: r, dir: dir, parser: &tfParser{reader: r, sources: map[string][]byte{}}, given: given, usedFiles: used,
			variables: map[string]*tfBlock{}, locals: map[string]hclsyntax.Expression{}, openLocals: map[string]bool{},
			blocks: map[string]*tfBlock{}, conditions: map[string]bool{}, documents: map[string]*tfDocument{},
			expanded: map[*tfBlock][]instance{}, evaluating: map[any]bool{}, ids: map[string]string{}, allIDs: names,
			outputs: map[string]hclsyntax.Expression{}, calls: map[string]*tfModule{},
		}
	}
	for _, dir := range sortedKeys(modules) {
		for _, f := range byDir[dir] {
			for _, b := range modules[dir].parser.parse(f) {
				modules[dir].declare(b, modules)
			}
		}
	}
	for _, dir := range sortedKeys(modules) {
		modules[dir].bindCalls()
	}
	for _, dir := range sortedKeys(modules) {
		modules[dir].nameResources()
	}
	for _, dir := range sortedKeys(modules) {
		modules[dir].read()
	}
	return used
}

// isExample reports whether a folder holds the examples or tests of a module ("Standard Module Structure" of
// Terraform's documentation).
func isExample(dir string, modules map[string][]File) bool {
	for ; dir != path.Dir(dir); dir = path.Dir(dir) {
		if _, inModule := modules[path.Dir(dir)]; inModule && slices.Contains(exampleFolders, path.Base(dir)) {
			return true
		}
	}
	return false
}

var exampleFolders = []string{"examples", "example", "tests", "test"}

// declare records a block.
func (m *tfModule) declare(b *tfBlock, modules map[string]*tfModule) {
	switch b.kind {
	case "locals":
		for name, x := range b.attrs {
			m.locals[name] = x
		}
	case "variable":
		if len(b.labels) == 1 {
			m.variables[b.labels[0]] = b
		}
	case "resource", "data":
		if len(b.labels) == 2 {
			m.blocks[b.address()] = b
			m.order = append(m.order, b)
		}
	case "module":
		m.call(b, modules)
	case "output":
		if x := b.attrs["value"]; x != nil && len(b.labels) == 1 {
			m.outputs[b.labels[0]] = x
		}
	case "terraform", "provider", "moved", "removed", "import", "check", "ephemeral":
	default:
		m.problem(b.file, b.line, "the block %s is not read: it may add permissions", b.kind)
	}
}

// call records the call of a module in the folder, and reports that of another one.
func (m *tfModule) call(b *tfBlock, modules map[string]*tfModule) {
	name := strings.Join(b.labels, "")
	source := ""
	if x := b.attrs["source"]; x != nil {
		source, _ = m.top().eval(x).(string)
	}
	if strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../") {
		if called := modules[path.Join(m.dir, source)]; called != nil && called != m {
			called.callers = append(called.callers, tfCall{m, b})
			m.calls[name] = called
			return
		}
	}
	m.problem(b.file, b.line, "the module %s is not read: %s is not fetched, and it may add permissions", name,
		placeholderSource(source))
}

// bindCalls keeps the only call of a module, whose arguments its variables have. Of one that is called several times,
// or for each of something, the variables are placeholders.
func (m *tfModule) bindCalls() {
	once := len(m.callers) == 1 && m.callers[0].block.attrs["for_each"] == nil
	if !once {
		for _, call := range m.callers {
			m.note(call.block.file, call.block.line, "the module %s is read with placeholders for its variables",
				strings.Join(call.block.labels, ""))
		}
		m.callers = nil
	}
}

// argument returns the argument of the only call for a variable, nil if there is none.
func (m *tfModule) argument(name string) hclsyntax.Expression {
	if len(m.callers) == 0 {
		return nil
	}
	return m.callers[0].block.attrs[name]
}

func placeholderSource(source string) string {
	if source == "" {
		return "its source"
	}
	return source
}

// top returns the scope of a value that belongs to no statement or resource: of open conditions, the first branch.
func (m *tfModule) top() tfScope { return tfScope{tfModule: m, world: newWorld()} }

// maxInstances is the number of instances of a block that are read.
const maxInstances = 1_000

// instance is one of the instances of a block with count or for_each.
type instance struct {
	key  any
	vars map[string]any
	open map[string]bool
}

func (m *tfModule) scope(i instance, w *world) tfScope {
	return tfScope{tfModule: m, vars: i.vars, open: i.open, world: w}
}

// instances returns the instances of a resource or data source: those of every combination of the open conditions.
func (m *tfModule) instances(b *tfBlock, depth int) []instance {
	if list, ok := m.expanded[b]; ok {
		return list
	}
	if m.evaluating[b] || depth > maxDepth {
		return nil // it refers to itself
	}
	m.evaluating[b] = true
	defer delete(m.evaluating, b)
	var out []instance
	seen := map[any]bool{}
	tooMany := false
	add := func(i instance) {
		switch {
		case seen[i.key]:
		case len(out) == maxInstances:
			tooMany = true
		default:
			seen[i.key] = true
			out = append(out, i)
		}
	}
	attr := "count"
	x := b.attrs[attr]
	if x == nil {
		attr = "for_each"
		x = b.attrs[attr]
	}
	if x == nil {
		out = []instance{{}}
		m.expanded[b] = out
		return out
	}
	ok := inWorlds(func(w *world) {
		s := tfScope{tfModule: m, world: w, depth: depth}
		value := s.eval(x)
		if attr == "count" {
			n, isNumber := value.(float64)
			if !isNumber { // a variable
				n = 1
			}
			for i := range int(min(max(n, 0), maxInstances+1)) {
				key := float64(i)
				add(instance{key, map[string]any{"count": map[string]any{"index": key}}, map[string]bool{"count": false}})
			}
			return
		}
		list, isCollection := s.elements(value)
		if !isCollection {
			m.problem(b.file, b.attrLine(attr), "for_each of %s cannot be evaluated", b.address())
			return
		}
		if _, isNull := value.(openNull); len(list) == 0 && (isNull || s.isOpen(x)) {
			m.emptyNote(b, x)
		}
		for _, e := range list {
			key := e.key
			if _, isList := value.([]any); isList { // a set
				key, _ = tfText(plain(e.value))
			}
			add(instance{key, map[string]any{"each": map[string]any{"key": key, "value": e.value}},
				map[string]bool{"each": s.isOpen(x)}})
		}
	})
	if attr == "count" && len(out) == 0 && m.top().isOpen(x) {
		m.emptyNote(b, x)
	}
	if tooMany {
		m.problem(b.file, b.attrLine(attr), "%s of %s has more than %d instances, of which the others are not read", attr,
			b.address(), maxInstances)
	}
	if !ok {
		m.problem(b.file, b.attrLine(attr), "%s of %s depends on too many conditions", attr, b.address())
	}
	m.expanded[b] = out
	return out
}

// emptyNote notes that a variable adds nothing unless the customer sets it.
func (m *tfModule) emptyNote(b *tfBlock, x hclsyntax.Expression) {
	m.note(b.file, x.Range().Start.Line, "%s is nothing by default: what it adds is not included", m.parser.text(x))
}

// attrName returns the name of the i-th step of a traversal.
func attrName(t hcl.Traversal, i int) (string, bool) {
	if i >= len(t) {
		return "", false
	}
	switch step := t[i].(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

// read adds the access that the module grants.
func (m *tfModule) read() {
	roles := map[string]*tfRole{}
	for _, b := range m.order {
		if b.kind == "resource" {
			m.resource(b, roles)
		}
	}
	for _, id := range sortedKeys(roles) {
		m.attach(id, roles[id])
	}
	m.unusedDocuments()
	if len(m.conditions) > 0 {
		m.note(m.dir, 0, "what depends on the conditions %s is included in both of their branches",
			strings.Join(sortedKeys(m.conditions), ", "))
	}
}

// tfRole collects what is attached to a role.
type tfRole struct {
	id       string
	declared map[string]any // properties, nil if the role is not in the module
	attached []any
}

// attach adds a role with its attached policies.
func (m *tfModule) attach(id string, role *tfRole) {
	properties := role.declared
	if properties == nil {
		properties = map[string]any{"RoleName": id}
	}
	list, _ := properties["ManagedPolicyArns"].([]any)
	properties["ManagedPolicyArns"] = slices.Concat(list, role.attached)
	m.add(id, "AWS::IAM::Role", properties)
}

// mayGrantTypes are the beginnings of resource types that may contain roles and policies and are not read.
var mayGrantTypes = []string{
	"aws_iam_", "aws_cloudformation_stack", "aws_ssoadmin_", "awscc_iam_", "aws_rolesanywhere_profile",
	"aws_serverlessapplicationrepository_", "aws_controltower_",
}

// noGrantTypes begin like those and grant nothing.
var noGrantTypes = []string{
	"aws_iam_instance_profile", "aws_iam_service_linked_role", "aws_iam_openid_connect_provider",
	"aws_iam_saml_provider", "aws_iam_account_alias", "aws_iam_account_password_policy", "aws_iam_access_key",
	"aws_iam_user_login_profile", "aws_iam_user_group_membership", "aws_iam_group_membership",
	"aws_iam_role_policies_exclusive", "aws_iam_user_policies_exclusive", "aws_iam_group_policies_exclusive",
	"aws_iam_virtual_mfa_device", "aws_iam_server_certificate", "aws_iam_signing_certificate",
	"aws_iam_security_token_service_preferences", "aws_iam_user_ssh_key", "aws_iam_organizations_features",
}

// cfnTypes are the CloudFormation types that resource types are compared as.
var cfnTypes = map[string]string{
	"aws_iam_role": "AWS::IAM::Role", "aws_iam_user": "AWS::IAM::Role", "aws_iam_group": "AWS::IAM::Role",
	"aws_iam_policy": "AWS::IAM::ManagedPolicy", "aws_sns_topic": "AWS::SNS::Topic",
	"aws_cloudwatch_event_rule": "AWS::Events::Rule",
}
