package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"permstack"
	"permstack/internal/policies"
	"permstack/internal/policies/lint"
	"permstack/internal/terminal"
)

func newProfile() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Check a vendor's profile file, list the profiles, print their schema",
		Long: `A profile describes everything that a backup service can be granted, as YAML:
docs/add-a-profile.md. The commands 'synth', 'explain', 'diff' and 'launch-url' use a
profile that is not built in with --profile-file.`,
		Example: `  permstack profile lint acme.yaml
  permstack profile schema >profile.schema.json
  permstack profile list`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newProfileLint(), newProfileSchema(), newProfileList())
	return cmd
}

func newProfileLint() *cobra.Command {
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "lint FILE|DIRECTORY…",
		Short: "Report what is missing or wrong in profile files, with line and column",
		Long: `Check profiles: a file, or a directory with a profile.yaml that lists the others.
Problems are reported as FILE:LINE:COLUMN: MESSAGE (RULE):

  format           the file is not in the profile format, or a definition is not used
  unknown-action   AWS has no such action
  unknown-key      AWS does not send the condition key with the action
  resource-type    the action does not apply to the resource
  wildcard         "*" without a reason, or although AWS has resource-level permissions
  place            partition, Region or account is open, without a reason
  condition        a condition is true without its key, or a required one is missing
  reference        a variable is not defined, or a name is used twice
  reason           a reason is missing
  trust, topic     who may assume a role or use a topic: too many, or nobody
  flow             a promised flow does not work, with the first choice that shows it
  limit            the largest choice exceeds an IAM limit
  cannot-evaluate  a choice cannot be synthesized

Actions, resource types and condition keys are those of AWS's action reference, of the
date that the last line states.

Exit status: 0 if there is no problem, 1 if there is one, 2 if a file could not be read.`,
		Example: `  permstack profile lint acme.yaml
  permstack profile lint profiles/acme profiles/other --output json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("want one or more files or directories of profiles")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return lintProfiles(cmd, output.format, args)
		},
	}
	output.register(cmd, "", formatTable, formatJSON, formatYAML)
	return cmd
}

// lintProblem is a problem in the JSON output.
type lintProblem struct {
	File    string    `json:"file"`
	Line    int       `json:"line"`
	Column  int       `json:"column"`
	Rule    lint.Rule `json:"rule"`
	Message string    `json:"message"`
}

func lintProfiles(cmd *cobra.Command, format string, args []string) error {
	out, bar := cmd.OutOrStdout(), progress{cmd.ErrOrStderr()}
	found := []lintProblem{}
	for _, path := range args {
		bar.show("checking %s", path)
		_, problems, err := lint.LoadPath(path)
		bar.clear()
		if err != nil {
			return err
		}
		for _, p := range problems {
			found = append(found, lintProblem{p.File, p.Line, p.Col, p.Rule, p.Message})
			if format == formatTable {
				if _, err := fmt.Fprintln(out, terminal.Clean(p.String())); err != nil {
					return fmt.Errorf("write the result: %w", err)
				}
			}
		}
	}
	if format == formatTable {
		fmt.Fprintf(cmd.ErrOrStderr(), "permstack: %s (%s)\n", count(len(found), "problem"), lint.ReferenceDate())
	} else if err := write(out, format, found, nil); err != nil {
		return err
	}
	if len(found) > 0 {
		return &statusError{status: exitFound}
	}
	return nil
}

func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func newProfileSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of profile files, with which editors complete and check them",
		Long: `Print the JSON Schema of profile files. An editor with a YAML language server uses it
if the first line of the file is

  # yaml-language-server: $schema=profile.schema.json

Exit status: 0 if it was written, 2 if not.`,
		Example: `  permstack profile schema >profile.schema.json`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := cmd.OutOrStdout().Write(permstack.ProfileSchema); err != nil {
				return fmt.Errorf("write the result: %w", err)
			}
			return nil
		},
	}
}

// listedProfile is a profile in the JSON output of profile list.
type listedProfile struct {
	Profile    string   `json:"profile"`
	Vendor     string   `json:"vendor"`
	Assets     []string `json:"assets"`
	Operations []string `json:"operations"`
	Options    []string `json:"options"`
	Presets    []string `json:"presets"`
}

func newProfileList() *cobra.Command {
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the built-in profiles with their assets and operations",
		Long: `List the built-in profiles with their assets and operations.

Exit status: 0 if the list was written, 2 if not.`,
		Example: `  permstack profile list
  permstack profile list --output json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output.format == formatTable {
				return writeProfiles(cmd.OutOrStdout(), listProfiles())
			}
			return write(cmd.OutOrStdout(), output.format, listProfiles(), nil)
		},
	}
	output.register(cmd, "", formatTable, formatJSON, formatYAML)
	return cmd
}

func listProfiles() []listedProfile {
	var out []listedProfile
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		l := listedProfile{
			Profile: name, Vendor: p.Vendor, Operations: texts(p.Operations),
			Assets: []string{}, Options: []string{}, Presets: []string{},
		}
		for _, a := range p.Assets {
			l.Assets = append(l.Assets, string(a.Asset))
		}
		for _, o := range p.Options {
			l.Options = append(l.Options, string(o.Option))
		}
		for _, s := range p.Settings {
			for _, v := range s.Values {
				l.Options = append(l.Options, string(v.Option))
			}
		}
		for _, preset := range p.Presets {
			l.Presets = append(l.Presets, preset.Name)
		}
		out = append(out, l)
	}
	return out
}

func writeProfiles(out io.Writer, list []listedProfile) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(table, "PROFILE\tVENDOR\tASSETS\tOPERATIONS")
	for _, l := range list {
		_, e := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.Profile, l.Vendor, strings.Join(l.Assets, ","),
			strings.Join(l.Operations, ","))
		err = errors.Join(err, e)
	}
	if err := errors.Join(err, table.Flush()); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
