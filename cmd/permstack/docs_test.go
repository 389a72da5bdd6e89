package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestDocs checks statements of docs/ and the README that can be checked: links lead
// to files, named files and tests exist, and examples use commands and flags of this
// program.
func TestDocs(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(root, "docs", "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(append(files, more...), filepath.Join(root, "README.md")) // contributing_test.go checks CONTRIBUTING.md
	tests := testNames(t, root)
	for _, file := range files {
		t.Run(strings.TrimPrefix(filepath.ToSlash(file), "../../"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := string(data)
			checkLinks(t, file, text)
			checkNames(t, root, text, tests)
			checkExamples(t, text)
		})
	}
}

// testNames returns the names of all tests and fuzz targets.
func testNames(t *testing.T, root string) map[string]bool {
	t.Helper()
	cmd := exec.Command("git", "grep", "--untracked", "-hoE", `^func (Test|Fuzz)\w+`, "--", "*_test.go")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("skipped: this is not a git checkout: %v", err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		names[strings.TrimSpace(strings.TrimPrefix(line, "func "))] = true
	}
	return names
}

var link = regexp.MustCompile(`\]\(([^)#: ]+)(#[^) ]*)?\)`)

func checkLinks(t *testing.T, file, text string) {
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
			t.Errorf("link to %s: no such file", m[1])
		}
	}
}

var (
	inCode   = regexp.MustCompile("`([^`\n]+)`")
	testName = regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`)
	// repoFile is a path in the repository.
	repoFile = regexp.MustCompile(`^(internal|cmd|docs|functions|interop|templates|tools)/[\w./-]+$|^[\w-]+_test\.go$`)
)

func checkNames(t *testing.T, root, text string, tests map[string]bool) {
	for _, m := range inCode.FindAllStringSubmatch(text, -1) {
		name := m[1]
		switch {
		case testName.MatchString(name) && !tests[name]:
			t.Errorf("%s: no such test", name)
		case repoFile.MatchString(name) && !strings.Contains(name, "NAME") && !strings.Contains(name, "VERSION"):
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s: no such file", name)
			}
		}
	}
}

// example is a command line of permstack, up to a pipe or redirection.
var example = regexp.MustCompile(`(?m)^ *(?:go run \./cmd/)?permstack ([a-z][^\n|>]*)`)

func checkExamples(t *testing.T, text string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	code := strings.Builder{} // only code: prose names permstack, too
	inBlock := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			inBlock = !inBlock
		case inBlock:
			code.WriteString(line)
		default:
			for _, m := range inCode.FindAllStringSubmatch(line, -1) {
				code.WriteString(m[1] + "\n")
			}
		}
	}
	for _, m := range example.FindAllStringSubmatch(code.String(), -1) {
		words := strings.Fields(m[1])
		root := newRoot()
		root.InitDefaultCompletionCmd()
		cmd, _, err := root.Find(words) // the subcommand, such as open of restore
		if err != nil || !cmd.HasParent() {
			t.Errorf("permstack %s: no such command", words[0])
			continue
		}
		checkFlags(t, cmd, words[1:])
	}
}

// formatName is a value of --output, and no placeholder such as FORMAT.
var formatName = regexp.MustCompile(`^[a-z]+$`)

func checkFlags(t *testing.T, cmd *cobra.Command, words []string) {
	for i, word := range words {
		name, isFlag := strings.CutPrefix(word, "--")
		name, _, _ = strings.Cut(strings.TrimRight(name, ",.;:)"), "=")
		if isFlag && name != "help" && name != "version" && name != "" && cmd.Flags().Lookup(name) == nil {
			t.Errorf("permstack %s has no flag --%s", cmd.Name(), name)
		}
		if name == "output" && i+1 < len(words) {
			value := strings.TrimRight(words[i+1], ",.;:)`")
			if f := cmd.Flags().Lookup(name); f != nil && formatName.MatchString(value) && f.Value.Set(value) != nil {
				t.Errorf("permstack %s refuses --output %s", cmd.Name(), value)
			}
		}
	}
}
