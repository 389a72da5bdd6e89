package policies_test

import (
	"encoding/json"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

var (
	assets     = []schema.Asset{"ec2", "ec2-mssql", "rds", "dynamodb", "s3", "iceberg-on-glue", "iceberg-on-s3-tables"}
	operations = []schema.Operation{"backup", "restore"}
	options    = []schema.Option{"support-role", "aws-backup-inventory", "dynamodb-local-indexes"}
)

// everything returns a selection of all assets and options.
func everything() policies.Selection {
	return policies.Selection{Profile: "clumio", Assets: assets, Options: options}
}

// everythingAt1 returns the same in release 1.
func everythingAt1() policies.Selection {
	return policies.Selection{Profile: "clumio", CatalogVersion: "1", Assets: assets[:5], Options: options[:2]}
}

// environment returns an environment without empty values, in a Region.
func environment(region string) policies.Environment {
	partition := policies.Partition(region)
	return policies.Environment{
		Partition: partition, Account: "111111111111", Region: region,
		ControlPlaneRoleARN:        "arn:" + partition + ":iam::222222222222:role/ControlPlane",
		SupportControlPlaneRoleARN: "arn:" + partition + ":iam::222222222222:role/Support",
		DataPlaneAccountID:         "333333333333",
		ExternalID:                 "external-id-1",
		ConnectionID:               "prod",
		StackNames:                 []string{"parent-access"},
	}
}

func synthesize(t testing.TB, sel policies.Selection, env policies.Environment) policies.Set {
	t.Helper()
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		t.Fatalf("synthesize: %v", err)
	}
	return set
}

// selections returns all selections of release 1's assets and options with all
// operations, and those with the assets and the option of release 2 alone and with
// everything else.
func selections() iter.Seq[policies.Selection] {
	return func(yield func(policies.Selection) bool) {
		each := func(assetSets [][]schema.Asset, optionSets [][]schema.Option) bool {
			for _, a := range assetSets {
				for o := range subsets(operations) {
					for _, p := range optionSets {
						if len(a) > 0 && len(o) > 0 &&
							!yield(policies.Selection{Profile: "clumio", Assets: a, Operations: o, Options: p}) {
							return false
						}
					}
				}
			}
			return true
		}
		if !each(slices.Collect(subsets(assets[:5])), slices.Collect(subsets(options[:2]))) {
			return
		}
		var newer [][]schema.Asset
		for a := range subsets(assets[5:]) {
			if len(a) > 0 {
				newer = append(newer, a)
			}
			newer = append(newer, slices.Concat(assets[:5], a))
		}
		each(newer, [][]schema.Option{options[2:], options})
	}
}

// selectionCount is how many selections returns.
const selectionCount = 31*3*4 + 7*3*2

func subsets[T any](list []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for bits := range 1 << len(list) {
			var subset []T
			for i, v := range list {
				if bits>>i&1 == 1 {
					subset = append(subset, v)
				}
			}
			if !yield(subset) {
				return
			}
		}
	}
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatalf("read fixture %s: %v", name, err)
	}
}
