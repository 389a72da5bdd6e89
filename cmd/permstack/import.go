package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"permstack/internal/policies/lint"
	"permstack/internal/review/profileimport"
	"permstack/internal/review/vendorfile"
)

type importFlags struct {
	out, profile, vendor string
}

func newImport() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE|DIRECTORY…",
		Short: "Write a profile file to start from, of the permissions that a vendor publishes",
		Long: `Write a profile with the roles, policies, topics and event rules in files: policy
documents, output of aws iam, CloudFormation templates, Terraform configuration, or what
synth writes. The files are only read: nothing in them is run, fetched or followed.

Every reason in the profile is empty. Services become assets, and the roles that the
vendor assumes get the inputs of a profile. 'permstack profile lint' then reports what is
missing or too wide. What a profile cannot express is a comment at its beginning, and
written to standard error with what could not be read (docs/add-a-profile.md).

Exit status: 0 if everything was imported, 1 if something of it is not in the profile,
2 if a file or part of it could not be read. The profile is written in each case if there
is any permission.`,
		Example: `  permstack import vendor-2026/
  permstack import policy.json template.yaml --profile acme --vendor Acme --out .
  permstack import module/ --out profiles && permstack profile lint profiles/acme.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("want one or more files or directories that a vendor publishes")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.out, "out", "", "`DIRECTORY` in which PROFILE.yaml is written (default: standard output)")
	flags.StringVar(&f.profile, "profile", "", "name of the profile (default: what the names of the roles begin with)")
	flags.StringVar(&f.vendor, "vendor", "", "name of the vendor (default: the name of the profile)")
	return cmd
}

var profileName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func (f *importFlags) run(cmd *cobra.Command, args []string) error {
	if f.profile != "" && !profileName.MatchString(f.profile) {
		return usagef("--profile %q: want lower-case letters, digits and -, a letter first", f.profile)
	}
	result, err := vendorfile.ReadAll(args)
	log := cmd.ErrOrStderr()
	for _, p := range result.Problems {
		fmt.Fprintf(log, "permstack: not understood: %s\n", p)
	}
	if err != nil {
		return err
	}
	for _, n := range result.Notes {
		fmt.Fprintf(log, "permstack: note: %s\n", n)
	}
	name := f.profile
	if name == "" {
		name = profileimport.DefaultName(result.Set, "vendor")
	}
	vendor := f.vendor
	if vendor == "" {
		vendor = strings.ToUpper(name[:1]) + name[1:]
	}
	profile, err := profileimport.Write(result.Set, profileimport.Options{
		Profile: name, Vendor: vendor, Source: strings.Join(args, ", "),
	})
	if err != nil {
		return err
	}
	for _, left := range profile.Left {
		fmt.Fprintf(log, "permstack: not imported: %s\n", left)
	}
	if err := f.write(cmd, name, profile.YAML); err != nil {
		return err
	}
	switch {
	case len(result.Problems) > 0:
		return &statusError{status: exitNotRun}
	case len(profile.Left) > 0:
		return &statusError{status: exitFound}
	}
	return nil
}

// write writes the profile to the directory --out, without replacing a file, and counts what is to be decided.
func (f *importFlags) write(cmd *cobra.Command, name string, data []byte) error {
	if f.out == "" {
		if _, err := cmd.OutOrStdout().Write(data); err != nil {
			return fmt.Errorf("write the profile: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	path := filepath.Join(f.out, name+".yaml")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	_, err = file.Write(data)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	_, problems, err := lint.LoadPath(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "permstack: wrote %s; 'permstack profile lint %s' reports %s\n", path, path,
		count(len(problems), "problem"))
	return nil
}
