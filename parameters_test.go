package permstack_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"permstack"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/e2e/docsection"
)

var update = flag.Bool("update", false, "write the sections of documents again that tests compare")

// parameterForm is what template.yaml has about its parameters.
type parameterForm struct {
	Metadata struct {
		Interface struct {
			ParameterGroups []struct {
				Label      struct{ Default string } `yaml:"Label"`
				Parameters []string                 `yaml:"Parameters"`
			} `yaml:"ParameterGroups"`
			ParameterLabels map[string]struct{ Default string } `yaml:"ParameterLabels"`
		} `yaml:"AWS::CloudFormation::Interface"`
	} `yaml:"Metadata"`
	Parameters map[string]struct {
		Default     string `yaml:"Default"`
		Description string `yaml:"Description"`
	} `yaml:"Parameters"`
}

// TestParameters requires of each parameter of template.yaml that something other than the form and the rules reads it,
// that it is in exactly one group, and that it has a label and a description. The table of docs/launch-stack.md has
// them all.
func TestParameters(t *testing.T) {
	root, err := yamlfmt.Parse(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	var form parameterForm
	if err := root.Decode(&form); err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if part := root.Content[i].Value; part == "Conditions" || part == "Resources" || part == "Outputs" {
			addReferences(root.Content[i+1], read)
		}
	}
	groups := map[string]int{}
	var table strings.Builder
	for _, g := range form.Metadata.Interface.ParameterGroups {
		fmt.Fprintf(&table, "| **%s** | | |\n", g.Label.Default)
		for _, name := range g.Parameters {
			groups[name]++
			p, ok := form.Parameters[name]
			if !ok {
				t.Errorf("the group %q of template.yaml names %s, which is no parameter", g.Label.Default, name)
			}
			value := "`" + p.Default + "`"
			if p.Default == "" {
				value = ""
			}
			fmt.Fprintf(&table, "| `%s` | %s | %s |\n", name, value, strings.ReplaceAll(p.Description, "|", `\|`))
		}
	}
	for name, p := range form.Parameters {
		t.Run(name, func(t *testing.T) {
			if !read[name] {
				t.Errorf("no condition, resource or output of template.yaml refers to %s: use it, or remove it", name)
			}
			if groups[name] != 1 {
				t.Errorf("%s is in %d groups of ParameterGroups in template.yaml, want one", name, groups[name])
			}
			if form.Metadata.Interface.ParameterLabels[name].Default == "" {
				t.Errorf("%s has no label: add it to ParameterLabels in template.yaml", name)
			}
			if p.Description == "" {
				t.Errorf("%s has no description in template.yaml", name)
			}
		})
	}
	for name := range form.Metadata.Interface.ParameterLabels {
		if _, ok := form.Parameters[name]; !ok {
			t.Errorf("ParameterLabels of template.yaml names %s, which is no parameter", name)
		}
	}
	docsection.Check(t, "docs/launch-stack.md", "parameters", "go test . -run TestParameters -update",
		"| parameter | default | what it is for |\n|---|---|---|\n"+table.String(), *update)
}

// addReferences adds the names that a node and those below it refer to, by Ref or in a text of Fn::Sub.
func addReferences(n *yaml.Node, names map[string]bool) {
	for i, child := range n.Content {
		key := ""
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			key = n.Content[i-1].Value
		}
		switch {
		case key == "Ref":
			names[child.Value] = true
		case key == "Fn::Sub" && child.Kind == yaml.ScalarNode:
			addSubstitutions(child.Value, names)
		case key == "Fn::Sub" && len(child.Content) > 0:
			addSubstitutions(child.Content[0].Value, names)
		}
		addReferences(child, names)
	}
}

func addSubstitutions(text string, names map[string]bool) {
	for _, part := range strings.Split(text, "${")[1:] {
		name, _, _ := strings.Cut(part, "}")
		names[name] = true
	}
}
