package question_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
	"permstack/internal/review/question"
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
			set, some, all := grants(t, c.selection)
			source := question.Source{Set: set, Selection: sel, Grants: some, All: all}
			list := question.Find(c.query, source).Prerequisites
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
			set, _, all := grants(t, name)
			source := question.Source{Set: set, Selection: choice.Everything(profile), Grants: all, All: all}
			for _, p := range profile.Prerequisites {
				u := p.For[0]
				for _, query := range []string{string(u.Asset), string(u.Operation), string(u.Option)} {
					if query == "" {
						continue
					}
					list := question.Find(query, source).Prerequisites
					found := slices.ContainsFunc(list, func(a explain.Prerequisite) bool { return a.Text == p.Text })
					if !found {
						t.Errorf("query %s does not find %q", query, p.Text)
					}
				}
			}
		})
	}
}
