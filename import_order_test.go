package permstack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// importOrder lists the directories of internal/. A package imports packages of
// its own directory and of those before it, so there are no cycles between
// directories and no upward imports.
var importOrder = []string{
	"iampolicy",       // documents, evaluation, comparison
	"installation",    // the identity of an installation
	"terminal",        // width and colour
	"awsapi",          // error classes, the functions' environment
	"cfn",             // templates, custom resources, stacks
	"notify",          // messages and their delivery
	"policies",        // the vendors' catalogues
	"permissionstack", // a permission set as templates
	"provisioner",     // the custom resource
	"drift",           // the drift check
	"release",         // what is published
	"review",          // what people read
	"fakeaws",         // the embedded AWS
	"e2e",             // scenarios on the embedded AWS
}

const maxDirectories = 14

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// goList returns the packages that match a pattern, without test files.
func goList(t *testing.T, pattern string) []goPackage {
	t.Helper()
	return goListFor(t, "", "", pattern)
}

// goListFor is goList for a platform; "" is the one that the tests run on.
func goListFor(t *testing.T, goos, goarch, pattern string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", pattern)
	if goos != "" {
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", pattern, err, &stderr)
	}
	var packages []goPackage
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatalf("go list %s: no packages", pattern)
	}
	return packages
}

// internalDirectory returns the directory directly under internal/ of an import
// path, or "".
func internalDirectory(path string) string {
	rest, ok := strings.CutPrefix(path, "permstack/internal/")
	if !ok {
		return ""
	}
	directory, _, _ := strings.Cut(rest, "/")
	return directory
}

func TestInternalDirectories(t *testing.T) {
	entries, err := os.ReadDir("internal")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.IsDir() {
			got = append(got, e.Name())
		}
	}
	if len(got) > maxDirectories {
		t.Errorf("got %d directories under internal/, want at most %d", len(got), maxDirectories)
	}
	if want := slices.Sorted(slices.Values(importOrder)); !slices.Equal(got, want) {
		t.Errorf("directories under internal/: got %q, importOrder has %q", got, want)
	}
}

func TestImportOrder(t *testing.T) {
	for _, p := range goList(t, "./internal/...") {
		from := internalDirectory(p.ImportPath)
		for _, imported := range p.Imports {
			to := internalDirectory(imported)
			if to != "" && slices.Index(importOrder, to) > slices.Index(importOrder, from) {
				t.Errorf("%s imports %s: importOrder has %s after %s", p.ImportPath, imported, to, from)
			}
		}
	}
}

// TestFunctionDependencies requires that the functions, which run in AWS, link
// neither the embedded AWS nor tests, tools or the command line.
func TestFunctionDependencies(t *testing.T) {
	for _, p := range goList(t, "./functions/...") {
		for _, dep := range p.Deps {
			for _, forbidden := range []string{
				"permstack/internal/fakeaws", "permstack/internal/e2e", "permstack/internal/review", "permstack/internal/release",
				"permstack/internal/terminal", "permstack/interop", "permstack/tools", "permstack/cmd",
				"permstack/internal/iampolicy/reference", "permstack/internal/policies/lint",
			} {
				if dep == forbidden || strings.HasPrefix(dep, forbidden+"/") {
					t.Errorf("%s links %s", p.ImportPath, dep)
				}
			}
		}
	}
}

// TestReviewPageDependencies requires that the WebAssembly of the review page, which a browser loads, links neither the
// large action reference nor packages of the standard library that would make it larger.
func TestReviewPageDependencies(t *testing.T) {
	large := []string{
		"permstack/internal/iampolicy/reference", "permstack/internal/policies/lint",
		"encoding/xml", "go/format", "html/template", "math/big", "net/http", "os/exec", "text/template", "time/tzdata",
	}
	for _, p := range goListFor(t, "js", "wasm", "./internal/review/webui/engine") {
		for _, dep := range p.Deps {
			if slices.Contains(large, dep) {
				t.Errorf("%s links %s", p.ImportPath, dep)
			}
		}
	}
}

// TestInstallationDependencies requires that provisioner, drift and notify can use
// the identity of an installation without linking each other or the catalogues.
func TestInstallationDependencies(t *testing.T) {
	for _, p := range goList(t, "./internal/installation/...") {
		for _, dep := range p.Deps {
			if slices.Contains([]string{"policies", "provisioner", "notify", "drift", "permissionstack"},
				internalDirectory(dep)) {
				t.Errorf("%s links %s", p.ImportPath, dep)
			}
		}
	}
}
