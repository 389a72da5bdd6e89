package profiles_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"permstack/internal/policies/flows"
	"permstack/internal/policies/profilefile"
	"permstack/internal/policies/profiles"
)

// TestCompiledFilesAreCurrent compares what is compiled with the YAML files.
func TestCompiledFilesAreCurrent(t *testing.T) {
	folders, err := filepath.Glob("*/profile.yaml")
	if err != nil || len(folders) != len(profiles.Names()) {
		t.Fatalf("%d folders, %d compiled profiles, %v", len(folders), len(profiles.Names()), err)
	}
	for _, name := range profiles.Names() {
		t.Run(name, func(t *testing.T) {
			want, err := profilefile.Load(os.DirFS("."), name)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := profiles.Get(name)
			if d := cmp.Diff(want.Profile, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("run go generate ./internal/policies/profiles (-YAML +compiled):\n%s", d)
			}
			if d := cmp.Diff(want.Flows, flows.Get(name), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("flows: run go generate ./internal/policies/profiles (-YAML +compiled):\n%s", d)
			}
		})
	}
}

func TestUnknownProfile(t *testing.T) {
	for _, name := range []string{"", "acme", "../clumio", "clumio.yaml"} {
		t.Run(name, func(t *testing.T) {
			if _, ok := profiles.Get(name); ok || flows.Get(name) != nil {
				t.Errorf("Get(%q) found a profile", name)
			}
		})
	}
}
