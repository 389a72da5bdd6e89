package policies_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"permstack/internal/policies"
)

var update = flag.Bool("update", false,
	"write the goldens of the newest version again; a reviewer should then read the difference")

// golden compares with a file of testdata, or writes it. The file of an older version of the catalogue is written only
// if there is none: what a published version grants never changes.
func golden(t *testing.T, name, version string, have []byte) {
	t.Helper()
	if problem, err := compareGolden(filepath.Join("testdata", name), version, have, *update); err != nil {
		t.Fatal(err)
	} else if problem != "" {
		t.Error(problem)
	}
}

// compareGolden compares with the golden at a path for a version of the catalogue, and returns a problem or "". With
// write, the golden of the newest version, or a missing one, is written first.
func compareGolden(path, version string, have []byte, write bool) (problem string, err error) {
	newest := version == policies.Releases[len(policies.Releases)-1]
	if _, err := os.Stat(path); write && (newest || errors.Is(err, fs.ErrNotExist)) {
		if err := os.WriteFile(path, have, 0o644); err != nil {
			return "", err
		}
	}
	want, err := os.ReadFile(path)
	switch {
	case err != nil:
		return "", err
	case bytes.Equal(have, want):
		return "", nil
	case newest:
		return path + " differs; if that is meant, run the tests with -update and read the difference", nil
	}
	return path + " differs, and -update does not write it: version " + version + " of the catalogue is published and " +
			"never changes. What changes belongs to a new version, with from and until: section \"A release\" of CONTRIBUTING.md",
		nil
}

// TestGoldenOfOlderVersion checks that only the golden of the newest version, or a missing one, is written.
func TestGoldenOfOlderVersion(t *testing.T) {
	for name, tc := range map[string]struct {
		version string
		exists  bool
		want    string // the content afterwards
		problem string
	}{
		"newest":         {policies.Releases[len(policies.Releases)-1], true, "new", ""},
		"older":          {policies.Releases[0], true, "old", "never changes"},
		"older, missing": {policies.Releases[0], false, "new", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "golden.json")
			if tc.exists {
				if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			problem, err := compareGolden(path, tc.version, []byte("new"), true)
			if err != nil {
				t.Fatal(err)
			}
			if (problem != "") != (tc.problem != "") || !strings.Contains(problem, tc.problem) {
				t.Errorf("problem %q, want %q", problem, tc.problem)
			}
			if have, err := os.ReadFile(path); err != nil || string(have) != tc.want {
				t.Errorf("the file has %q (%v), want %q", have, err, tc.want)
			}
		})
	}
}

func indented(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGoldenClumio compares the set of everything, and a summary of every selection, with golden files.
func TestGoldenClumio(t *testing.T) {
	newest := policies.Releases[len(policies.Releases)-1]
	golden(t, "clumio-everything.golden.json", newest, indented(t, synthesize(t, everything(), environment(here))))
	golden(t, "clumio-everything-1.golden.json", "1", indented(t, synthesize(t, everythingAt1(), environment(here))))
	hashes := map[string]string{}
	for _, region := range append(regions, "open") {
		env := environment("us-east-1")
		if region == "open" {
			env.Partition, env.Account, env.Region, env.StackNames = "", "", "", nil
		} else {
			env = environment(region)
		}
		env.ConnectionID = uuid
		sum := sha256.New()
		for sel := range selections() {
			data, err := json.Marshal(synthesize(t, sel, env))
			if err != nil {
				t.Fatal(err)
			}
			sum.Write(data)
		}
		hashes[region] = hex.EncodeToString(sum.Sum(nil))
	}
	golden(t, "clumio-choices.golden.json", newest, indented(t, hashes))
}

// TestGoldenCPM compares the set of the preset enterprise with a golden file.
func TestGoldenCPM(t *testing.T) {
	golden(t, "cpm-enterprise.golden.json", policies.Releases[len(policies.Releases)-1],
		indented(t, synthesize(t, policies.Selection{Profile: "cpm", Preset: "enterprise"}, cpmEnvironment(here))))
}
