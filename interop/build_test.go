package interop

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// newerThanBash32 are features that bash 3.2, the version of macOS, does not have or handles differently.
var newerThanBash32 = map[string]*regexp.Regexp{
	"mapfile and readarray":      regexp.MustCompile(`\b(mapfile|readarray)\b`),
	"associative arrays":         regexp.MustCompile(`\b(declare|local|typeset)\s+-[a-zA-Z]*A`),
	"name references":            regexp.MustCompile(`\b(declare|local|typeset)\s+-[a-zA-Z]*n`),
	"global declarations":        regexp.MustCompile(`\b(declare|typeset)\s+-[a-zA-Z]*g`),
	"case conversion":            regexp.MustCompile(`\$\{[A-Za-z_0-9@*]+(\[[^]]*\])?(,|\^)`),
	"transformation":             regexp.MustCompile(`\$\{[A-Za-z_0-9]+(\[[^]]*\])?@[A-Za-z]\}`),
	"negative indexes":           regexp.MustCompile(`\[-[0-9]+\]`),
	"pipes of both streams":      regexp.MustCompile(`\|&|&>>`),
	"coprocesses":                regexp.MustCompile(`^\s*coproc\b`),
	"waiting for any job":        regexp.MustCompile(`\bwait\s+-[np]`),
	"fall through in case":       regexp.MustCompile(`;;?&`),
	"globstar":                   regexp.MustCompile(`globstar|lastpipe`),
	"times in printf":            regexp.MustCompile(`printf[^|;]*%\([^)]*\)T`),
	"variable file descriptors":  regexp.MustCompile(`(exec|>|<)\s*\{[a-z]+\}[<>]`),
	"steps in brace expansion":   regexp.MustCompile(`\{[0-9]+\.\.[0-9]+\.\.`),
	"tests of set variables":     regexp.MustCompile(`\[\[?\s+(!\s+)?-v\s`),
	"positional slices (set -u)": regexp.MustCompile(`"\$\{@:`),
	"EPOCHSECONDS and the like":  regexp.MustCompile(`\b(EPOCHSECONDS|EPOCHREALTIME|BASHPID|SRANDOM)\b`),
}

// TestBash32 checks that the shell scripts use no feature that is newer than bash 3.2.
func TestBash32(t *testing.T) {
	for _, script := range scripts {
		data, err := os.ReadFile(filepath.Join(root, script))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			code, _, _ := strings.Cut(line, " # ")
			if strings.HasPrefix(strings.TrimSpace(code), "#") {
				continue
			}
			for feature, pattern := range newerThanBash32 {
				if pattern.MatchString(code) {
					t.Errorf("%s:%d: bash 3.2 does not support this (%s): %s", script, i+1, feature, line)
				}
			}
		}
	}
}

var scripts = []string{"build.sh", ".ci/run"}

// TestShellcheck runs shellcheck over the shell scripts.
func TestShellcheck(t *testing.T) {
	program := tool(t, "PERMSTACK_SHELLCHECK")
	if stdout, stderr, err := runProgram(t, os.Environ(), program, scripts...); err != nil {
		t.Errorf("shellcheck: %v\n%s%s", err, stdout, stderr)
	}
}

// TestBuildCommands checks that each command of build.sh calls a function of the script, or Go, and that the usage
// lists it.
func TestBuildCommands(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "build.sh"))
	if err != nil {
		t.Fatal(err)
	}
	script := string(data)
	_, commands, _ := strings.Cut(script, "\ncase $command in\n")
	found := regexp.MustCompile(`(?m)^  ([a-z][a-z |]*)\) ([a-z_]+)\b`).FindAllStringSubmatch(commands, -1)
	if len(found) < 10 {
		t.Fatalf("build.sh has %d commands, want at least 10", len(found))
	}
	for _, command := range found {
		function := command[2]
		if function != "go" && function != "rm" && !strings.Contains(script, "\n"+function+"() {\n") {
			t.Errorf("build.sh %s calls %s, which is not defined", command[1], function)
		}
		name, _, _ := strings.Cut(command[1], " ")
		if !strings.Contains(script, "\n  "+name+" ") && !strings.Contains(script, "\n  "+name+"\n") {
			t.Errorf("the usage of build.sh does not list %s", name)
		}
	}
}
