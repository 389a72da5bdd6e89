package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands calls f for every command that people run, with its name in full: "restore open".
func commands(f func(name string, cmd *cobra.Command)) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			if !c.Hidden && !c.IsAdditionalHelpTopicCommand() {
				f(strings.TrimPrefix(c.CommandPath(), "permstack "), c)
				visit(c)
			}
		}
	}
	visit(newRoot())
}

// TestHelp requires a text for every flag, and an example for every command that does something.
func TestHelp(t *testing.T) {
	commands(func(name string, cmd *cobra.Command) {
		t.Run(name, func(t *testing.T) {
			if cmd.Runnable() && cmd.Example == "" {
				t.Error("the help has no example: set Example of the command")
			}
			cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if f.Usage == "" {
					t.Errorf("--%s has no help text", f.Name)
				}
			})
		})
	})
}

// TestEveryCommandHasAScript requires that the file and the script of a command are named after it, with _ for -.
func TestEveryCommandHasAScript(t *testing.T) {
	for _, cmd := range newRoot().Commands() {
		if cmd.Hidden || cmd.IsAdditionalHelpTopicCommand() {
			continue
		}
		name := strings.ReplaceAll(cmd.Name(), "-", "_")
		for _, file := range []string{name + ".go", filepath.Join("testdata", name+".txtar")} {
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: want its file %s", cmd.Name(), file)
			}
		}
	}
}

// TestDocumentedFormats compares the tables of docs/risk.md with the formats that explain accepts.
func TestDocumentedFormats(t *testing.T) {
	data, err := os.ReadFile("../../docs/risk.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(data), "| `--output` | content |\n|---|---|\n")
	table, _, end := strings.Cut(table, "\n\n")
	if !ok || !end {
		t.Fatal("docs/risk.md has no table of --output")
	}
	var got []string
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`\\w+`(?:, )?)+) \\|").FindAllStringSubmatch(table, -1) {
		for _, name := range strings.Split(row[1], ", ") {
			got = append(got, strings.Trim(name, "`"))
		}
	}
	cmd, _, err := newRoot().Find([]string{"explain"})
	if err != nil {
		t.Fatal(err)
	}
	want := cmd.Flags().Lookup("output").Value.(*outputFlag).formats
	slices.Sort(got)
	if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("docs/risk.md has the formats %q, explain accepts %q", got, want)
	}
}
