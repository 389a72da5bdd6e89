package terraformfile_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/terraformfile"
)

const examples = "../../../examples/terraform"

var fileSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "terraform"}, {Type: "provider", LabelNames: []string{"name"}},
	{Type: "variable", LabelNames: []string{"name"}}, {Type: "output", LabelNames: []string{"name"}},
	{Type: "module", LabelNames: []string{"name"}}, {Type: "resource", LabelNames: []string{"type", "name"}},
}}

// blocks parses every .tf file of an example.
func blocks(t *testing.T, example string) hcl.Blocks {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(examples, example, "*.tf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got files %v, %v", files, err)
	}
	var out hcl.Blocks
	for _, f := range files {
		file, diagnostics := hclparse.NewParser().ParseHCLFile(f)
		fail(t, diagnostics)
		content, diagnostics := file.Body.Content(fileSchema)
		fail(t, diagnostics)
		out = append(out, content.Blocks...)
	}
	return out
}

// attributes returns the arguments of a block, also if it has blocks.
func attributes(t *testing.T, b *hcl.Block) hclsyntax.Attributes {
	t.Helper()
	body, ok := b.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatalf("block %s has a body of type %T", b.Type, b.Body)
	}
	return body.Attributes
}

// TestModule checks the module: the arguments of its resource are the provider's, every variable is
// used, and every used variable is declared.
func TestModule(t *testing.T) {
	p := readProvider(t)
	declared, used := map[string]bool{}, map[string]bool{}
	for _, b := range blocks(t, "module") {
		switch b.Type {
		case "variable":
			declared[b.Labels[0]] = true
		case "resource":
			for name, a := range attributes(t, b) {
				if _, ok := p.Resources[b.Labels[0]].Arguments[name]; !ok {
					t.Errorf("%s: the provider has no argument %s", b.Labels[0], name)
				}
				for _, v := range a.Expr.Variables() {
					if v.RootName() == "var" {
						used[v[1].(hcl.TraverseAttr).Name] = true
					}
				}
			}
		}
	}
	if !maps.Equal(declared, used) || len(used) == 0 {
		t.Errorf("declared variables %v, used %v", declared, used)
	}
}

// TestStackExample checks the call of the module: its arguments are variables, those without a default
// are set, and the launch template accepts the parameters.
func TestStackExample(t *testing.T) {
	required, known := []string{}, []string{}
	for _, b := range blocks(t, "module") {
		if b.Type == "variable" {
			known = append(known, b.Labels[0])
			if attributes(t, b)["default"] == nil {
				required = append(required, b.Labels[0])
			}
		}
	}
	i := slices.IndexFunc(blocks(t, "stack"), func(b *hcl.Block) bool { return b.Type == "module" })
	call := attributes(t, blocks(t, "stack")[i])
	for name := range call {
		if name != "source" && !slices.Contains(known, name) {
			t.Errorf("the module has no variable %s", name)
		}
	}
	for _, name := range required {
		if call[name] == nil {
			t.Errorf("the call lacks %s", name)
		}
	}
	values := map[string]string{"ExternalId": "e2e-0f8c9b7a41d2"}
	parameters, diagnostics := call["parameters"].Expr.Value(nil)
	fail(t, diagnostics)
	for name, v := range parameters.AsValueMap() {
		values[name] = v.AsString()
	}
	text, err := os.ReadFile("../../../templates/clumio.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template, err := cfntemplate.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := template.ResolveParameters(cfntemplate.Environment{Parameters: values, Pseudo: cfntemplate.Pseudo{
		AccountID: "123456789012", Region: "us-east-1", StackName: "permstack-clumio",
		StackID: "arn:aws:cloudformation:us-east-1:123456789012:stack/s/11111111-2222-3333-4444-555555555555",
	}}); err != nil {
		t.Errorf("the template refuses the parameters: %v", err)
	}
	for _, b := range blocks(t, "stack") {
		if b.Type != "output" {
			continue
		}
		v := attributes(t, b)["value"].Expr.Variables()[0]
		index, ok := v[len(v)-1].(hcl.TraverseIndex)
		if !ok || index.Key.Type() != cty.String || !slices.ContainsFunc(template.Outputs, func(o *cfntemplate.Output) bool {
			return o.Name == index.Key.AsString()
		}) {
			t.Errorf("output %s: the template has no such output", b.Labels[0])
		}
	}
}

// TestPoliciesExample checks that the generated file is up to date.
func TestPoliciesExample(t *testing.T) {
	sel, err := choice.Parse("clumio:ec2,s3:backup")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policies.Synthesize(sel, policies.Environment{
		ConnectionID: "c-1", ControlPlaneRoleARN: "arn:aws:iam::111122223333:role/Control",
		ExternalID: "example-external-id", DataPlaneAccountID: "444455556666",
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err := terraformfile.Write(set)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(examples, "policies", terraformfile.FileName)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not up to date: run the command in main.tf beside it", path)
	}
	blocks(t, "policies")
}
