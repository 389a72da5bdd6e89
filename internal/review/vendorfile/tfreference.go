package vendorfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// tfRef is a resource or data source, or one of its instances.
type tfRef struct {
	block  *tfBlock
	key    any
	hasKey bool
}

// ownVariables are variables that modules have for the customer's account, Region and partition.
var ownVariables = map[string]string{
	"aws_account_id": "${AWS::AccountId}", "aws_region": "${AWS::Region}", "region": "${AWS::Region}",
	"aws_partition": "${AWS::Partition}", "partition": "${AWS::Partition}",
}

// traversal returns the value of a reference.
func (s tfScope) traversal(x *hclsyntax.ScopeTraversalExpr) any {
	t := x.Traversal
	root := t.RootName()
	if value, ok := s.vars[root]; ok {
		return s.walk(x, value, t[1:])
	}
	name, _ := attrName(t, 1)
	switch root {
	case "var":
		return s.variable(x, name, t)
	case "local":
		return s.walk(x, s.local(x, name), t[min(2, len(t)):])
	case "path":
		return s.dir
	case "module":
		return s.output(x, name, t)
	case "terraform", "self":
		return placeholder(s.parser.text(x))
	}
	address, rest := root+"."+name, 2
	if root == "data" {
		second, _ := attrName(t, 2)
		address, rest = "data."+name+"."+second, 3
	}
	b := s.blocks[address]
	if b == nil || len(t) < rest {
		return placeholder(s.parser.text(x))
	}
	return s.walk(x, &tfRef{block: b}, t[rest:])
}

// variable returns the default of a variable, or a placeholder.
func (s tfScope) variable(x hclsyntax.Expression, name string, t hcl.Traversal) any {
	rest := t[min(2, len(t)):]
	if arg := s.argument(name); arg != nil {
		key := "var." + name
		if s.evaluating[key] || s.depth > maxDepth {
			return lineUnknown(x, key+" refers to itself")
		}
		s.evaluating[key] = true
		defer delete(s.evaluating, key)
		caller := tfScope{
			tfModule: s.callers[0].caller, world: s.world, single: s.single, inPrincipal: s.inPrincipal, depth: s.depth + 1,
		}
		if s.callers[0].block.attrs["count"] != nil {
			caller = caller.with("count", map[string]any{"index": float64(0)}, false)
		}
		return s.walk(x, caller.eval(arg), rest)
	}
	var value any = openNull{name}
	hasDefault := false
	if b := s.variables[name]; b != nil && b.attrs["default"] != nil {
		if value = s.top().eval(b.attrs["default"]); value == nil || value == "" {
			value = openNull{name}
		} else {
			hasDefault = true
			value = withType(b.attrs["type"], value)
		}
	} else {
		value = placeholder(name)
	}
	if own := ownVariables[name]; own != "" && !hasDefault && !s.inPrincipal && len(rest) == 0 {
		return own
	}
	if value = s.walk(x, value, rest); isUnknown(value) {
		return placeholder(strings.TrimPrefix(s.parser.text(x), "var."))
	}
	if value == nil || value == "" {
		return openNull{strings.TrimPrefix(s.parser.text(x), "var.")}
	}
	return value
}

// output returns an output of a module in the folder, or a placeholder.
func (s tfScope) output(x hclsyntax.Expression, call string, t hcl.Traversal) any {
	called, at := s.calls[call], 2
	if len(t) > 2 {
		if index, isIndex := t[2].(hcl.TraverseIndex); isIndex && index.Key.Type() == cty.Number {
			at = 3 // of a call with count
		}
	}
	name, ok := attrName(t, at)
	if called == nil || !ok || called.outputs[name] == nil || len(called.callers) == 0 || s.depth > maxDepth {
		return placeholder(s.parser.text(x))
	}
	key := "output." + name
	if called.evaluating[key] {
		return lineUnknown(x, "the output "+name+" refers to itself")
	}
	called.evaluating[key] = true
	defer delete(called.evaluating, key)
	inner := tfScope{
		tfModule: called, world: s.world, single: s.single, inPrincipal: s.inPrincipal, depth: s.depth + 1,
	}
	return s.walk(x, inner.eval(called.outputs[name]), t[at+1:])
}

// withType returns the default of a variable with the defaults of its optional attributes.
func withType(x hclsyntax.Expression, value any) any {
	if x == nil {
		return value
	}
	want, defaults, diags := typeexpr.TypeConstraintWithDefaults(x)
	if diags.HasErrors() {
		return value
	}
	v := toCty(plain(value))
	if converted, err := convert.Convert(v, want.WithoutOptionalAttributesDeep()); err == nil && defaults == nil {
		return fromCty(converted)
	}
	if defaults != nil {
		v = defaults.Apply(v)
	}
	if converted, err := convert.Convert(v, want); err == nil {
		return fromCty(converted)
	}
	return value
}

func (s tfScope) local(x hclsyntax.Expression, name string) any {
	expr := s.locals[name]
	if expr == nil {
		return lineUnknown(x, "local."+name+" is not declared")
	}
	cached := s.dir + " " + name
	if value, ok := s.world.locals[cached]; ok && !s.inPrincipal {
		return value
	}
	key := "local." + name
	if s.evaluating[key] {
		return lineUnknown(x, key+" refers to itself")
	}
	s.evaluating[key] = true
	defer delete(s.evaluating, key)
	inner := s
	inner.vars, inner.open = nil, nil
	value := inner.eval(expr)
	if !s.inPrincipal {
		s.world.locals[cached] = value
	}
	return value
}

// walk returns what the steps of a traversal lead to.
func (s tfScope) walk(x hclsyntax.Expression, v any, steps hcl.Traversal) any {
	for _, step := range steps {
		switch step := step.(type) {
		case hcl.TraverseAttr:
			v = s.step(x, v, step.Name)
		case hcl.TraverseIndex:
			v = s.step(x, v, fromCty(step.Key))
		default:
			return lineUnknown(x, "the reference cannot be evaluated")
		}
	}
	return v
}

// step returns the attribute or item of a value.
func (s tfScope) step(x hclsyntax.Expression, v, key any) any {
	name, _ := tfText(key)
	switch v := v.(type) {
	case unknown:
		return v
	case openNull:
		return placeholder(v.name + "." + name)
	case string:
		if isOpen(v) {
			return placeholder(v + "." + name)
		}
	case map[string]any:
		if value, ok := v[name]; ok {
			return value
		}
	case []any:
		if i, isNumber := toInt(key); isNumber && i >= 0 && i < len(v) {
			return v[i]
		}
	case *tfRef:
		_, isNumber := key.(float64)
		counted := v.block.attrs["count"] != nil || v.block.attrs["for_each"] != nil
		if !v.hasKey && (isNumber || counted) {
			return &tfRef{block: v.block, key: key, hasKey: true}
		}
		return s.attribute(x, v, name)
	}
	return lineUnknown(x, "there is no "+name+" in "+s.parser.text(x))
}

func toInt(key any) (int, bool) {
	n, ok := key.(float64)
	if text, isText := key.(string); isText {
		number, err := cty.ParseNumberVal(text)
		if err != nil {
			return 0, false
		}
		n, _ = number.AsBigFloat().Float64()
		ok = true
	}
	return int(n), ok && n < maxFile && n > -maxFile
}

// inst returns the instance that a reference names, else the first.
func (s tfScope) inst(ref *tfRef) instance {
	list := s.instances(ref.block, s.depth)
	for _, i := range list {
		if ref.hasKey && i.key == ref.key {
			return i
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return instance{}
}

// attribute returns an attribute of a resource or data source: one that the configuration has, one that can be derived,
// or a placeholder.
func (s tfScope) attribute(x hclsyntax.Expression, ref *tfRef, name string) any {
	b := ref.block
	unresolved := placeholder(b.address() + "." + name)
	if s.depth++; s.depth > maxDepth || s.evaluating[b.address()+"."+name] {
		return unresolved
	}
	s.evaluating[b.address()+"."+name] = true
	defer delete(s.evaluating, b.address()+"."+name)
	i := s.inst(ref)
	inner := s.scope(i, s.world)
	inner.depth, inner.inPrincipal = s.depth, s.inPrincipal
	kind := b.resourceType()
	if b.kind == "data" {
		switch kind + "." + name {
		case "aws_iam_policy_document.json", "aws_iam_policy_document.minified_json":
			return s.policyDocument(b, i)
		case "aws_caller_identity.account_id", "aws_caller_identity.id":
			return "${AWS::AccountId}"
		case "aws_partition.partition", "aws_partition.id":
			return "${AWS::Partition}"
		case "aws_partition.dns_suffix":
			return "${AWS::URLSuffix}"
		case "aws_region.name", "aws_region.id", "aws_region.region":
			return "${AWS::Region}"
		}
	}
	if expr := b.attrs[name]; expr != nil {
		value := inner.eval(expr)
		if _, isNull := value.(openNull); value != nil && (!isNull || name != "name") {
			return value
		}
	}
	physical := inner.physicalName(b)
	switch {
	case b.kind == "data":
		return unresolved
	case name == "name", name == "id" && kind != "aws_iam_policy" && strings.HasPrefix(kind, "aws_iam_"):
		return physical
	case name == "bucket" || name == "id" && kind == "aws_s3_bucket":
		return physical
	case name == "arn" || name == "id" && (kind == "aws_iam_policy" || kind == "aws_sns_topic"):
		if arn := inner.arn(b, physical); arn != "" {
			return arn
		}
	}
	return unresolved
}

// physicalName returns the name of a resource in the account.
func (s tfScope) physicalName(b *tfBlock) string {
	for _, attr := range []string{"name", "bucket", "function_name", "name_prefix", "bucket_prefix"} {
		x := b.attrs[attr]
		if x == nil {
			continue
		}
		value := s.eval(x)
		if open, isNull := value.(openNull); isNull {
			value = placeholder(open.name)
		}
		if text, ok := tfText(value); ok && text != "" {
			if strings.HasSuffix(attr, "_prefix") {
				text += placeholder("generated suffix")
			}
			return text
		}
	}
	return placeholder(b.address())
}

// arn returns the ARN of a resource, empty for a type whose ARNs contain a generated ID ("Resource types defined by" of
// the service in the Service Authorization Reference).
func (s tfScope) arn(b *tfBlock, name string) string {
	const account = ":${AWS::Region}:${AWS::AccountId}:"
	at := "/"
	if x := b.attrs["path"]; x != nil {
		if text, ok := plain(s.eval(x)).(string); ok {
			at = text
		}
	}
	switch b.resourceType() {
	case "aws_iam_role":
		return "arn:${AWS::Partition}:iam::${AWS::AccountId}:role" + at + name
	case "aws_iam_policy":
		return "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy" + at + name
	case "aws_iam_user":
		return "arn:${AWS::Partition}:iam::${AWS::AccountId}:user" + at + name
	case "aws_iam_instance_profile":
		return "arn:${AWS::Partition}:iam::${AWS::AccountId}:instance-profile" + at + name
	case "aws_s3_bucket":
		return "arn:${AWS::Partition}:s3:::" + name
	case "aws_sns_topic":
		return "arn:${AWS::Partition}:sns" + account + name
	case "aws_sqs_queue":
		return "arn:${AWS::Partition}:sqs" + account + name
	case "aws_dynamodb_table":
		return "arn:${AWS::Partition}:dynamodb" + account + "table/" + name
	case "aws_cloudwatch_event_rule":
		return "arn:${AWS::Partition}:events" + account + "rule/" + name
	case "aws_lambda_function":
		return "arn:${AWS::Partition}:lambda" + account + "function:" + name
	case "aws_cloudwatch_log_group":
		return "arn:${AWS::Partition}:logs" + account + "log-group:" + name
	case "aws_kinesis_stream":
		return "arn:${AWS::Partition}:kinesis" + account + "stream/" + name
	case "aws_kinesis_firehose_delivery_stream":
		return "arn:${AWS::Partition}:firehose" + account + "deliverystream/" + name
	}
	return ""
}
