package policies_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"permstack/internal/policies"
)

var update = flag.Bool("update", false, "write the goldens again; a reviewer should then read the difference")

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name string, have []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf(
			"%s differs from what was released; if that is meant, run the tests with -update and read the difference",
			name,
		)
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
	golden(t, "clumio-everything.golden.json", indented(t, synthesize(t, everything(), environment(here))))
	golden(t, "clumio-everything-1.golden.json", indented(t, synthesize(t, everythingAt1(), environment(here))))
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
	golden(t, "clumio-choices.golden.json", indented(t, hashes))
}

// TestGoldenCPM compares the set of the preset enterprise with a golden file.
func TestGoldenCPM(t *testing.T) {
	golden(t, "cpm-enterprise.golden.json",
		indented(t, synthesize(t, policies.Selection{Profile: "cpm", Preset: "enterprise"}, cpmEnvironment(here))))
}
