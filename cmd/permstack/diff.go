package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/spf13/cobra"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/narrowings"
	"permstack/internal/review/accessdiff"
	"permstack/internal/review/deployed"
	"permstack/internal/review/explain"
	"permstack/internal/review/vendorfile"
)

type diffFlags struct {
	stackFlags
	file   profileFlags
	output outputFlag
	as     []string
	record string // file of narrowings
	env    policies.Environment
	until  restoreUntilFlag
	scope  scopeFlags

	problems, notes []string // of the files
}

func newDiff() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare the access that two choices, files or a deployed stack grant",
		Long: `Compare the access that A and B grant. The result lists access that is new,
widened, narrowed or lost in B. It compares what is allowed, not the text.

A and B are each a choice or a file. A choice is written
PROFILE[@RELEASE][:ASSETS[:OPERATIONS[:OPTIONS]]] with commas in the lists; an
omitted list means everything ('permstack help choices'). A file, or a folder, has
policy documents, output of aws iam, CloudFormation templates, Terraform
configuration, or what synth writes. It is only read: nothing in it is run, fetched
or followed.

Roles and policies are compared by name, and the others by the actions that both
grant; --as FROM=TO pairs a name of A with a name of B. What cannot be read is
listed with file and line, and the comparison is then incomplete.

If one is a file and the other only the name of a profile, the result also lists by
asset what the catalogue lacks, without the recorded differences (narrowings).
--write-narrowings adds the rest to a file of such differences, each with an empty
reason, which is to be written or the profile to be changed.

With --stack NAME, A is the access that the deployed stack NAME grants, read from
CloudFormation with your AWS credentials. B defaults to what this release grants
for the stack's own choice.

With --restore-until, B also has the operations that restore, until that time. With
--only-tag, --bucket and the like, B is narrowed to these resources.

Exit status: 0 if B grants nothing that A does not, 1 if B grants more, if that could
not be decided, or if the catalogue lacks something, 2 if the comparison could not
run or part of a file could not be read.`,
		Example: `  permstack diff clumio:ec2,s3 clumio:ec2,s3,rds
  permstack diff clumio:ec2:backup clumio:ec2:backup,restore:support-role
  permstack diff clumio:ec2:backup clumio:ec2:backup --restore-until 4h
  permstack diff clumio:s3 clumio:s3 --bucket reports --bucket 'logs-*'
  permstack diff clumio@1 clumio
  permstack diff deployed.json clumio:ec2
  permstack diff vendor-2025/ vendor-2026/ --as AcmeRole=AcmeBackupRole
  permstack diff vendor-2026/ clumio
  permstack diff vendor-2026/ clumio --write-narrowings narrowings.yaml
  permstack diff --stack backup --region eu-central-1 --aws-profile security
  permstack diff --stack backup clumio:ec2,s3 --output json
  permstack diff --profile-file acme.yaml acme:ec2:backup acme:ec2`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.stack != "" && len(args) > 1:
				return usagef("with --stack: want at most one choice or file, got %d", len(args))
			case f.stack == "" && f.aws.profile != "":
				return usagef("--aws-profile is only used with --stack")
			case f.stack == "" && cmd.Flags().Changed("timeout"):
				return usagef("--timeout is only used with --stack")
			case f.stack == "" && len(args) != 2:
				return usagef("want two choices or files, or --stack; got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(f.file.load(cmd), f.scope.load(cmd)); err != nil {
				return err
			}
			d, err := f.diff(cmd, args)
			progress{cmd.ErrOrStderr()}.clear()
			if err != nil {
				return err
			}
			if err := f.write(cmd.OutOrStdout(), d); err != nil {
				return err
			}
			if err := f.writeNarrowings(cmd.ErrOrStderr(), d); err != nil {
				return err
			}
			switch {
			case len(d.Problems) > 0:
				return &statusError{status: exitNotRun}
			case d.Grows || d.CatalogueLacks():
				return &statusError{status: exitFound}
			}
			return nil
		},
		ValidArgsFunction: completeChoice,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.file.registerFile(cmd)
	flags.StringVar(&f.stack, "stack", "", "name or ID of a stack that you launched; its access is A")
	flags.StringVar(&f.env.Region, "region", "", usageRegion+"; with --stack, the stack's Region")
	f.aws.registerProfile(cmd)
	f.registerTimeout(cmd, readTimeout)
	flags.StringVar(&f.env.Account, "account", "", usageAccount)
	flags.StringVar(&f.env.ControlPlaneRoleARN, "control-plane-role", "", usageControlPlaneRole)
	flags.StringVar(&f.env.SupportControlPlaneRoleARN, "support-control-plane-role", "", usageSupportControlPlaneRole)
	flags.StringVar(&f.env.DataPlaneAccountID, "data-plane-account", "", usageDataPlaneAccount)
	flags.StringSliceVar(&f.env.StackNames, "stack-name", nil, usageStackNames)
	flags.StringVar(&f.env.Path, "path", "", usagePath+" (default "+policies.DefaultPath+")")
	f.until.register(flags)
	f.scope.register(flags)
	flags.StringSliceVar(&f.as, "as", nil, "`FROM=TO`: compare the role or policy FROM of A with TO of B")
	flags.StringVar(&f.record, "write-narrowings", "",
		"add what the catalogue lacks to this `FILE`, for a decision on each (narrowings.yaml of the profile)")
	f.output.register(cmd, "", formatTable, formatJSON, formatYAML, formatCSV, formatSARIF, formatMarkdown)
	return cmd
}

// diff reads both sets of access and compares them. Files are read first: a
// choice is synthesized for the vendor's accounts that a file names.
func (f *diffFlags) diff(cmd *cobra.Command, args []string) (accessdiff.Diff, error) {
	env := f.env
	var sets []*accessdiff.AccessSet // nil for a choice that is not synthesized yet
	var choices []policies.Selection
	if f.stack != "" {
		set, sel, deployedEnv, err := f.deployed(cmd)
		if err != nil {
			return accessdiff.Diff{}, err
		}
		sets, choices, env = append(sets, set), append(choices, policies.Selection{}), deployedEnv
		if len(args) == 0 {
			sets, choices = append(sets, nil), append(choices, sel)
		}
	}
	for _, a := range args {
		set, sel, err := f.read(a)
		if err != nil {
			return accessdiff.Diff{}, err
		}
		sets, choices = append(sets, set), append(choices, sel)
	}
	if last := len(choices) - 1; !f.until.time.IsZero() {
		if sets[last] != nil {
			return accessdiff.Diff{}, usagef("--restore-until is about B, which must be a choice and is a file")
		}
		choices[last].RestoreUntil = f.until.time
	}
	if last := len(choices) - 1; !f.scope.scope().IsZero() {
		if sets[last] != nil {
			return accessdiff.Diff{}, usagef("--only-tag, --bucket and the like are about B, which must be a choice and is a file")
		}
		choices[last].Scope = f.scope.scope()
	}
	for _, set := range sets {
		if set != nil {
			env = set.Infer(env)
		}
	}
	// Both choices get the same example values, so that they do not differ by them.
	for _, sel := range choices {
		if sel.Profile != "" {
			env = choice.Example(sel, env)
		}
	}
	for i, sel := range choices {
		if sets[i] != nil {
			continue
		}
		set, err := synthesizeInScope(sel, withoutUnused(sel, env))
		if err != nil {
			return accessdiff.Diff{}, err
		}
		sets[i] = accessdiff.FromSet(choice.String(sel), set)
	}
	if err := f.pairByHand(sets[0], sets[1]); err != nil {
		return accessdiff.Diff{}, err
	}
	describer := explain.NewDescriber(choices[len(choices)-1], env)
	d := accessdiff.Compare(sets[0], sets[1], describer)
	d.Problems, d.Notes = f.problems, slices.Concat(f.notes, d.Notes)
	if f.stack == "" {
		for i, name := range args {
			profile, ok := policies.Profile(name)
			if other := 1 - i; ok && choices[i].Profile == name && choices[other].Profile == "" {
				lacks, err := accessdiff.Lacks(sets[other], sets[i], profile, env, describer)
				if err != nil {
					return accessdiff.Diff{}, err
				}
				d.Catalogue = &lacks
			}
		}
	}
	return d, nil
}

// writeNarrowings adds what the catalogue lacks to the file --write-narrowings.
func (f *diffFlags) writeNarrowings(log io.Writer, d accessdiff.Diff) error {
	if f.record == "" {
		return nil
	}
	if d.Catalogue == nil {
		return usagef("--write-narrowings requires a vendor's file and the name of a profile, such as vendor-2026/ clumio")
	}
	file, err := os.ReadFile(f.record)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--write-narrowings: %w", err)
	}
	source := d.From
	if source == d.Catalogue.Profile || strings.HasPrefix(source, d.Catalogue.Profile+":") {
		source = d.To
	}
	data, added, err := narrowings.Append(file, source, d.Catalogue.Undecided())
	if err != nil {
		return fmt.Errorf("--write-narrowings %s: %w", f.record, err)
	}
	if added > 0 {
		if err := os.WriteFile(f.record, data, 0o644); err != nil {
			return fmt.Errorf("--write-narrowings: %w", err)
		}
	}
	noun := "entries"
	if added == 1 {
		noun = "entry"
	}
	fmt.Fprintf(log, "permstack: added %d %s to %s; each awaits a decision\n", added, noun, f.record)
	return nil
}

// write writes a comparison in the format of --output.
func (f *diffFlags) write(out io.Writer, d accessdiff.Diff) error {
	switch f.output.format {
	case formatCSV:
		return d.WriteCSV(out)
	case formatMarkdown:
		return d.WriteMarkdown(out)
	case formatSARIF:
		file := filepath.ToSlash(d.To)
		if _, err := os.Stat(file); err != nil {
			file = "" // a choice
		}
		return writeJSON(out, d.SARIF(file))
	}
	return write(out, f.output.format, d, d.Write)
}

// pairByHand records --as in the first set.
func (f *diffFlags) pairByHand(from, to *accessdiff.AccessSet) error {
	from.As = map[string]string{}
	for _, pair := range f.as {
		a, b, ok := strings.Cut(pair, "=")
		if !ok || a == "" || b == "" {
			return usagef("--as %q: want FROM=TO", pair)
		}
		if !from.Has(a) {
			return usagef("--as %s: %s has no role or policy %q; it has %s", pair, from.Label, a,
				strings.Join(from.Names(), ", "))
		}
		if !to.Has(b) {
			return usagef("--as %s: %s has no role or policy %q; it has %s", pair, to.Label, b,
				strings.Join(to.Names(), ", "))
		}
		from.As[a] = b
	}
	return nil
}

// withoutUnused returns env without the vendor's values that a selection does not
// use, which a profile may reject.
func withoutUnused(sel policies.Selection, env policies.Environment) policies.Environment {
	bare := env
	bare.ControlPlaneRoleARN, bare.SupportControlPlaneRoleARN, bare.DataPlaneAccountID, bare.ExternalID = "", "", "", ""
	return choice.With(sel, bare, env)
}

// read returns the access in a file or folder, or the selection if arg is a choice.
func (f *diffFlags) read(arg string) (*accessdiff.AccessSet, policies.Selection, error) {
	result, err := vendorfile.Read(arg)
	switch {
	case err == nil:
		for _, p := range result.Problems {
			f.problems = append(f.problems, p.String())
		}
		for _, n := range result.Notes {
			f.notes = append(f.notes, n.String())
		}
		return result.Set, policies.Selection{}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, policies.Selection{}, err
	}
	sel, err := choice.Parse(arg)
	if err != nil && (strings.ContainsRune(arg, '/') || filepath.Ext(arg) != "" && !strings.ContainsAny(arg, ":@")) {
		return nil, policies.Selection{}, fmt.Errorf("there is no file or directory %s", arg)
	}
	if err != nil {
		return nil, policies.Selection{}, fmt.Errorf("%s is neither a file nor a choice: %w", arg, err)
	}
	return nil, sel, nil
}

// deployed returns the access of the stack --stack, its selection, and the
// environment to synthesize the other side for.
func (f *diffFlags) deployed(
	cmd *cobra.Command,
) (*accessdiff.AccessSet, policies.Selection, policies.Environment, error) {
	fail := func(err error) (*accessdiff.AccessSet, policies.Selection, policies.Environment, error) {
		return nil, policies.Selection{}, policies.Environment{}, err
	}
	f.aws.region = f.env.Region
	ctx, cancel, cfg, err := f.loadOptional(cmd)
	if err != nil {
		return fail(err)
	}
	defer cancel()
	stack, err := deployed.Read(ctx, cloudformation.NewFromConfig(cfg), f.stack)
	if err != nil {
		return fail(f.aws.explain(err))
	}
	set, err := accessdiff.Parse("stack "+f.stack, stack.Templates...)
	if err != nil {
		return fail(err)
	}
	sel, env := stack.Selection, stack.Environment
	sel.CatalogVersion = "" // this release
	// The deployed templates hold pseudo parameters for account and Region.
	// CloudFormation masks the external ID; Infer takes it from the deployed trust.
	env.Account, env.Region, env.Partition, env.ExternalID = "", "", "", ""
	return set, sel, env, nil
}
