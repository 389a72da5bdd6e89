package explain_test

import (
	"slices"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
)

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
