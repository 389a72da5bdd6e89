package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

// TestRewrite changes the module path of a copy, resolves every import of it, those of tests included, and builds
// packages under the new path: with PERMSTACK_FULL=1 the command, for which every package is compiled again, and
// otherwise those of policies.
func TestRewrite(t *testing.T) {
	policytest.RequireSlow(t, "it compiles every package again")
	const to = "example.com/owner/permstack"
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range append(directories(t, root), ".") {
		copyFiles(t, filepath.Join(root, name), filepath.Join(dir, name), name != ".")
	}
	if _, err := Rewrite(dir, to); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if got := strings.TrimSpace(run("list", "-m")); got != to {
		t.Errorf("got module %s, want %s", got, to)
	}
	run("list", "-deps", "-test", "./...")
	if policytest.Full() {
		bin := filepath.Join(dir, "permstack-program")
		run("build", "-o", bin, to+"/cmd/permstack")
		if out, err := exec.Command(bin, "version").CombinedOutput(); err != nil {
			t.Errorf("permstack version: %v\n%s", err, out)
		}
	} else {
		run("build", to+"/internal/iampolicy/...")
	}
	const former = `[" =]permstack/(cmd|functions|internal|interop|tools)/`
	if left, err := exec.Command("grep", "-rnE", former, "--include=*.go", dir).CombinedOutput(); err == nil {
		t.Errorf("import paths of the old module are left:\n%.2000s", left)
	}
}

// TestRewriteErrors requires that a path which cannot be published changes nothing.
func TestRewriteErrors(t *testing.T) {
	for _, to := range []string{"", "permstack", "https://github.com/owner/permstack", "github.com/owner/"} {
		t.Run(to, func(t *testing.T) {
			dir := t.TempDir()
			const text = "module permstack\n"
			if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Rewrite(dir, to); err == nil {
				t.Error("got no error")
			}
			if got, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || string(got) != text {
				t.Errorf("got go.mod %q, %v", got, err)
			}
		})
	}
}

// directories returns the directories of the module that have Go packages or files that these embed.
func directories(t *testing.T, root string) []string {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "dist" && e.Name() != "node_modules" {
			out = append(out, e.Name())
		}
	}
	return out
}

// copyFiles copies the files of a directory, and those below it.
func copyFiles(t *testing.T, from, to string, below bool) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err == nil {
		err = os.MkdirAll(to, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		source, target := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if e.IsDir() {
			if below && e.Name() != "node_modules" {
				copyFiles(t, source, target, true)
			}
			continue
		}
		data, err := os.ReadFile(source)
		if err == nil {
			err = os.WriteFile(target, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
