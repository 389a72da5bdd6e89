package permissiondocs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/narrowings"
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

// TestEverythingIsShown checks that the document of a profile has the text of every
// remaining risk, prerequisite and recorded difference.
func TestEverythingIsShown(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			text := files[name+".md"]
			profile, _ := policies.Profile(name)
			var want []string
			for _, p := range profile.Prerequisites {
				want = append(want, p.Text)
			}
			_, grants, err := synthesize(choice.Everything(profile))
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range grants {
				for _, r := range g.Remains {
					want = append(want, r.Text)
				}
			}
			d, err := narrowings.Read(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range d.Narrowings {
				want = append(want, n.Why)
			}
			if len(want) < 40 {
				t.Errorf("found %d texts, want all of the profile", len(want))
			}
			for _, w := range want {
				if !strings.Contains(text, escapeCell(w)) {
					t.Errorf("the document lacks %q", w)
				}
			}
		})
	}
}
