package policies_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy/compare"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// TestNamedPoliciesAreKept checks that as long as ten policies suffice each entity has a policy of
// its own, with all statements, and that the boundary always keeps its name.
func TestNamedPoliciesAreKept(t *testing.T) {
	env := environment(here)
	names := func(sel policies.Selection) (out []string) {
		for _, p := range synthesize(t, sel, env).Roles[0].Managed {
			out = append(out, p.Entity)
		}
		return out
	}
	few := names(policies.Selection{Profile: "clumio", Assets: []schema.Asset{"rds", "s3"}})
	for _, want := range []string{
		"ClumioRdsBackupPolicy", "ClumioRdsRestorePolicy", "ClumioS3BackupPolicy", "ClumioS3RestorePolicy",
	} {
		if !slices.Contains(few, want) {
			t.Errorf("policies %v, want %s", few, want)
		}
	}
	all := names(everything())
	if !slices.Contains(all, "ClumioIAMPermissionsBoundaryPolicy") || len(all) > policies.MaxManagedPoliciesRole {
		t.Errorf("policies %v, want at most ten, with the boundary", all)
	}
}

// TestMergedStatementsNameTheirPolicy checks that a statement that was merged into another policy
// has the name of its own in its Sid, and Sids are unique.
func TestMergedStatementsNameTheirPolicy(t *testing.T) {
	merged := 0
	for _, p := range synthesize(t, everything(), environment(here)).Roles[0].Managed {
		seen := map[string]bool{}
		for _, s := range p.Document.Statement {
			if seen[s.Sid] {
				t.Errorf("%s: two statements %s", p.Name, s.Sid)
			}
			seen[s.Sid] = true
			if strings.HasPrefix(s.Sid, "Clumio") {
				merged++
			}
		}
	}
	if merged == 0 {
		t.Error("no statement was merged")
	}
}

// TestReducingChangesNoAccess checks that everything, with the unreduced permissions of one asset
// and operation added, grants the same as everything.
func TestReducingChangesNoAccess(t *testing.T) {
	all := documentsByRole(synthesize(t, everything(), environment(here)))["ClumioIAMRole"]
	for _, a := range assets {
		for _, o := range operations {
			t.Run(string(a)+"/"+string(o), func(t *testing.T) {
				sel := policies.Selection{Profile: "clumio", Assets: []schema.Asset{a}, Operations: []schema.Operation{o}}
				set := synthesize(t, sel, environment(here))
				for i, r := range set.Roles { // the guard of less access lists other actions
					set.Roles[i].Inline = slices.DeleteFunc(r.Inline, func(p policies.Policy) bool {
						return p.Entity == policies.GuardPolicy
					})
				}
				part := documentsByRole(set)["ClumioIAMRole"]
				got := compare.Compare(all, slices.Concat(all, part)).Direction
				if got != compare.Same {
					t.Errorf("got %v, want %v", got, compare.Same)
				}
			})
		}
	}
}
