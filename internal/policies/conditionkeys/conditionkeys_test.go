package conditionkeys_test

import (
	"slices"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/conditionkeys"
	"permstack/internal/policies/schema"
)

// TestEveryKeyIsUsedOrExplained: a condition key that AWS sends for a granted action
// is used by the statements or has a recorded reason, and every reason is about one.
func TestEveryKeyIsUsedOrExplained(t *testing.T) {
	used := map[string]bool{}
	all := map[string]bool{}
	for _, name := range policies.ProfileNames() {
		reasons, err := conditionkeys.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, release := range policies.Releases {
			t.Run(name+"@"+release, func(t *testing.T) {
				profile, _ := policies.ProfileAt(name, release)
				for _, a := range conditionkeys.Actions(profile, release) {
					for _, key := range a.Unused {
						i := slices.IndexFunc(reasons, func(r conditionkeys.Reason) bool { return r.Explains(a.Name, key) })
						if i < 0 {
							t.Errorf("%s: condition key %s is neither used nor explained", a.Name, key)
							continue
						}
						used[reasons[i].Why] = true
					}
				}
			})
		}
		for _, r := range reasons {
			all[r.Why] = true
		}
	}
	for why := range all {
		if !used[why] {
			t.Errorf("no unused condition key has the reason %q", why)
		}
	}
}

// TestDeniedAction checks that an action that is only denied is not one of the profile's.
func TestDeniedAction(t *testing.T) {
	statement := func(action string, deny bool) schema.Statement {
		return schema.Statement{Actions: []string{action}, Resources: []string{"*"}, Deny: deny}
	}
	profile := schema.Profile{Roles: []schema.Role{{Policies: []schema.Policy{{Statements: []schema.Statement{
		statement("ec2:DeleteVolume", true), statement("ec2:DeleteSnapshot", false), statement("ec2:DeleteSnapshot", true),
	}}}}}}
	got := conditionkeys.Actions(profile, "")
	if len(got) != 1 || got[0].Name != "ec2:DeleteSnapshot" {
		t.Errorf("got %+v, want ec2:DeleteSnapshot", got)
	}
}
