package permissionstack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func combined(t *testing.T, set policies.Set) permissionstack.Template {
	t.Helper()
	out, err := permissionstack.Combined(set)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestGolden compares the template with testdata/sample.json by value.
func TestGolden(t *testing.T) {
	got := combined(t, sample())
	golden := filepath.Join("testdata", "sample.json")
	if *update {
		if err := os.WriteFile(golden, got.Indented(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, data), parse(t, got.JSON())); diff != "" {
		t.Errorf("template (-want +got):\n%s", diff)
	}
}

func parse(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSameBytes(t *testing.T) {
	first := combined(t, sample())
	for range 20 {
		if next := combined(t, sample()); !bytes.Equal(first.JSON(), next.JSON()) || first.Hash() != next.Hash() {
			t.Fatal("the same set resulted in other bytes")
		}
	}
	if len(first.Hash()) != 64 {
		t.Errorf("got hash %q, want 64 digits", first.Hash())
	}
}

// TestStacks requires that the parts together equal the combined template, each
// resource once.
func TestStacks(t *testing.T) {
	stacks, err := permissionstack.Stacks(sample())
	if err != nil {
		t.Fatal(err)
	}
	if len(stacks) != 2 || stacks[0].Part != installation.Inventory || stacks[1].Part != installation.Access {
		t.Fatalf("got %d stacks, want inventory and access", len(stacks))
	}
	untagged := sample()
	untagged.Topics[0].Tags = nil
	for i := range untagged.Roles {
		untagged.Roles[i].Tags = nil
	}
	all := parse(t, combined(t, untagged).JSON())
	for _, section := range []string{"Resources", "Outputs"} {
		want := all[section].(map[string]any)
		have := map[string]any{}
		for _, s := range stacks {
			for name, value := range parse(t, s.Template.JSON())[section].(map[string]any) {
				if _, twice := have[name]; twice && section == "Resources" {
					t.Errorf("%s is in both stacks", name)
				}
				have[name] = value
			}
		}
		delete(want, "TemplateHash") // of each template
		delete(have, "TemplateHash")
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-combined +parts):\n%s", section, diff)
		}
	}
}

func TestEmptyPartOmitted(t *testing.T) {
	set := sample()
	set.Topics, set.Rules = nil, nil
	stacks, err := permissionstack.Stacks(set)
	if err != nil || len(stacks) != 1 || stacks[0].Part != installation.Access {
		t.Fatalf("got %v, %v, want the access stack alone", stacks, err)
	}
}

// TestEveryResource checks the properties that every resource of a type must have.
func TestEveryResource(t *testing.T) {
	taggable := map[string]bool{"AWS::IAM::Role": true, "AWS::SNS::Topic": true, "AWS::Events::Rule": true}
	for id, r := range parse(t, combined(t, sample()).JSON())["Resources"].(map[string]any) {
		kind := r.(map[string]any)["Type"].(string)
		props := r.(map[string]any)["Properties"].(map[string]any)
		if taggable[kind] && len(props["Tags"].([]any)) != 2 {
			t.Errorf("%s %s does not have the customer's tags", kind, id)
		}
		if strings.HasPrefix(kind, "AWS::IAM::") && props["Path"] != "/permstack/" {
			t.Errorf("%s %s does not have the path", kind, id)
		}
		if kind == "AWS::IAM::Role" {
			for _, name := range []string{"PermissionsBoundary", "Policies", "ManagedPolicyArns"} {
				if _, ok := props[name]; !ok {
					t.Errorf("role %s does not declare %s", id, name)
				}
			}
		}
	}
}

func TestTooLarge(t *testing.T) {
	set := sample()
	set.Roles[0].Description = strings.Repeat("x", permissionstack.MaxBody)
	_, err := permissionstack.Stacks(set)
	if err == nil || !strings.Contains(err.Error(), "51200") || !strings.Contains(err.Error(), "access") {
		t.Errorf("got error %v, want one with the limit and the part", err)
	}
}

func TestErrors(t *testing.T) {
	for name, spoil := range map[string]func(*policies.Set){
		"is needed for":     func(s *policies.Set) { s.Rules = append(s.Rules, s.Rules[0]) },
		"does not have":     func(s *policies.Set) { s.Rules[0].Targets[0].TopicEntity = "Other" },
		"a key cannot hold": func(s *policies.Set) { s.Rules[0].Pattern["${AWS::Region}"] = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			set := sample()
			spoil(&set)
			if _, err := permissionstack.Combined(set); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got error %v, want one that contains %q", err, name)
			}
		})
	}
}

// TestYAML parses the YAML form: strings keep their type, functions have the short
// form.
func TestYAML(t *testing.T) {
	out, err := yamlfmt.FromJSON(combined(t, sample()).JSON())
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Resources map[string]struct {
			Properties struct {
				Tags           []map[string]any `yaml:"Tags"`
				PolicyDocument map[string]any   `yaml:"PolicyDocument"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	if v := doc.Resources["ClumioIAMRole"].Properties.Tags[1]["Value"]; v != "0042" {
		t.Errorf("tag that looks like a number: got %T %v, want a string", v, v)
	}
	if v := doc.Resources["ClumioEC2BackupPolicy"].Properties.PolicyDocument["Version"]; v != "2012-10-17" {
		t.Errorf("policy version: got %T %v, want a string", v, v)
	}
	for _, want := range []string{
		"!Ref ClumioEventPub\n", "!GetAtt ClumioIAMRole.Arn\n",
		`!Sub "arn:${AWS::Partition}:s3:::b-${AWS::AccountId}/${!aws:PrincipalAccount}/*"`,
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the YAML does not contain %s", want)
		}
	}
}

// TestLint runs cfn-lint if it is installed.
func TestLint(t *testing.T) {
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("skipped: cfn-lint is not installed")
	}
	file := filepath.Join(t.TempDir(), "template.json")
	if err := os.WriteFile(file, combined(t, sample()).Indented(), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(lint, file).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}
