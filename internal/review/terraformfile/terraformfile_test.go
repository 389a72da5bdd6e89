package terraformfile_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/terraformfile"
)

// providerFile has the arguments of the resource types that are written, with the version
// of the provider and the date.
const providerFile = "testdata/provider-aws-6.25.0.json"

type argument struct {
	Type     string
	Required bool
}

type provider struct {
	Resources, Data map[string]struct {
		Arguments  map[string]argument
		Attributes []string
	}
}

func readProvider(t *testing.T) provider {
	t.Helper()
	data, err := os.ReadFile(providerFile)
	if err != nil {
		t.Fatal(err)
	}
	var p provider
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// synthesize returns the set of a choice; with place, for an account and a Region.
func synthesize(t *testing.T, chosen string, place bool) policies.Set {
	t.Helper()
	sel, err := choice.Parse(chosen)
	if err != nil {
		t.Fatal(err)
	}
	env := policies.Environment{Tags: []policies.Tag{{Key: "team", Value: "storage"}}}
	if place {
		env.Account, env.Region, env.StackNames = "123456789012", "eu-central-1", []string{"backup"}
	}
	set, err := policies.Synthesize(sel, choice.Example(sel, env))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

var choices = []string{"clumio", "clumio:ec2:backup", "cpm", "aws-backup"}

// TestProviderSchema parses the configuration as Terraform does and checks every argument and
// every reference against the provider's schema and the configuration.
func TestProviderSchema(t *testing.T) {
	p := readProvider(t)
	for _, chosen := range choices {
		for name, place := range map[string]bool{"any account": false, "one account": true} {
			t.Run(chosen+"/"+name, func(t *testing.T) {
				checkSchema(t, p, parse(t, synthesize(t, chosen, place)))
			})
		}
	}
}

// config is a parsed configuration.
type config struct {
	resources map[string]map[string]map[string]hcl.Expression // type, name, argument
	locals    map[string]hcl.Expression
	outputs   map[string]hcl.Expression
	variables []string
	data      []string
}

func parse(t *testing.T, set policies.Set) config {
	t.Helper()
	text, err := terraformfile.Write(set)
	if err != nil {
		t.Fatal(err)
	}
	file, diagnostics := hcljson.Parse(text, terraformfile.FileName)
	fail(t, diagnostics)
	content, diagnostics := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "terraform"}, {Type: "locals"}, {Type: "variable", LabelNames: []string{"name"}},
		{Type: "data", LabelNames: []string{"type", "name"}}, {Type: "output", LabelNames: []string{"name"}},
		{Type: "resource", LabelNames: []string{"type", "name"}},
	}})
	fail(t, diagnostics)
	c := config{
		resources: map[string]map[string]map[string]hcl.Expression{}, locals: map[string]hcl.Expression{},
		outputs: map[string]hcl.Expression{},
	}
	for _, b := range content.Blocks {
		attributes := map[string]hcl.Expression{}
		if b.Type != "terraform" {
			list, diagnostics := b.Body.JustAttributes()
			fail(t, diagnostics)
			for name, a := range list {
				attributes[name] = a.Expr
			}
		}
		switch b.Type {
		case "locals":
			c.locals = attributes
		case "variable":
			c.variables = append(c.variables, b.Labels[0])
		case "data":
			c.data = append(c.data, b.Labels[0])
		case "output":
			c.outputs[b.Labels[0]] = attributes["value"]
		case "resource":
			if c.resources[b.Labels[0]] == nil {
				c.resources[b.Labels[0]] = map[string]map[string]hcl.Expression{}
			}
			c.resources[b.Labels[0]][b.Labels[1]] = attributes
		}
	}
	return c
}

func fail(t *testing.T, diagnostics hcl.Diagnostics) {
	t.Helper()
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
}

func checkSchema(t *testing.T, p provider, c config) {
	t.Helper()
	expressions := map[string]hcl.Expression{}
	for kind, byName := range c.resources {
		schema, known := p.Resources[kind]
		if !known {
			t.Errorf("the provider's schema has no %s", kind)
		}
		for name, attributes := range byName {
			for argument, expression := range attributes {
				expressions[kind+"."+name+"."+argument] = expression
				if _, ok := schema.Arguments[argument]; !ok {
					t.Errorf("%s.%s: the provider has no argument %s", kind, name, argument)
				}
			}
			for argument, a := range schema.Arguments {
				if a.Required && attributes[argument] == nil {
					t.Errorf("%s.%s lacks %s", kind, name, argument)
				}
			}
		}
	}
	for name, e := range c.locals {
		expressions["local."+name] = e
	}
	for name, e := range c.outputs {
		expressions["output."+name] = e
	}
	for where, e := range expressions {
		for _, v := range e.Variables() {
			if problem := c.checkReference(p, v); problem != "" {
				t.Errorf("%s: %s", where, problem)
			}
		}
	}
	if len(expressions) == 0 {
		t.Error("the configuration has no expression")
	}
}

// checkReference returns what is wrong with a reference, or "".
func (c config) checkReference(p provider, v hcl.Traversal) string {
	parts := []string{v.RootName()}
	for _, step := range v[1:] {
		if a, ok := step.(hcl.TraverseAttr); ok {
			parts = append(parts, a.Name)
		}
	}
	path := strings.Join(parts, ".")
	switch {
	case parts[0] == "local" && len(parts) == 2:
		if c.locals[parts[1]] == nil {
			return "no local value " + path
		}
	case parts[0] == "var" && len(parts) == 2:
		if !slices.Contains(c.variables, parts[1]) {
			return "no variable " + path
		}
	case parts[0] == "data" && len(parts) == 4:
		if !slices.Contains(c.data, parts[1]) || !slices.Contains(p.Data[parts[1]].Attributes, parts[3]) {
			return "no data source " + path
		}
	case len(parts) == 3:
		if c.resources[parts[0]][parts[1]] == nil || !slices.Contains(p.Resources[parts[0]].Attributes, parts[2]) {
			return "no resource " + path
		}
	default:
		return "unknown reference " + path
	}
	return ""
}

// TestPoliciesEqual evaluates every policy as Terraform does, and compares it with the set:
// variables of IAM, the external ID and tags are exact.
func TestPoliciesEqual(t *testing.T) {
	for _, chosen := range choices {
		t.Run(chosen, func(t *testing.T) {
			set := synthesize(t, chosen, true)
			c := parse(t, set)
			context := &hcl.EvalContext{
				Variables: map[string]cty.Value{},
				Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc},
			}
			for _, r := range set.Roles {
				context.Variables["var"] = cty.ObjectVal(map[string]cty.Value{"external_id": cty.StringVal(externalID(r.Trust))})
				role := c.resources["aws_iam_role"][r.Entity]
				requireText(t, context, role["name"], r.Name)
				requirePolicy(t, c, context, role["assume_role_policy"], r.Trust)
				if len(r.Tags) > 0 {
					tags, diagnostics := role["tags"].Value(context)
					fail(t, diagnostics)
					if got := tags.AsValueMap()["team"].AsString(); got != "storage" {
						t.Errorf("tag: got %q", got)
					}
				}
			}
			for _, r := range set.WithoutUnnamedStack().Roles {
				for _, p := range r.Inline {
					resource := c.resources["aws_iam_role_policy"][r.Entity+"_"+strings.ReplaceAll(p.Name, "-", "_")]
					if resource == nil {
						t.Fatalf("no aws_iam_role_policy for %s", p.Name)
					}
					requirePolicy(t, c, context, resource["policy"], p.Document)
				}
			}
			compared := 0
			managed := map[string]map[string]hcl.Expression{}
			for _, resource := range c.resources["aws_iam_policy"] {
				name, diagnostics := resource["name"].Value(context)
				fail(t, diagnostics)
				managed[name.AsString()] = resource
			}
			for _, r := range set.Roles {
				for _, p := range r.Managed {
					requirePolicy(t, c, context, managed[p.Name]["policy"], p.Document)
					compared++
				}
			}
			if len(managed) > compared {
				t.Errorf("compared %d managed policies, want all %d", compared, len(managed))
			}
		})
	}
}

func externalID(trust iampolicy.Document) string {
	for _, s := range trust.Statement {
		for _, keys := range s.Condition {
			if id := keys["sts:ExternalId"]; len(id) > 0 {
				return id[0]
			}
		}
	}
	return ""
}

func requireText(t *testing.T, context *hcl.EvalContext, e hcl.Expression, want string) {
	t.Helper()
	got, diagnostics := e.Value(context)
	fail(t, diagnostics)
	if got.AsString() != want {
		t.Errorf("got %q, want %q", got.AsString(), want)
	}
}

// requirePolicy requires that an argument is the encoded form of a document.
func requirePolicy(t *testing.T, c config, context *hcl.EvalContext, e hcl.Expression, want iampolicy.Document) {
	t.Helper()
	locals := map[string]cty.Value{}
	for _, v := range e.Variables() {
		name := v[1].(hcl.TraverseAttr).Name
		value, diagnostics := c.locals[name].Value(context)
		fail(t, diagnostics)
		locals[name] = value
	}
	context.Variables["local"] = cty.ObjectVal(locals)
	value, diagnostics := e.Value(context)
	fail(t, diagnostics)
	var got, expected any
	if err := json.Unmarshal([]byte(value.AsString()), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(marshal(t, want), &expected); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("policy (-set +Terraform):\n%s", diff)
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestText checks what Terraform evaluates in strings: nothing but the pseudo parameters.
func TestText(t *testing.T) {
	doc := iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
		Sid: "S", Effect: "Allow", Action: iampolicy.Values{"s3:GetObject"},
		Resource: iampolicy.Values{
			"arn:aws:s3:::${aws:PrincipalAccount}-${*}-$x-%{y}-100%/*", "arn:aws:s3:::b-123456789012/*",
		},
		Condition: iampolicy.Conditions{"StringEquals": {"aws:ResourceTag/${aws:username}": {"<&>"}}},
	}}}
	set := policies.Set{Profile: "vendor", CatalogVersion: "1", Roles: []policies.Role{{
		Entity: "Role", Name: "Role", Path: "/", Trust: doc,
	}}}
	c := parse(t, set)
	context := &hcl.EvalContext{
		Variables: map[string]cty.Value{},
		Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc},
	}
	requirePolicy(t, c, context, c.resources["aws_iam_role"]["Role"]["assume_role_policy"], doc)
}

// TestWithoutStack checks that nothing is granted on the stack of a template, which Terraform does not have.
func TestWithoutStack(t *testing.T) {
	text, err := terraformfile.Write(synthesize(t, "clumio", false))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "cloudformation:DescribeStackResources") || strings.Contains(string(text), "AWS::") {
		t.Error("the configuration names a stack or has a pseudo parameter")
	}
}

// TestErrors checks sets that cannot be written.
func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		set  policies.Set
		want string
	}{
		"two roles with a name": {policies.Set{Roles: []policies.Role{
			{Entity: "Role", Name: "one"}, {Entity: "Role", Name: "two"},
		}}, "aws_iam_role.Role is needed for"},
		"no topic": {policies.Set{Rules: []policies.Rule{
			{Entity: "Rule", Name: "r", Targets: []policies.Target{{ID: "t", TopicEntity: "Topic"}}},
		}}, "which the set does not have"},
		"a stack": {policies.Set{Roles: []policies.Role{{Entity: "Role", Name: "x-${AWS::StackName}"}}}, "only a stack has"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := terraformfile.Write(c.set); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one that contains %q", err, c.want)
			}
		})
	}
}
