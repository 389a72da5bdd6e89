package policies_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// cpmReleases are in the order of time.
var cpmReleases = []string{"4.1.1a", "4.2", "2025-09"}

// cpmChoices map each capability of the vendor's files to the choice that brings
// all of it: the table of docs/profiles/cpm.md.
var cpmChoices = map[string]string{ // capability → assets : operations
	"BackupCore":              "ec2,rds,redshift,dynamodb:backup,recovery,dr,cross-account,notification,run-scripts",
	"RDSBackup":               "rds:backup,recovery",
	"Recovery":                "ec2:recovery",
	"RecoveryDR":              "ec2:recovery",
	"RecoveryRDS":             "rds:recovery",
	"Notification":            "ec2:notification",
	"CrossAccountOperations":  "rds:cross-account",
	"RedshiftOperations":      "redshift:backup,recovery,cross-account",
	"BackupDynamoDB":          "dynamodb:backup,recovery",
	"RecoveryDynamoDB":        "dynamodb:recovery",
	"VPC":                     "ec2:vpc-capture",
	"CopyToS3":                "rds:copy-to-s3",
	"Archive":                 "ec2:archive",
	"CPMWorkerTermination":    "ec2:file-level-recovery",
	"ResourceControl":         "ec2,rds:resource-control",
	"EFS":                     "efs:backup,dr,recovery",
	"CostExplorer":            "ec2:cost-explorer",
	"SupportedServiceRegions": "s3:archive",
	"S3Sync":                  "s3:s3-sync",
	"FSX":                     "fsx:backup,dr,recovery",
	"CBT":                     "ec2:changed-blocks,run-scripts",
	"FLR":                     "ec2:file-level-recovery",
	"SapHanaDB":               "sap-hana:backup",
	"SecretsManager":          "rds:secrets",
	"NativeSnapshotsLock":     "ec2:snapshot-lock",
}

func cpmSelection(choice string, options ...schema.Option) policies.Selection {
	assets, ops, _ := strings.Cut(choice, ":")
	return policies.Selection{
		Profile: "cpm", Assets: splitList[schema.Asset](assets, nil), Operations: splitList[schema.Operation](ops,
			nil), Options: options,
	}
}

// cpmEnvironment is the account of the server itself.
func cpmEnvironment(region string) policies.Environment {
	env := environment(region)
	env.ControlPlaneRoleARN, env.SupportControlPlaneRoleARN, env.DataPlaneAccountID, env.ExternalID = "", "", "", ""
	return env
}

// granted lists the actions of the server's own role.
func granted(t testing.TB, sel policies.Selection) []string {
	t.Helper()
	return roleActions(synthesize(t, sel, cpmEnvironment(here)).Roles[0])
}

func roleActions(r policies.Role) []string {
	seen := map[string]bool{}
	for _, p := range slices.Concat(r.Managed, r.Inline) {
		for _, a := range p.Document.Actions() {
			seen[a] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// cpmSelections are all assets alone and together with every operation alone and
// together, both presets, every release, and n random choices, always the same.
func cpmSelections(n int) func(func(policies.Selection) bool) {
	return func(yield func(policies.Selection) bool) {
		p, _ := policies.Profile("cpm")
		var assets []schema.Asset
		for _, a := range p.Assets {
			assets = append(assets, a.Asset)
		}
		var list []policies.Selection
		for _, v := range p.Settings[0].Values {
			for _, preset := range p.Presets {
				list = append(list, policies.Selection{Preset: preset.Name, Options: []schema.Option{v.Option}})
				for i := range assets {
					list = append(
						list,
						policies.Selection{Preset: preset.Name, Assets: assets[i : i+1], Options: []schema.Option{v.Option}},
					)
				}
			}
		}
		for i := range p.Operations {
			list = append(list, policies.Selection{Assets: assets, Operations: p.Operations[i : i+1]})
			for j := range assets {
				list = append(list, policies.Selection{Assets: assets[j : j+1], Operations: p.Operations[i : i+1]})
			}
		}
		r := rand.New(rand.NewPCG(4, 2))
		for range n {
			var sel policies.Selection
			for _, a := range assets {
				if r.IntN(2) == 0 {
					sel.Assets = append(sel.Assets, a)
				}
			}
			for _, o := range p.Operations {
				if r.IntN(2) == 0 {
					sel.Operations = append(sel.Operations, o)
				}
			}
			for _, s := range p.Settings {
				if s.Name != "trust" {
					sel.Options = append(sel.Options, s.Values[r.IntN(len(s.Values))].Option)
				}
			}
			if len(sel.Assets) > 0 {
				list = append(list, sel)
			}
		}
		for _, sel := range list {
			sel.Profile = "cpm"
			if !yield(sel) {
				return
			}
		}
	}
}
