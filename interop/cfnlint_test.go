package interop

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// TestCfnLint runs cfn-lint over template.yaml, the templates made of it that customers launch, and those that
// permstack writes: one template of every kind in a sample. Starting it and reading AWS's schemas take long, so
// there is one run for all files.
func TestCfnLint(t *testing.T) {
	t.Parallel()
	lint := tool(t, "PERMSTACK_CFN_LINT")
	dir := t.TempDir()
	templates, err := filepath.Glob(filepath.Join(root, "templates", "*.yaml"))
	if err != nil || len(templates) == 0 {
		t.Fatalf("templates: %v, %v", templates, err)
	}
	// The first one of a kind is a part of every sample: clumio's, which takes the shortest time.
	slices.SortStableFunc(templates, func(a, b string) int {
		return cmp.Compare(strings.Index(b, "clumio"), strings.Index(a, "clumio"))
	})
	sample := policytest.NewStratified(200)
	var files []string
	// Those for every profile take most of a minute, because of their conditions: they are linted in a full run.
	for _, path := range append([]string{filepath.Join(root, "template.yaml")}, templates...) {
		switch kind := templateKind(filepath.Base(path)); {
		case kind == everyProfile && !policytest.Full():
		case sample.Includes(kind, path):
			files = append(files, path)
		}
	}
	write := func(name string, template permissionstack.Template) {
		path := filepath.Join(dir, name+".json")
		if err := os.WriteFile(path, template.JSON(), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	all := sets(t)
	for _, name := range slices.Sorted(maps.Keys(all)) { // cfn-lint takes a second for three templates
		set := all[name]
		if !sample.Includes(setKind(name), name) {
			continue
		}
		whole, err := permissionstack.Combined(set)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		write(name, whole)
		if strings.HasPrefix(name, "portable") {
			continue // never deployed as two stacks
		}
		stacks, err := permissionstack.Stacks(set)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, s := range stacks {
			write(name+"-"+string(s.Part), s.Template)
		}
	}
	t.Logf("cfn-lint reads %d templates: %s", len(files), sample)
	stdout, stderr, err := runProgram(t, os.Environ(), lint, append([]string{"--"}, absolute(t, files)...)...)
	if err != nil {
		t.Errorf("cfn-lint: %v\n%s%s", err, stdout, stderr)
	}
}

// everyProfile is the kind of the templates with the resources of every profile.
const everyProfile = "launch template of every profile"

// templateKind returns the kind of a template in the repository, of which a sample has one.
func templateKind(file string) string {
	switch {
	case file == "template.yaml" || file == "launch-stack.yaml":
		return everyProfile
	case strings.HasSuffix(file, "stackset.yaml"):
		return "stack set"
	case file == "org-hub.yaml" || file == "iam-events.yaml":
		return file
	}
	return "launch template"
}

// setKind returns the kind of a permission set of sets: portable, with everything, or of one asset.
func setKind(name string) string {
	switch kind, _, _ := strings.Cut(name, "-"); {
	case kind == "portable" && strings.HasSuffix(name, "-backup"):
		return "portable backup"
	case kind == "portable":
		return kind
	case kind == "all":
		return name
	}
	return "asset"
}

func absolute(t *testing.T, files []string) []string {
	t.Helper()
	out := make([]string, len(files))
	for i, f := range files {
		path, err := filepath.Abs(f)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = path
	}
	return out
}

// sets returns the permission sets of every choice of assets without account and Region, with all operations and
// options and with backup alone, and of some choices for one account and Region.
func sets(t *testing.T) map[string]policies.Set {
	t.Helper()
	profile, ok := policies.Profile("clumio")
	if !ok {
		t.Fatal("there is no profile clumio")
	}
	var all []schema.Asset
	for _, a := range profile.Assets {
		all = append(all, a.Asset)
	}
	var options []schema.Option
	for _, o := range profile.Options {
		options = append(options, o.Option)
	}
	portable := policies.Environment{
		ControlPlaneRoleARN:        "arn:aws:iam::111122223333:role/Control",
		SupportControlPlaneRoleARN: "arn:aws:iam::111122223333:role/Support",
		DataPlaneAccountID:         "444455556666",
		ExternalID:                 "example",
		ConnectionID:               "6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f",
	}
	place := portable
	place.Partition, place.Account, place.Region = "aws", "123456789012", "us-east-1"
	bounded := place
	bounded.Path, bounded.PermissionsBoundaryARN = "/team/backup/", "arn:aws:iam::123456789012:policy/Boundary"
	bounded.Tags = []policies.Tag{{Key: "team", Value: "storage"}, {Key: "cost-center", Value: "42"}}

	out := map[string]policies.Set{}
	add := func(name string, env policies.Environment, assets []schema.Asset, operations []schema.Operation,
		options []schema.Option) {
		set, err := policies.Synthesize(
			policies.Selection{Profile: "clumio", Assets: assets, Operations: operations, Options: options}, env)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = set
	}
	backup := []schema.Operation{"backup"}
	for mask := 1; mask < 1<<len(all); mask++ {
		var chosen []schema.Asset
		name := "portable"
		for i, a := range all {
			if mask&(1<<i) != 0 {
				chosen = append(chosen, a)
				name += "-" + string(a)
			}
		}
		add(name, portable, chosen, nil, options)
		add(name+"-backup", portable, chosen, backup, nil)
	}
	for _, a := range all {
		add(string(a), place, []schema.Asset{a}, nil, nil)
	}
	add("all", place, all, nil, options)
	add("all-backup", place, all, backup, options)
	add("all-bounded", bounded, all, nil, options)
	return out
}
