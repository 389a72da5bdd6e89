package lint_test

import (
	"os"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/lint"
)

// TestBuiltInProfiles checks the profiles that this build has.
func TestBuiltInProfiles(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			_, problems, err := lint.Load(os.DirFS("../profiles"), name)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Error(p)
			}
		})
	}
}
