package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const listed = `- file: core/a.go
  mutation: CONDITIONALS_BOUNDARY
  code: if a < b {
  column: 6
  reason: a is never b
`

// TestReport checks which results of gremlins are failures.
func TestReport(t *testing.T) {
	for _, tt := range []struct {
		name, status string
		line, column int
		ok           bool
		output       string
	}{
		{"listed survivor", "LIVED", 4, 7, true, "1 known"},
		{"listed mutant that a test detects", "KILLED", 4, 7, false, "remove it"},
		{"survivor in another column", "LIVED", 4, 4, false, "column: 3"},
		{"survivor on another line", "LIVED", 8, 7, false, `code: "if b < a {"`},
		{"detected", "KILLED", 8, 7, true, "1 detected"},
		{"endless loop", "TIMED OUT", 8, 7, true, "1 detected"},
		{"not run", "NOT COVERED", 8, 7, true, "1 not run"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			source := "package core\n\nfunc f() {\n\tif a < b {\n\t}\n\n\n\tif b < a {\n\t}\n}\n"
			for name, text := range map[string]string{"core/a.go": source, "list.yaml": listed} {
				if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			known, err := readEquivalent("list.yaml")
			if err != nil {
				t.Fatal(err)
			}
			var r result
			r.Files = append(r.Files, struct {
				Name      string   `json:"file_name"`
				Mutations []mutant `json:"mutations"`
			}{"a.go", []mutant{{"CONDITIONALS_BOUNDARY", tt.status, tt.line, tt.column}}})
			var out strings.Builder
			ok, err := report(&out, r, "core", known)
			if err != nil {
				t.Fatal(err)
			}
			if ok != tt.ok || !strings.Contains(out.String(), tt.output) {
				t.Errorf("report = %v, want %v, with %q in the output:\n%s", ok, tt.ok, tt.output, out.String())
			}
		})
	}
}

// TestEquivalentListIsValid reads the list of this repository: every entry has a reason and names a line that exists.
func TestEquivalentListIsValid(t *testing.T) {
	t.Chdir("../..")
	known, err := readEquivalent(equivalentList)
	if err != nil {
		t.Fatal(err)
	}
	for at := range known {
		data, err := os.ReadFile(at.File)
		if err != nil {
			t.Errorf("listed file: %v", err)
			continue
		}
		if !strings.Contains(string(data), "\t"+at.Code+"\n") {
			t.Errorf("%s has no line %q", at.File, at.Code)
		}
	}
}
