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

// TestAWSBehaviourNamesTests requires that every test that docs/aws-behaviour.md names
// exists, and that each of its rows has a source, a certainty, what holds it and the
// consequence.
func TestAWSBehaviourNamesTests(t *testing.T) {
	document, err := os.ReadFile("docs/aws-behaviour.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources bytes.Buffer
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
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
	names := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllSubmatch(document, -1)
	if len(names) < 20 {
		t.Errorf("the document names %d tests, want all that hold an assumption", len(names))
	}
	for _, m := range names {
		if !bytes.Contains(sources.Bytes(), append([]byte("func "), append(m[1], '(')...)) {
			t.Errorf("docs/aws-behaviour.md names %s, which does not exist", m[1])
		}
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
