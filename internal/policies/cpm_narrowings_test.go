package policies_test

import (
	"maps"
	"slices"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/narrowings"
)

// TestCPMNarrowings compares the preset enterprise with the vendor's newest public
// permission files. Every difference needs a decision in narrowings.yaml, and
// every decision a difference.
func TestCPMNarrowings(t *testing.T) {
	var vendor struct {
		Origin, Date string
		Statements   map[string]struct {
			Actions, Resources []string
			Condition          iampolicy.Conditions
		}
	}
	readJSON(t, "cpm-files-2025-09-07.json", &vendor)
	conditions := map[string]iampolicy.Conditions{}
	for _, s := range vendor.Statements {
		for _, a := range s.Actions {
			conditions[a] = s.Condition
		}
	}
	decisions := readNarrowings(t, "cpm")
	role := synthesize(t, policies.Selection{Profile: "cpm", Preset: "enterprise"}, cpmEnvironment(here)).Roles[0]
	used := map[int]bool{}
	decided := func(difference, action string) {
		t.Helper()
		i := slices.IndexFunc(decisions, func(d narrowings.Narrowing) bool {
			return d.We == difference && slices.ContainsFunc(d.Actions, func(p string) bool { return glob(p, action) })
		})
		if i < 0 {
			t.Errorf("no decision to %s: %s: add to internal/policies/profiles/cpm/narrowings.yaml: {actions: [%s], we: %s, "+
				"why: REASON}", difference, action, action, difference)
		}
		used[i] = true
	}
	granted := map[string]bool{}
	for _, d := range differences(role, conditions, granted) {
		decided(d.We, d.Actions[0])
	}
	for _, a := range slices.Sorted(maps.Keys(conditions)) {
		if !granted[a] {
			decided("grant less", a)
		}
	}
	for i, d := range decisions {
		if !used[i] {
			t.Errorf("the decision to %s of %v has no difference: remove it from narrowings.yaml", d.We, d.Actions)
		}
		if d.Why == "" {
			t.Errorf("the decision to %s of %v has no reason", d.We, d.Actions)
		}
	}
	t.Logf("%d actions of the vendor's files of %s", len(conditions), vendor.Date)
}

// differences returns what a role's statements do to the vendor's actions, and
// records the actions that it grants. The vendor's statements have no resources.
func differences(
	role policies.Role, vendor map[string]iampolicy.Conditions, granted map[string]bool,
) []narrowings.Narrowing {
	var out []narrowings.Narrowing
	add := func(difference, action string) {
		out = append(out, narrowings.Narrowing{We: difference, Actions: []string{action}})
	}
	for _, p := range role.Managed {
		for _, s := range p.Document.Statement {
			for _, a := range s.Action {
				theirs, known := vendor[a]
				if s.Effect == "Deny" {
					add("deny", a)
					continue
				}
				granted[a] = true
				if !known {
					add("grant more", a)
					continue
				}
				if !slices.Equal(s.Resource, iampolicy.Values{"*"}) {
					add("limit resources", a)
				}
				if len(s.Condition) > 0 && len(theirs) == 0 {
					add("require a condition", a)
				}
			}
		}
	}
	return out
}
