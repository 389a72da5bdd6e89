package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "man",
		Short: "Write the manual pages of all commands",
		Long: `Write the manual pages of all commands, permstack.1 and one for each command, to a
directory. A release has them in permstack-shell.tar.gz, with the completion scripts
that 'permstack completion' prints.

Exit status: 0 if they were written, 2 if not.`,
		Example: `  permstack man --out ~/.local/share/man/man1
  man permstack-explain`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				return usagef("--out is missing: give the directory to write to, such as ~/.local/share/man/man1")
			}
			return writeManual(out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`DIRECTORY` to write to")
	return cmd
}

// writeManual writes a page for each command of a new command tree.
func writeManual(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write manual pages: %w", err)
	}
	root := newRoot()
	root.InitDefaultCompletionCmd()
	root.DisableAutoGenTag = true
	markManual(root)
	v := readVersion()
	header := doc.GenManHeader{Section: "1", Source: "permstack " + v.Version, Manual: "permstack manual"}
	if date, err := time.Parse(time.RFC3339, v.Date); err == nil {
		header.Date = &date // the same commit has the same pages
	}
	if err := doc.GenManTree(root, &header, dir); err != nil {
		return fmt.Errorf("write manual pages: %w", err)
	}
	return nil
}

// markdownMark is a character that Markdown, which cobra's generator reads, would not keep.
var markdownMark = regexp.MustCompile("[*_<\\[`]")

// markManual rewrites the help texts of a command and those below it as Markdown: an
// indented block stays as it is, other text has no marks.
func markManual(cmd *cobra.Command) {
	lines := strings.Split(cmd.Long, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "  ") {
			lines[i] = "  " + line // four spaces are a block
		} else {
			lines[i] = markdownMark.ReplaceAllString(line, `\$0`)
		}
	}
	cmd.Long = strings.Join(lines, "\n")
	for _, c := range cmd.Commands() {
		markManual(c)
	}
}
