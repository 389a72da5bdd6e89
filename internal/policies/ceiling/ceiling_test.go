package ceiling

import (
	"slices"
	"testing"

	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// TestCeilingCoversGrants checks, for each profile and each width of patterns, that the ceiling of a choice matches
// every action that the choice grants.
func TestCeilingCoversGrants(t *testing.T) {
	newest := policies.Releases[len(policies.Releases)-1:]
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		for _, w := range []width{beginnings, joint, kinds} {
			c := newCeiling(profile, w)
			grants := policies.MaximumGrants(profile, newest[0])
			for _, asset := range profile.Assets {
				for _, operation := range profile.Operations {
					choice := When{Uses: []schema.Use{{Asset: asset.Asset, Operation: operation}}, Releases: newest}
					document := c.Document(func(when When) bool { return when.covers(choice) })
					for _, g := range grants {
						if !(When{Uses: g.For}).covers(choice) {
							continue
						}
						for _, a := range g.Statement.Action {
							covered := slices.ContainsFunc(document.Statement[0].Action, func(p string) bool {
								return actions.Match(p, a)
							})
							if !covered && !isExact(a) {
								t.Errorf("%s, width %d, %s %s: the ceiling lacks %s", name, w, asset.Asset, operation, a)
							}
						}
					}
				}
			}
		}
	}
}

func TestChanges(t *testing.T) {
	got := changes(map[string]bool{
		"dynamodb:DeleteTable": true, "rds:DeleteDBInstance": true, "iam:DeleteRole": true, "lambda:DeleteFunction": true,
	})
	for _, tt := range []struct {
		action string
		want   bool
	}{
		{"rds:RebootDBInstance", true},
		{"rds:RebootDBCluster", false},
		{"rds:DescribeDBInstances", false},
		{"iam:UpdateRole", false},
		{"dynamodb:UpdateTable", true},
		{"dynamodb:DescribeTable", false},
		{"lambda:UpdateFunctionCode", false},
	} {
		t.Run(tt.action, func(t *testing.T) {
			if got[tt.action] != tt.want {
				t.Errorf("got %v, want %v", got[tt.action], tt.want)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	backup := schema.Use{Asset: "ec2", Operation: "backup"}
	for _, tt := range []struct {
		name string
		a, b When
		want bool
	}{
		{"always", When{}, When{Uses: []schema.Use{backup}}, true},
		{"one of two uses", When{Uses: []schema.Use{backup}}, When{Uses: []schema.Use{backup, {Asset: "rds"}}}, false},
		{"wider use", When{Uses: []schema.Use{{Asset: "ec2"}}}, When{Uses: []schema.Use{backup}}, true},
		{"narrower use", When{Uses: []schema.Use{backup}}, When{}, false},
		{"release", When{Releases: []string{"1"}}, When{Releases: []string{"1"}}, true},
		{"other release", When{Releases: []string{"1"}}, When{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.covers(tt.b); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
