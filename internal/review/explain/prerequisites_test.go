package explain_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
)

func TestPrerequisites(t *testing.T) {
	for _, c := range []struct {
		selection, query, text string
		want                   bool
	}{
		{"cpm:ec2:run-scripts", "ec2", "Scripts run only", true},
		{"cpm:ec2:run-scripts", "EC2", "Scripts run only", true},
		{"cpm:ec2:run-scripts", "run-scripts", "Scripts run only", true},
		{"cpm:ec2:backup", "ec2", "Scripts run only", false}, // the operation is not selected
		{"cpm:ec2,rds:run-scripts", "rds", "Scripts run only", false},
		{"cpm:ec2:cross-account", "ec2", "Each account of the installation", true}, // of every asset
		{"cpm:ec2:cross-account", "CPMRole", "Each account of the installation", false},
		{"clumio:rds", "rds", "AWSServiceRoleForRDS", true},
		{"clumio:rds:backup", "rds", "AWSServiceRoleForRDS", false},
		{"clumio:ec2", "rds:CreateDBInstance", "AWSServiceRoleForRDS", false},
	} {
		t.Run(c.selection+" "+c.query, func(t *testing.T) {
			sel, err := choice.Parse(c.selection)
			if err != nil {
				t.Fatal(err)
			}
			profile, _ := policies.Profile(sel.Profile)
			list := explain.Prerequisites(profile, sel, c.query)
			got := slices.ContainsFunc(list, func(p explain.Prerequisite) bool { return strings.Contains(p.Text, c.text) })
			if got != c.want {
				t.Errorf("%q is a prerequisite: got %v, want %v", c.text, got, c.want)
			}
		})
	}
}

// TestPrerequisitesAreFound checks that a query of each asset, operation or option of
// a prerequisite finds it, if everything is selected.
func TestPrerequisitesAreFound(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			profile, _ := policies.Profile(name)
			sel := choice.Everything(profile)
			for _, p := range profile.Prerequisites {
				u := p.For[0]
				for _, query := range []string{string(u.Asset), string(u.Operation), string(u.Option)} {
					list := explain.Prerequisites(profile, sel, query)
					found := slices.ContainsFunc(list, func(a explain.Prerequisite) bool { return a.Text == p.Text })
					if query != "" && !found {
						t.Errorf("query %s does not find %q", query, p.Text)
					}
				}
			}
		})
	}
}

// TestRemains compares the remaining risks of the grants with those of the profile's
// statements.
func TestRemains(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			profile, _ := policies.Profile(name)
			want := map[string][]schema.Remain{}
			for _, r := range profile.Roles {
				for _, p := range r.Policies {
					for _, s := range p.Statements {
						want[r.Entity+" "+p.Entity+" "+s.Sid] = s.Remains
					}
				}
			}
			_, _, all := grants(t, name)
			found := 0
			for _, g := range all {
				if g.Kind != explain.Policy {
					continue
				}
				found += len(g.Remains)
				if w, ok := want[g.Entity+" "+g.Policy+" "+g.Sid]; ok && !slices.Equal(g.Remains, w) {
					t.Errorf("%s: got %v, want %v", g.Sid, g.Remains, w)
				}
			}
			if found == 0 {
				t.Error("no grant has a remaining risk")
			}
		})
	}
}
