package interop

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// lockedPackage is an entry of pip's requirements with the hashes of the package's files.
var lockedPackage = regexp.MustCompile(`^(\S+)==([^\s;]+)( ;[^\\]*)?( \\\n    --hash=sha256:[0-9a-f]{64})+$`)

// TestLock checks that interop/lock has every tool of interop/tools.txt in its version, and a hash of every package.
func TestLock(t *testing.T) {
	t.Parallel()
	locked := map[string]map[string]string{"npm": lockedForNode(t)}
	for _, kind := range []string{"uv", "pip", "sam", "ministack"} {
		locked[kind] = lockedForPython(t, "lock/"+kind+".txt")
	}
	list, err := os.ReadFile("tools.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(list)) {
		kind, tool, _ := strings.Cut(strings.TrimSpace(line), " ")
		versions, ok := locked[kind]
		if !ok {
			continue
		}
		found++
		name, version, _ := strings.Cut(tool, "==")
		name, _, _ = strings.Cut(name, "[") // the extras are locked as packages of their own
		if kind == "npm" {
			i := strings.LastIndex(tool, "@")
			name, version = tool[:i], tool[i+1:]
		}
		if got := versions[name]; got != version {
			t.Errorf("interop/lock has version %q of %s, tools.txt %q: run ./build.sh lock", got, name, version)
		}
	}
	if found < 10 {
		t.Errorf("got %d tools of tools.txt, want at least 10", found)
	}
}

// lockedForPython returns the versions of a requirements file, in which every package has a hash.
func lockedForPython(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	// Only the lines with hashes are indented.
	for _, entry := range regexp.MustCompile(`(?m)^\S.*(\n    .*)*`).FindAllString(string(text), -1) {
		m := lockedPackage.FindStringSubmatch(entry)
		if m == nil {
			t.Errorf("%s: not a version with hashes: %s", file, entry)
			continue
		}
		out[m[1]] = m[2]
	}
	return out
}

// lockedForNode returns the versions of npm's lock, in which every package has a hash.
func lockedForNode(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("lock/npm/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct {
			Version, Integrity string
			InBundle           bool
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for path, p := range lock.Packages {
		if path == "" { // the project itself
			continue
		}
		if p.Integrity == "" && !p.InBundle { // bundled files are part of the package that contains them
			t.Errorf("package-lock.json: %s has no hash", path)
		}
		out[strings.TrimPrefix(path, "node_modules/")] = p.Version
	}
	return out
}
