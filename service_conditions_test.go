package permstack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/servicekeys"
)

// TestTemplatesUseKeysThatServicesSend checks every statement with a service
// principal in the templates: a condition on a key that the service does not
// send denies every call of the service, without an error that anybody sees.
// Package lint checks the profiles.
func TestTemplatesUseKeysThatServicesSend(t *testing.T) {
	files, err := filepath.Glob("templates/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "template.yaml") {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var root yaml.Node
			if err := yaml.Unmarshal(text, &root); err != nil {
				t.Fatal(err)
			}
			found := 0
			walkMappings(&root, func(n *yaml.Node) {
				for _, st := range append(serviceStatement(t, n), lambdaPermission(n)...) {
					found++
					for _, problem := range servicekeys.CheckStatement(st) {
						t.Errorf("%s:%d: %s", file, n.Line, problem)
					}
				}
			})
			if found == 0 && !strings.HasSuffix(file, "stackset.yaml") {
				t.Error("got no statement with a service principal, want at least one")
			}
		})
	}
}

func walkMappings(n *yaml.Node, visit func(*yaml.Node)) {
	if n.Kind == yaml.MappingNode {
		visit(n)
	}
	for _, child := range n.Content {
		walkMappings(child, visit)
	}
}

// member returns the value of a key of a mapping, or nil.
func member(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// scalars returns the value of a scalar, or the values of a list of scalars. A
// value with an intrinsic function is returned as it is written.
func scalars(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var out []string
	for _, item := range n.Content {
		out = append(out, scalars(item)...)
	}
	return out
}

// serviceStatement returns a mapping as a statement if it has a service principal.
func serviceStatement(t *testing.T, n *yaml.Node) []iampolicy.Statement {
	services := scalars(member(member(n, "Principal"), "Service"))
	if len(services) == 0 || member(n, "Effect") == nil {
		return nil
	}
	for _, s := range services {
		if !strings.HasSuffix(strings.TrimSuffix(s, ".cn"), ".amazonaws.com") {
			t.Errorf("line %d: got service principal %q, want a literal name", n.Line, s)
		}
	}
	conditions := iampolicy.Conditions{}
	if c := member(n, "Condition"); c != nil {
		for i := 0; i+1 < len(c.Content); i += 2 {
			keys := map[string]iampolicy.Values{}
			for j := 0; j+1 < len(c.Content[i+1].Content); j += 2 {
				keys[c.Content[i+1].Content[j].Value] = scalars(c.Content[i+1].Content[j+1])
			}
			conditions[c.Content[i].Value] = keys
		}
	}
	return []iampolicy.Statement{{
		Effect:    member(n, "Effect").Value,
		Principal: &iampolicy.Principal{ByType: map[string]iampolicy.Values{"Service": services}},
		Action:    scalars(member(n, "Action")), Condition: conditions,
	}}
}

// lambdaPermission returns the properties of an AWS::Lambda::Permission as the
// statement that Lambda makes of them.
func lambdaPermission(n *yaml.Node) []iampolicy.Statement {
	if kind := member(n, "Type"); kind == nil || kind.Value != "AWS::Lambda::Permission" {
		return nil
	}
	properties := member(n, "Properties")
	conditions := iampolicy.Conditions{}
	if arn := member(properties, "SourceArn"); arn != nil {
		conditions["ArnLike"] = map[string]iampolicy.Values{servicekeys.SourceARN: {"set"}}
	}
	if account := member(properties, "SourceAccount"); account != nil {
		conditions["StringEquals"] = map[string]iampolicy.Values{servicekeys.SourceAccount: {"set"}}
	}
	return []iampolicy.Statement{{
		Effect: "Allow",
		Principal: &iampolicy.Principal{ByType: map[string]iampolicy.Values{"Service": scalars(member(properties,
			"Principal"))}},
		Action: scalars(member(properties, "Action")), Condition: conditions,
	}}
}
