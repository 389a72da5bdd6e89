package lint_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"permstack/internal/policies/lint"
)

var update = flag.Bool("update", false, "write the expected problems of testdata")

// TestBrokenProfiles checks profiles that differ from base.yaml, which has no problems. An archive of testdata holds
// "replace", the differences as OLD, a line =>, NEW, with a line --- between them, and "want", the problems with their
// positions. Run with -update to write the latter.
func TestBrokenProfiles(t *testing.T) {
	base, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 15 {
		t.Fatalf("got %d archives, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, want := string(base), ""
			for _, f := range archive.Files {
				switch f.Name {
				case "replace":
					for block := range strings.SplitSeq(strings.TrimSuffix(string(f.Data), "\n"), "\n---\n") {
						before, after, ok := strings.Cut(block, "\n=>\n")
						if !ok || strings.Count(text, before) != 1 {
							t.Fatalf("base.yaml has %d times %q", strings.Count(text, before), before)
						}
						text = strings.Replace(text, before, after, 1)
					}
				case "want":
					want = string(f.Data)
				default:
					t.Fatalf("unexpected file %s", f.Name)
				}
			}
			_, problems, err := lint.Load(fstest.MapFS{"acme.yaml": {Data: []byte(text)}}, "acme.yaml")
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, p := range problems {
				fmt.Fprintf(&got, "%s\n", p)
			}
			if *update {
				archive.Files[len(archive.Files)-1].Data = []byte(got.String())
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got.String()); d != "" {
				t.Errorf("problems of %s (-want +got):\n%s", file, d)
			}
		})
	}
}

// TestBaseHasNoProblems checks that the profile that the archives change is correct.
func TestBaseHasNoProblems(t *testing.T) {
	_, problems, err := lint.Load(os.DirFS("testdata"), "base.yaml")
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// TestEveryRuleHasABrokenProfile checks that for each rule there is a profile in which it finds a
// problem.
func TestEveryRuleHasABrokenProfile(t *testing.T) {
	source, err := os.ReadFile("lint.go")
	if err != nil {
		t.Fatal(err)
	}
	var wants strings.Builder
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		wants.Write(data)
	}
	for _, m := range regexp.MustCompile(`(?m)^\t\w+ +Rule = "([a-z-]+)"`).FindAllSubmatch(source, -1) {
		if rule := string(m[1]); !strings.Contains(wants.String(), "("+rule+")") {
			t.Errorf("no archive has a problem of rule %s", rule)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	if _, _, err := lint.Load(fstest.MapFS{}, "acme.yaml"); err == nil {
		t.Error("a missing file is no error")
	}
}
