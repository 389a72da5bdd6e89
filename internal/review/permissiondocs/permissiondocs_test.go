package permissiondocs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const folder = "../../../docs/permissions"

// TestUpToDate compares the committed files with the catalogue.
func TestUpToDate(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		have, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Errorf("read %s: %v (run go generate ./internal/review/permissiondocs)", name, err)
		} else if string(have) != want {
			t.Errorf("%s is out of date: run go generate ./internal/review/permissiondocs", name)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range entries {
		if _, ok := files[f.Name()]; !ok {
			t.Errorf("%s is not a generated file", f.Name())
		}
	}
}

// TestTables checks that every row has as many cells as its heading; Markdown shows
// no table otherwise.
func TestTables(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		columns := 0
		for i, line := range strings.Split(text, "\n") {
			if !strings.HasPrefix(line, "|") {
				columns = 0
				continue
			}
			n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
			if columns > 0 && n != columns {
				t.Errorf("%s:%d has %d bars, its heading has %d", name, i+1, n, columns)
			}
			columns = n
		}
	}
}
