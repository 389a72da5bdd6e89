package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const listed = `- file: core/a.go
  mutation: CONDITIONALS_BOUNDARY
  code: if a < b {
  column: 6
  reason: a is never b
`

// TestReport checks which results are failures.
func TestReport(t *testing.T) {
	const source = "package core\n\nfunc f() {\n\tif a < b {\n\t}\n\n\n\tif b < a {\n\t}\n}\n"
	first, second := strings.Index(source, "< b"), strings.Index(source, "< a")
	for _, tt := range []struct {
		name              string
		offset            int
		detected, reached bool
		ok                bool
		output            string
	}{
		{"listed survivor", first, false, true, true, "1 known"},
		{"listed mutant that no test reaches", first, false, false, true, "1 known"},
		{"listed mutant that a test detects", first, true, true, false, "remove it"},
		{"survivor in another column", first - 2, false, true, false, "column: 4"},
		{"survivor on another line", second, false, true, false, `code: "if b < a {"`},
		{"survivor that no test reaches", second, false, false, false, "line 8, which no test reaches"},
		{"detected", second, true, true, true, "1 detected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "list.yaml")
			if err := os.WriteFile(name, []byte(listed), 0o600); err != nil {
				t.Fatal(err)
			}
			known, err := readEquivalent(name)
			if err != nil {
				t.Fatal(err)
			}
			r := where(mutant{"core/a.go", tt.offset, boundary}, source)
			r.detected, r.reached = tt.detected, tt.reached
			var out strings.Builder
			ok := report(&out, "core", []result{r}, known)
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
		isLine := func(line string) bool { return strings.TrimSpace(line) == at.Code }
		if !slices.ContainsFunc(strings.Split(string(data), "\n"), isLine) {
			t.Errorf("%s has no line %q", at.File, at.Code)
		}
	}
}

func TestCorePackage(t *testing.T) {
	for file, want := range map[string]string{
		"internal/policies/scope/scope.go": "internal/policies",
		"internal/policies/size.go":        "internal/policies",
		"internal/drift/detect/check.go":   "internal/drift/detect",
		"internal/drift/audit/audit.go":    "internal/drift/audit",
	} {
		if got := corePackage(file); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
}
