package permstack_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentsNameTests requires that every test that a document names as proof exists.
func TestDocumentsNameTests(t *testing.T) {
	var sources bytes.Buffer
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		sources.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"docs/aws-behaviour.md", "docs/security.md", "docs/verify.md"} {
		t.Run(path, func(t *testing.T) {
			names := testName.FindAllSubmatch(read(t, path), -1)
			if len(names) == 0 {
				t.Error("the document names no test")
			}
			for _, m := range names {
				if !bytes.Contains(sources.Bytes(), []byte("func "+string(m[1])+"(")) {
					t.Errorf("the document names %s, which does not exist", m[1])
				}
			}
			for _, m := range testFile.FindAllSubmatch(read(t, path), -1) {
				if _, err := os.Stat(string(m[1])); err != nil {
					t.Errorf("the document names a file of tests: %v", err)
				}
			}
		})
	}
}

var (
	testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)`")
	testFile = regexp.MustCompile("`([a-z0-9_./-]+_test[.]go)`")
)

// TestAWSBehaviourRows requires that each row of docs/aws-behaviour.md has a source, a certainty, what holds it and the
// consequence.
func TestAWSBehaviourRows(t *testing.T) {
	document, err := os.ReadFile("docs/aws-behaviour.md")
	if err != nil {
		t.Fatal(err)
	}
	if names := testName.FindAll(document, -1); len(names) < 20 {
		t.Errorf("the document names %d tests, want all that hold an assumption", len(names))
	}
	for _, line := range strings.Split(string(document), "\n") {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 5 {
			t.Errorf("got %d cells, want 5: %s", len(cells), line)
		}
		for _, cell := range cells {
			if strings.TrimSpace(cell) == "" {
				t.Errorf("an empty cell: %s", line)
			}
		}
	}
}

// TestSecurityClaims requires that each row of the table of claims in docs/security.md names a test;
// TestDocumentsNameTests requires that it exists.
func TestSecurityClaims(t *testing.T) {
	_, section, _ := strings.Cut(string(read(t, "docs/security.md")), "## Claims and their tests")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 2 || strings.HasPrefix(line, "|---") || strings.Contains(line, "| claim |") {
			continue
		}
		rows++
		if len(cells) != 5 || !testName.MatchString(cells[2]) {
			t.Errorf("no test: %s", line)
		}
	}
	if rows < 15 {
		t.Errorf("got %d claims, want at least 15", rows)
	}
}
