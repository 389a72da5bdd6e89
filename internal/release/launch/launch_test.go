package launch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/release/launch"
)

func made(t *testing.T) (stack, set []byte, r launch.Release) {
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

// TestTemplatesInGit holds templates/ to what template.yaml gives.
func TestTemplatesInGit(t *testing.T) {
	stack, set, _ := made(t)
	for name, want := range map[string][]byte{"launch-stack.yaml": stack, "stackset.yaml": set} {
		have, err := os.ReadFile(filepath.Join("..", "..", "..", "templates", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != string(want) {
			t.Errorf("templates/%s is not what template.yaml gives; go run ./tools/release templates", name)
		}
	}
}

// tree gives YAML as values, short forms of functions as {"!Tag": value}.
func tree(t *testing.T, n *yaml.Node) any {
	t.Helper()
	var v any
	switch n.Kind {
	case yaml.DocumentNode:
		return tree(t, n.Content[0])
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = tree(t, n.Content[i+1])
		}
		v = m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, tree(t, c))
		}
		v = list
	default:
		v = n.ShortTag() + " " + n.Value
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return map[string]any{n.Tag: v}
	}
	return v
}

func read(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return tree(t, &doc).(map[string]any)
}

// take removes a value from nested maps and gives it.
func take(t *testing.T, in map[string]any, path ...string) any {
	t.Helper()
	for _, p := range path[:len(path)-1] {
		next, ok := in[p].(map[string]any)
		if !ok {
			t.Fatalf("there is no %v", path)
		}
		in = next
	}
	last := path[len(path)-1]
	v, ok := in[last]
	if !ok {
		t.Fatalf("there is no %v", path)
	}
	delete(in, last)
	return v
}

// TestStackIsTheTemplate: the two differ in where code comes from, and in
// nothing else.
func TestStackIsTheTemplate(t *testing.T) {
	text, _, r := made(t)
	ours, theirs := read(t, permstack.Template), read(t, text)
	functions := 0
	for id, v := range ours["Resources"].(map[string]any) {
		resource := v.(map[string]any)
		if resource["Type"] != "!!str AWS::Lambda::Function" {
			continue
		}
		functions++
		take(t, resource, "Metadata")
		take(t, resource, "Properties", "Code")
		code, _ := take(t, theirs, "Resources", id, "Properties", "Code").(map[string]any)
		if len(code) != 2 || code["S3Bucket"] == nil || !strings.Contains(fmt.Sprint(code["S3Key"]), "!FindInMap") {
			t.Errorf("the code of %s is %v", id, code)
		}
	}
	if functions != len(r.Code) || functions == 0 {
		t.Errorf("%d functions, %d keys", functions, len(r.Code))
	}
	take(t, theirs, "Parameters", "CodeBucketPrefix")
	take(t, theirs, "Mappings", "Release")
	face := "AWS::CloudFormation::Interface"
	take(t, theirs, "Metadata", face, "ParameterLabels", "CodeBucketPrefix")
	groups := theirs["Metadata"].(map[string]any)[face].(map[string]any)["ParameterGroups"].([]any)
	last := groups[len(groups)-1].(map[string]any)
	list := last["Parameters"].([]any)
	last["Parameters"] = list[:len(list)-1]
	if diff := cmp.Diff(ours, theirs); diff != "" {
		t.Error(diff)
	}
	if _, ok := theirs["Transform"]; ok {
		t.Error("there is a transform")
	}
	if room := 64 * len(r.Code); len(text)+room > cfntemplate.MaxBody { // a release's keys have hashes in them
		t.Errorf("%d bytes, and %d of hashes, cannot be given inline", len(text), room)
	}
}

type ref struct{}

func (ref) Ref(id string) (any, error)          { return id, nil }
func (ref) GetAtt(id, name string) (any, error) { return id + "." + name, nil }

// TestStackSetHandsEverythingOn: every parameter of the member's template is
// asked for in the same words and handed on as the stack set's own.
func TestStackSetHandsEverythingOn(t *testing.T) {
	stack, set, _ := made(t)
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
	bind := func(more map[string]string) (*cfntemplate.Bound, error) {
		all := map[string]string{}
		for _, m := range []map[string]string{values, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return org.Bind(cfntemplate.Environment{Parameters: all, Pseudo: cfntemplate.Pseudo{
			AccountID: "999999999999", Region: "us-east-1", StackName: "permstack",
			StackID: "arn:aws:cloudformation:us-east-1:999999999999:stack/permstack/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f",
		}})
	}
	b, err := bind(nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Properties("Members", ref{})
	if err != nil {
		t.Fatal(err)
	}
	handed := map[string]string{}
	for _, item := range p["Parameters"].([]any) {
		pair := item.(map[string]any)
		handed[pair["ParameterKey"].(string)] = cfntemplate.Text(pair["ParameterValue"])
	}
	for _, q := range member.Parameters {
		have, ok := handed[q.Name]
		want := q.Default
		if v, given := values[q.Name]; given {
			want = v
		}
		if !ok || have != want {
			t.Errorf("%s is handed on as %q, want %q", q.Name, have, want)
		}
		if twin := org.Parameter(q.Name); twin == nil || twin.NoEcho != q.NoEcho || !cmp.Equal(twin.AllowedValues, q.AllowedValues) {
			t.Errorf("%s is not asked for as in launch-stack.yaml", q.Name)
		}
	}
	if len(handed) != len(member.Parameters) {
		t.Errorf("%d parameters are handed on, the member has %d", len(handed), len(member.Parameters))
	}
	want := map[string]any{"Enabled": true, "RetainStacksOnAccountRemoval": false}
	if diff := cmp.Diff(want, p["AutoDeployment"]); diff != "" || p["PermissionModel"] != "SERVICE_MANAGED" || p["CallAs"] != "SELF" {
		t.Errorf("%s%v %v", diff, p["PermissionModel"], p["CallAs"])
	}
	if url := p["TemplateURL"]; url != "https://amzn-s3-demo-permstack-us-east-1.s3.us-east-1.amazonaws.com/permstack/unreleased/launch-stack.yaml" {
		t.Errorf("TemplateURL is %v", url)
	}

	delegated, err := bind(map[string]string{"LaunchedFrom": "delegated administrator", "AutomaticDeployment": "no", "WhenAnAccountLeaves": "keep"})
	if err != nil {
		t.Fatal(err)
	}
	if p, err = delegated.Properties("Members", ref{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"Enabled": false}, p["AutoDeployment"]); diff != "" || p["CallAs"] != "DELEGATED_ADMIN" {
		t.Errorf("%s%v", diff, p["CallAs"])
	}
	for name, more := range map[string]map[string]string{
		"not an organizational unit": {"OrganizationalUnitIds": "Production"},
		"not a Region":               {"Regions": "Frankfurt"},
		"nothing to protect":         {"ProtectEC2": "no"},
		"an unknown answer":          {"AutomaticDeployment": "perhaps"},
	} {
		if _, err := bind(more); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestStackRefusesWhatItDoesNotKnow(t *testing.T) {
	r := launch.Unreleased(launch.Functions(permstack.Template)...)
	for name, tc := range map[string]struct{ old, new, want string }{
		"no mappings":    {"\nMappings:", "\nMapping:", "Mappings"},
		"no label":       {"      CatalogVersion: {default:", "      Catalog: {default:", "label"},
		"code elsewhere": {"Code: {S3Bucket", "Code:  {S3Bucket", "code of a function"},
	} {
		text := strings.ReplaceAll(string(permstack.Template), tc.old, tc.new)
		if _, err := launch.Stack([]byte(text), r); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := launch.Stack(permstack.Template, launch.Unreleased()); err == nil || !strings.Contains(err.Error(), "no code of function") {
		t.Errorf("a release without code: %v", err)
	}
}
