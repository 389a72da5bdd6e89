package launch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/release/launch"
)

func generate(t *testing.T) (stack, set []byte, r launch.Release) {
	t.Helper()
	r = launch.Unreleased(launch.Functions(permstack.Template)...)
	stack, err := launch.Stack(permstack.Template, r)
	if err != nil {
		t.Fatal(err)
	}
	set, err = launch.StackSet(stack, r)
	if err != nil {
		t.Fatal(err)
	}
	return stack, set, r
}

// TestTemplatesInGit compares templates/ with what template.yaml generates.
func TestTemplatesInGit(t *testing.T) {
	stack, set, _ := generate(t)
	for name, want := range map[string][]byte{"launch-stack.yaml": stack, "stackset.yaml": set} {
		t.Run(name, func(t *testing.T) {
			got, err := os.ReadFile(filepath.Join("..", "..", "..", "templates", name))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("templates/%s is not up to date: run go run ./tools/release templates", name)
			}
		})
	}
}

// values returns a template as plain values, functions in their long form.
func values(t *testing.T, template []byte) map[string]any {
	t.Helper()
	root, err := yamlfmt.Parse(template)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := root.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// restyled returns template.yaml with the same values in another style.
func restyled(t *testing.T) map[string][]byte {
	t.Helper()
	var doc yaml.Node
	style := func(indent int, edit func(*yaml.Node)) []byte {
		if err := yaml.Unmarshal(permstack.Template, &doc); err != nil {
			t.Fatal(err)
		}
		editNodes(&doc, edit)
		var b bytes.Buffer
		enc := yaml.NewEncoder(&b)
		enc.SetIndent(indent)
		if err := enc.Encode(&doc); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	asJSON, err := json.Marshal(values(t, permstack.Template))
	if err != nil {
		t.Fatal(err)
	}
	long, err := yaml.Marshal(values(t, permstack.Template))
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"four spaces, block style": style(4, func(n *yaml.Node) { n.Style &= yaml.TaggedStyle }),
		"flow style": style(2, func(n *yaml.Node) {
			if n.Kind != yaml.ScalarNode {
				n.Style |= yaml.FlowStyle
			}
			n.HeadComment, n.LineComment, n.FootComment = "", "", ""
		}),
		"single quotes": style(3, func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
				n.Style = yaml.SingleQuotedStyle
			}
		}),
		"carriage returns": bytes.ReplaceAll(permstack.Template, []byte("\n"), []byte("\r\n")),
		"other order":      long, // sorted keys, long forms
		"JSON":             asJSON,
	}
}

func editNodes(n *yaml.Node, edit func(*yaml.Node)) {
	edit(n)
	for _, child := range n.Content {
		editNodes(child, edit)
	}
}

// TestStyle generates the release from template.yaml in other styles.
func TestStyle(t *testing.T) {
	policytest.RequireSlow(t, "it writes the templates in other styles")
	stack, set, r := generate(t)
	for name, template := range restyled(t) {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(template, permstack.Template) {
				t.Fatal("the style is the same")
			}
			functions := launch.Functions(template)
			if slices.Sort(functions); !slices.Equal(functions, slices.Sorted(maps.Keys(r.Code["arm64"]))) {
				t.Errorf("functions: got %q, want %q", functions, r.Code)
			}
			otherStack, err := launch.Stack(template, r)
			if err != nil {
				t.Fatal(err)
			}
			otherSet, err := launch.StackSet(otherStack, r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(values(t, stack), values(t, otherStack)); diff != "" {
				t.Errorf("launch-stack.yaml (-template.yaml +restyled):\n%s", diff)
			}
			sort := cmpopts.SortSlices(func(a, b any) bool { return fmt.Sprint(a) < fmt.Sprint(b) }) // "other order"
			if diff := cmp.Diff(values(t, set), values(t, otherSet), sort); diff != "" {
				t.Errorf("stackset.yaml (-template.yaml +restyled):\n%s", diff)
			}
		})
	}
}

// TestLongForms requires the long form in rules and conditions, and no function
// anywhere whose short form the CDK does not know.
func TestLongForms(t *testing.T) {
	known := []string{
		"!And", "!Base64", "!Equals", "!FindInMap", "!GetAZs", "!GetAtt", "!If", "!ImportValue", "!Join", "!Not", "!Or",
		"!Ref", "!Select", "!Split", "!Sub",
	}
	stack, set, _ := generate(t)
	hub, err := os.ReadFile(filepath.Join("..", "..", "..", "templates", "org-hub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, template := range map[string][]byte{
		"template.yaml": permstack.Template, "launch-stack.yaml": stack, "stackset.yaml": set, "org-hub.yaml": hub,
	} {
		t.Run(name, func(t *testing.T) {
			var doc yaml.Node
			if err := yaml.Unmarshal(template, &doc); err != nil {
				t.Fatal(err)
			}
			root := doc.Content[0]
			for i := 0; i < len(root.Content); i += 2 {
				section := root.Content[i].Value
				editNodes(root.Content[i+1], func(n *yaml.Node) {
					if !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
						return
					}
					condition := slices.Contains([]string{"!And", "!Equals", "!Not", "!Or", "!Condition"}, n.Tag)
					if !slices.Contains(known, n.Tag) || condition && (section == "Rules" || section == "Conditions") {
						t.Errorf("%s, line %d: got the short form %s, want the long form", section, n.Line, n.Tag)
					}
				})
			}
		})
	}
}

// take removes a value from nested maps and returns it.
func take(t *testing.T, in map[string]any, path ...string) any {
	t.Helper()
	for _, p := range path[:len(path)-1] {
		next, ok := in[p].(map[string]any)
		if !ok {
			t.Fatalf("the template has no %v", path)
		}
		in = next
	}
	last := path[len(path)-1]
	v, ok := in[last]
	if !ok {
		t.Fatalf("the template has no %v", path)
	}
	delete(in, last)
	return v
}

// TestStackEqualsTemplate requires that launch-stack.yaml and template.yaml differ
// only in the source of the functions' code.
func TestStackEqualsTemplate(t *testing.T) {
	text, _, r := generate(t)
	source, stack := values(t, permstack.Template), values(t, text)
	functions := 0
	for id, v := range source["Resources"].(map[string]any) {
		resource := v.(map[string]any)
		if resource["Type"] != "AWS::Lambda::Function" {
			continue
		}
		functions++
		take(t, resource, "Metadata")
		take(t, resource, "Properties", "Code")
		take(t, resource, "Properties", "Architectures")
		text := fmt.Sprint(take(t, stack, "Resources", id, "Properties", "Architectures"))
		if !strings.Contains(text, "Regions") {
			t.Errorf("architectures of %s: got %s, want those of the Region", id, text)
		}
		code, _ := take(t, stack, "Resources", id, "Properties", "Code").(map[string]any)
		if len(code) != 2 || code["S3Bucket"] == nil || !strings.Contains(fmt.Sprint(code["S3Key"]), "Fn::FindInMap") {
			t.Errorf("code of %s: got %v", id, code)
		}
	}
	if functions != len(r.Code["arm64"]) || functions == 0 {
		t.Errorf("got %d functions, want %d", functions, len(r.Code["arm64"]))
	}
	take(t, stack, "Parameters", "CodeBucketPrefix")
	take(t, stack, "Mappings", "Code")
	take(t, stack, "Mappings", "Regions")
	take(t, stack, "Rules", "UnsignedRelease")
	face := "AWS::CloudFormation::Interface"
	take(t, stack, "Metadata", face, "ParameterLabels", "CodeBucketPrefix")
	groups := stack["Metadata"].(map[string]any)[face].(map[string]any)["ParameterGroups"].([]any)
	last := groups[len(groups)-1].(map[string]any)
	list := last["Parameters"].([]any)
	last["Parameters"] = list[:len(list)-1]
	if diff := cmp.Diff(source, stack); diff != "" {
		t.Errorf("(-template.yaml +launch-stack.yaml):\n%s", diff)
	}
	if _, ok := stack["Transform"]; ok {
		t.Error("launch-stack.yaml has a transform, which StackSets refuses")
	}
}

type ref struct{}

func (ref) Ref(id string) (any, error)          { return id, nil }
func (ref) GetAtt(id, name string) (any, error) { return id + "." + name, nil }

// TestStackSetPassesParameters requires that stackset.yaml has every parameter of
// the member's template and passes it to the stack set.
func TestStackSetPassesParameters(t *testing.T) {
	stack, set, _ := generate(t)
	member, err := cfntemplate.Parse(stack)
	if err != nil {
		t.Fatal(err)
	}
	org, err := cfntemplate.Parse(set)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"OrganizationalUnitIds": "ou-ab12-11111111,r-ab12", "Regions": "us-east-1,eu-central-1",
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "ExternalId": "example", "ConnectionId": "org",
	}
	resolve := func(more map[string]string) (*cfntemplate.Resolved, error) {
		all := map[string]string{}
		for _, m := range []map[string]string{values, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return org.ResolveParameters(cfntemplate.Environment{Parameters: all, Pseudo: cfntemplate.Pseudo{
			AccountID: "999999999999", Region: "us-east-1", StackName: "permstack",
			StackID: "arn:aws:cloudformation:us-east-1:999999999999:stack/permstack/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f",
		}})
	}
	b, err := resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Properties("Members", ref{})
	if err != nil {
		t.Fatal(err)
	}
	passed := map[string]string{}
	for _, item := range p["Parameters"].([]any) {
		pair := item.(map[string]any)
		passed[pair["ParameterKey"].(string)] = cfntemplate.Text(pair["ParameterValue"])
	}
	for _, q := range member.Parameters {
		have, ok := passed[q.Name]
		want := q.Default
		if v, given := values[q.Name]; given {
			want = v
		}
		if !ok || have != want {
			t.Errorf("%s: got value %q, want %q", q.Name, have, want)
		}
		if twin := org.Parameter(q.Name); twin == nil || twin.NoEcho != q.NoEcho ||
			!cmp.Equal(twin.AllowedValues, q.AllowedValues) {
			t.Errorf("parameter %s differs from launch-stack.yaml", q.Name)
		}
	}
	if len(passed) != len(member.Parameters) {
		t.Errorf("got %d passed parameters, want %d", len(passed), len(member.Parameters))
	}
	want := map[string]any{"Enabled": true, "RetainStacksOnAccountRemoval": false}
	if diff := cmp.Diff(want, p["AutoDeployment"]); diff != "" || p["PermissionModel"] != "SERVICE_MANAGED" ||
		p["CallAs"] != "SELF" {
		t.Errorf("%s%v %v", diff, p["PermissionModel"], p["CallAs"])
	}
	if url := p["TemplateURL"]; url != "https://amzn-s3-demo-permstack-us-east-1.s3.us-east-1.amazonaws.com/permstack/unreleased/launch-stack.yaml" {
		t.Errorf("got TemplateURL %v", url)
	}

	delegated, err := resolve(
		map[string]string{
			"LaunchedFrom":        "delegated administrator",
			"AutomaticDeployment": "no",
			"WhenAnAccountLeaves": "keep",
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = delegated.Properties("Members", ref{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"Enabled": false}, p["AutoDeployment"]); diff != "" ||
		p["CallAs"] != "DELEGATED_ADMIN" {
		t.Errorf("%s%v", diff, p["CallAs"])
	}
	for name, more := range map[string]map[string]string{
		"not an organizational unit": {"OrganizationalUnitIds": "Production"},
		"not a Region":               {"Regions": "Frankfurt"},
		"nothing to protect":         {"ProtectEC2": "no"},
		"an unknown answer":          {"AutomaticDeployment": "perhaps"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := resolve(more); err == nil {
				t.Error("got no error")
			}
		})
	}
}

func TestStackErrors(t *testing.T) {
	r := launch.Unreleased(launch.Functions(permstack.Template)...)
	for name, tc := range map[string]struct{ old, new, want string }{
		"no mappings": {"\nMappings:", "\nMapping:", "has no [Mappings]"},
		"no labels":   {"ParameterLabels:", "Labels:", "ParameterLabels"},
		"no group": {
			"Parameters: [CatalogVersion, Revision]", "Parameters: []", "no parameter group has CatalogVersion",
		},
		"code not in a path": {"S3Key: functions/", "S3Key: built/", "no AWS::Lambda::Function"},
		"an anchor":          {"Description: Access to back up S3", "Description: &x Access to back up S3", "anchors"},
		"not YAML":           {"\nMappings:", "\n\tMappings:", "parse template"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.ReplaceAll(string(permstack.Template), tc.old, tc.new)
			if _, err := launch.Stack([]byte(text), r); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one that contains %q", err, tc.want)
			}
		})
	}
	t.Run("no code", func(t *testing.T) {
		_, err := launch.Stack(permstack.Template, launch.Unreleased())
		if err == nil || !strings.Contains(err.Error(), "no code of function") {
			t.Errorf("got error %v, want one that contains %q", err, "no code of function")
		}
	})
}
