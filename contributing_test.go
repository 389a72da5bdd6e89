package permstack_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// placeholders match what CONTRIBUTING.md writes in place of a name.
var placeholders = regexp.MustCompile(`<[a-z]+>|…`)

// TestReadmeCommands checks that the README begins with the commands that a newcomer needs: the demo and the tests.
func TestReadmeCommands(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(data), "\n## ")
	for _, command := range []string{"\ngo run ./cmd/permstack try\n", "\n./build.sh test\n"} {
		if !strings.Contains(first, command) {
			t.Errorf("the first section of README.md has no line %q", strings.TrimSpace(command))
		}
	}
}

// TestContributing checks that every path, command, generator and test that CONTRIBUTING.md names exists.
func TestContributing(t *testing.T) {
	data, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	var code []string
	for _, m := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(text, -1) {
		code = append(code, strings.Split(strings.TrimSpace(m[1]), "\n")...)
	}
	for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(strings.ReplaceAll(text, "```", ""), -1) {
		code = append(code, m[1])
	}
	known := declarations(t)
	checked := 0
	for _, c := range code {
		if problem, ok := checkReference(c, known); !ok {
			continue
		} else if checked++; problem != "" {
			t.Errorf("CONTRIBUTING.md: `%s`: %s", c, problem)
		}
	}
	if checked < 40 {
		t.Errorf("CONTRIBUTING.md: checked %d references, want at least 40", checked)
	}
}

// known are the names that commands and tests may have.
type known struct{ build, permstack, tests, generators map[string]bool }

// checkReference checks one piece of code of CONTRIBUTING.md. It reports whether it recognised it.
func checkReference(c string, k known) (problem string, ok bool) {
	words := strings.Fields(c)
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	if strings.HasPrefix(word(0), "IAM_DATA=") {
		words = words[1:]
	}
	switch {
	case word(0) == "./build.sh":
		if name := word(1); name != "" && word(1) != "lists" && !k.build[name] {
			return "build.sh has no command " + name, true
		}
	case word(0) == "permstack":
		if !k.permstack[word(1)] {
			return "there is no command " + word(1), true
		}
	case word(0) == "go" && word(1) == "generate":
		if !k.generators[filepath.Clean(word(2))] {
			return "the package has no go:generate line", true
		}
	case word(0) == "go" && (word(1) == "test" || word(1) == "run"):
		if _, err := os.Stat(strings.TrimSuffix(word(2), "/...")); err != nil {
			return err.Error(), true
		}
	case regexp.MustCompile(`^Test[A-Z]\w+$`).MatchString(c):
		if !k.tests[c] {
			return "there is no such test", true
		}
	case regexp.MustCompile(`^(cmd|docs|functions|interop|internal|templates|testdata|tools)/\S+$`).MatchString(c),
		regexp.MustCompile(`^[\w.-]+\.(md|yaml|go|sh)$`).MatchString(c) && c != "main.go":
		if missing := missingPath(c); missing != "" {
			return "there is no " + missing, true
		}
	default:
		return "", false
	}
	return "", true
}

// missingPath returns a path that does not exist, "" if there is none. A folder represents each folder that its
// placeholder matches, such as each vendor's: what follows must exist in all of them.
func missingPath(path string) string {
	folders := []string{""}
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, part := range parts {
		var next []string
		for _, folder := range folders {
			name := placeholders.ReplaceAllString(part, "*")
			pattern := filepath.Join(folder, name)
			found, err := filepath.Glob(pattern)
			if err != nil || len(found) == 0 {
				return pattern
			}
			for _, f := range found {
				info, err := os.Stat(f)
				if err == nil && (i == len(parts)-1 || info.IsDir() && (name == part || info.Name() != "testdata")) {
					next = append(next, f)
				}
			}
		}
		folders = next
	}
	return ""
}

// TestMissingPath checks that a file must be in each folder that a placeholder represents.
func TestMissingPath(t *testing.T) {
	for path, want := range map[string]string{
		"internal/policies/profiles/<vendor>/profile.yaml": "",
		"internal/fakeaws/<service>/":                      "",
		"internal/policies/profiles/<vendor>/support.yaml": "internal/policies/profiles/aws-backup/support.yaml",
		"internal/drift/detect/type_<name>.go":             "",
		"internal/drift/detect/kind_<name>.go":             "internal/drift/detect/kind_*.go",
		"templates/unknown.yaml":                           "templates/unknown.yaml",
	} {
		t.Run(path, func(t *testing.T) {
			if got := filepath.ToSlash(missingPath(path)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// declarations reads the commands of build.sh and permstack, the tests and the go:generate lines.
func declarations(t *testing.T) known {
	t.Helper()
	k := known{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	match := func(line, pattern string, into map[string]bool) {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(line); m != nil {
			for _, name := range strings.Split(m[1], " | ") {
				into[name] = true
			}
		}
	}
	eachLine(t, "build.sh", func(_ int, line string) { match(line, `^  ([a-z][a-z |]*)\) `, k.build) })
	for _, path := range trackedFiles(t) {
		if filepath.Ext(path) != ".go" {
			continue
		}
		eachLine(t, path, func(_ int, line string) {
			match(line, `^func (Test\w+)\(`, k.tests)
			if strings.HasPrefix(path, "cmd/permstack/") {
				match(line, `Use:\s+"([a-z-]+)`, k.permstack)
			}
			if strings.HasPrefix(line, "//go:generate ") {
				k.generators[filepath.Dir(path)] = true
			}
		})
	}
	for name, found := range map[string]map[string]bool{
		"build.sh": k.build, "cmd/permstack": k.permstack, "tests": k.tests, "go:generate": k.generators,
	} {
		if len(found) == 0 {
			t.Fatalf("no declarations found: %s", name)
		}
	}
	return k
}

// TestFileSizes checks that Go files which are written by hand have at most 400 lines.
func TestFileSizes(t *testing.T) {
	const limit = 400
	for _, path := range trackedFiles(t) {
		if filepath.Ext(path) != ".go" || isGenerated(t, path) {
			continue
		}
		lines := 0
		eachLine(t, path, func(int, string) { lines++ })
		if lines > limit {
			t.Errorf("%s has %d lines, want at most %d: split it by purpose", path, lines, limit)
		}
	}
}

// trackedFiles returns the files of the repository outside build output, test data and installed tools, sorted.
func trackedFiles(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch name := entry.Name(); {
			case path == ".":
			case strings.HasPrefix(name, "."), name == "dist", name == "testdata", name == "node_modules":
				return filepath.SkipDir
			}
			return nil
		}
		out = append(out, filepath.ToSlash(path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("found %d files, want the whole repository", len(out))
	}
	return out
}

// eachLine calls f with every line of a file and its number, from 1.
func eachLine(t *testing.T, path string, f func(number int, line string)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		f(n, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(fmt.Errorf("read %s: %w", path, err))
	}
}

// isGenerated reports whether a Go file was written by a program ("go help generate").
func isGenerated(t *testing.T, path string) bool {
	t.Helper()
	generated := false
	eachLine(t, path, func(_ int, line string) {
		if strings.HasPrefix(line, "// Code generated ") && strings.HasSuffix(line, " DO NOT EDIT.") {
			generated = true
		}
	})
	return generated
}
