package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completionScript loads the completion of permstack into bash and prints what Tab would
// offer. _get_comp_words_by_ref is the function of the package bash-completion that the
// script calls; a login shell has it.
const completionScript = `
_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${words[cword]}; prev=${words[cword-1]}; }
compopt() { :; }
source "$1"
shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=63
__start_permstack
printf '%s\n' "${COMPREPLY[@]}"
`

// TestBashCompletion runs the completion script in bash: commands, flags and their values. TestMain
// has put permstack into PATH.
func TestBashCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("skipped: bash is not installed")
	}
	dir := t.TempDir()
	var script, stderr bytes.Buffer
	if got := run(t.Context(), []string{"completion", "bash"}, &script, &stderr); got != exitOK {
		t.Fatalf("completion exits %d: %s", got, stderr.String())
	}
	file := filepath.Join(dir, "permstack.bash")
	if err := os.WriteFile(file, script.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, want string }{
		{"permstack expl", "explain"},
		{"permstack restore ", "open"},
		{"permstack explain --out", "--output"},
		{"permstack explain --output ", "sarif"},
		{"permstack synth --profile cp", "cpm"},
		{"permstack synth --assets ec2,dyn", `ec2\,dynamodb`},
	} {
		t.Run(c.line, func(t *testing.T) {
			words := strings.Split(c.line, " ")
			out, err := exec.Command(bash, append([]string{"-c", completionScript, "bash", file}, words...)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			offered := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
			if !slices.ContainsFunc(offered, func(s string) bool { return strings.Fields(s)[0] == c.want }) {
				t.Errorf("got %q, want %s among them", offered, c.want)
			}
		})
	}
}

// TestManual checks that every command has a page, with the blocks of its help as they are.
func TestManual(t *testing.T) {
	dir := t.TempDir()
	var out, stderr bytes.Buffer
	if got := run(t.Context(), []string{"man", "--out", dir}, &out, &stderr); got != exitOK {
		t.Fatalf("man exits %d: %s", got, stderr.String())
	}
	for _, c := range newRoot().Commands() {
		if c.Hidden || c.IsAdditionalHelpTopicCommand() {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "permstack-"+c.Name()+".1")); err != nil {
			t.Errorf("no page: %v", err)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "permstack-explain.1"))
	if err != nil {
		t.Fatal(err)
	}
	const block = ".EX\nan action            ec2:DeleteSnapshot, 'ec2:Delete*', DeleteSnapshot\n"
	if !strings.Contains(string(page), block) {
		t.Errorf("the page of explain lacks the block %q", block)
	}
}
