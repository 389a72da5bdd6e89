// Command genadminpolicy writes the actions that CloudFormation's handlers require of
// whoever deploys the templates, by the table of the embedded CloudFormation:
//
//	go run ./tools/genadminpolicy internal/release/adminpolicy/actions.json docs/admin-policies.md
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"

	"permstack"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/fakeaws/cloudformation"
	"permstack/internal/release/adminpolicy"
	"permstack/internal/release/launch"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: genadminpolicy ACTIONS_JSON PAGE_MD")
	}
	actions, err := generate()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[1], actions, 0o644); err != nil {
		log.Fatal(err)
	}
	table, err := adminpolicy.ParseActions(actions)
	if err != nil {
		log.Fatal(err)
	}
	page, err := adminpolicy.Page(table)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[2], page, 0o644); err != nil {
		log.Fatal(err)
	}
}

// generate returns actions.json.
func generate() ([]byte, error) {
	release := launch.Unreleased(launch.Functions(permstack.Template)...)
	stack, err := launch.Stack(permstack.Template, release)
	if err != nil {
		return nil, err
	}
	set, err := launch.StackSet(stack, release)
	if err != nil {
		return nil, err
	}
	table := adminpolicy.Actions{OnAnyResource: cloudformation.OnAnyResource()}
	if table.Stack, err = required(stack); err != nil {
		return nil, fmt.Errorf("launch-stack.yaml: %w", err)
	}
	if table.StackSet, err = required(set); err != nil {
		return nil, fmt.Errorf("stackset.yaml: %w", err)
	}
	data, err := json.MarshalIndent(table, "", "  ")
	return append(data, '\n'), err
}

// required returns the actions that the resources of a template require, sorted.
func required(template []byte) ([]string, error) {
	root, err := yamlfmt.Parse(template)
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Resources map[string]struct {
			Type       string         `yaml:"Type"`
			Properties map[string]any `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := root.Decode(&parsed); err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for name, r := range parsed.Resources {
		typ := r.Type
		if strings.HasPrefix(typ, "Custom::") {
			typ = "AWS::CloudFormation::CustomResource"
		}
		// Tags are those of the stack, which every type receives.
		properties := append(slices.Collect(maps.Keys(r.Properties)), "Tags")
		actions := cloudformation.RequiredActions(typ, properties)
		if len(actions) == 0 {
			return nil, fmt.Errorf("resource %s: the embedded CloudFormation has no type %s", name, r.Type)
		}
		for _, a := range actions {
			out[a] = true
		}
	}
	return slices.Sorted(maps.Keys(out)), nil
}
