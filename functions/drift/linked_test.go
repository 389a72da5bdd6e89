package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestLinked checks that the drift check links no provisioner and notify no catalogue: every
// package adds to a cold start, and notifications must not depend on who sends them.
func TestLinked(t *testing.T) {
	for name, tc := range map[string]struct{ pkg, prefix string }{
		"the drift check links no provisioner": {".", "permstack/internal/provisioner"},
		"notify links no catalogue":            {"permstack/internal/notify", "permstack/internal/policies"},
		"notify links no provisioner":          {"permstack/internal/notify", "permstack/internal/provisioner"},
		"notify links no detector":             {"permstack/internal/notify", "permstack/internal/drift"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command("go", "list", "-deps", tc.pkg).Output()
			if err != nil {
				t.Fatal(err)
			}
			linked := func(path string) bool { return strings.HasPrefix(path, tc.prefix) }
			if i := slices.IndexFunc(strings.Fields(string(out)), linked); i >= 0 {
				t.Errorf("%s links %s", tc.pkg, strings.Fields(string(out))[i])
			}
		})
	}
}
