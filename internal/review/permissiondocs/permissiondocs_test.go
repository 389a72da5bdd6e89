package permissiondocs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const folder = "../../../docs/permissions"

// TestFresh holds the files that git keeps against the catalogue.
func TestFresh(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		have, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Errorf("read %s: %v (go generate ./internal/review/permissiondocs)", name, err)
		} else if string(have) != want {
			t.Errorf("%s is stale: go generate ./internal/review/permissiondocs", name)
		}
	}
	there, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if _, known := files[f.Name()]; !known {
			t.Errorf("%s is not made by anything", f.Name())
		}
	}
}

// TestTables: every row has as many cells as its head, or Markdown shows none.
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
				t.Errorf("%s:%d has %d bars, its head %d", name, i+1, n, columns)
			}
			columns = n
		}
	}
}
