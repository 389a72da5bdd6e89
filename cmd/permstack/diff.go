package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/spf13/cobra"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/accessdiff"
	"permstack/internal/review/deployed"
	"permstack/internal/review/explain"
)

type diffFlags struct {
	stack  string
	format string
	env    policies.Environment
}

func newDiff() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Say what access comes and goes from A to B",
		Long: `Say what access comes and goes from A to B: new, widened, narrowed, lost; by what
is allowed, not by text. A and B are each a choice or a file.

A choice is written PROFILE[@RELEASE][:ASSETS[:OPERATIONS[:OPTIONS]]] with commas
in the lists; what is left out is everything. A file is a template or what
'synth --format policies' printed.

With --stack NAME, A is the access that the launched stack NAME has now, read
through CloudFormation with your credentials; B, where it is left out, is what
this release would give it for the same choice.

The exit status is 0 where no access is new, 1 where access grows (or may grow: it
could not be decided), 2 where the comparison could not run.`,
		Example: `  permstack diff clumio:ec2,s3 clumio:ec2,s3,rds
  permstack diff clumio:ec2:backup clumio:ec2:backup,restore:support-role
  permstack diff clumio@1 clumio
  permstack diff deployed.json clumio:ec2
  permstack diff --stack backup --format json`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case f.stack != "" && len(args) > 1:
				return usagef("--stack is one side: want at most one other, not %d", len(args))
			case f.stack == "" && len(args) != 2:
				return usagef("want two choices or files, or --stack")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.format != "table" && f.format != "json" {
				return usagef("--format %q: want table or json", f.format)
			}
			d, err := f.diff(cmd.Context(), args)
			if err != nil {
				return &usageError{err} // 1 is kept for access that grows
			}
			if err := write(cmd.OutOrStdout(), f.format, d, d.Write); err != nil {
				return &usageError{err}
			}
			if d.Grows {
				return &statusError{exitFailed}
			}
			return nil
		},
		ValidArgsFunction: completeChoice,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.stack, "stack", "", "the launched stack whose access is A")
	flags.StringVar(&f.env.Region, "region", "", "Region of the access; with --stack, where the stack is")
	flags.StringVar(&f.env.Account, "account", "", "account that gives the access (default: any)")
	flags.StringVar(&f.env.ControlPlaneRoleARN, "control-plane-role", "", "`ARN` of the one role that uses the access")
	flags.StringVar(&f.env.SupportControlPlaneRoleARN, "support-control-plane-role", "", "`ARN` of the one role that uses the support role")
	flags.StringVar(&f.env.DataPlaneAccountID, "data-plane-account", "", "account of the backup service that keeps the backups")
	flags.StringSliceVar(&f.env.StackNames, "stack-name", nil, "stacks that hold the access (default: the one that the template becomes)")
	flags.StringVar(&f.env.Path, "path", "", "IAM path of every role and policy (default "+policies.DefaultPath+")")
	flags.StringVar(&f.format, "format", "table", "table or json")
	completeFixed(cmd, "format", "table", "json")
	return cmd
}

// diff reads both sides, files first: a choice is meant for the vendor's account
// that a file shows.
func (f *diffFlags) diff(ctx context.Context, args []string) (accessdiff.Diff, error) {
	env := f.env
	var sides []*accessdiff.AccessSet
	var choices []policies.Selection
	if f.stack != "" {
		side, sel, at, err := f.deployed(ctx)
		if err != nil {
			return accessdiff.Diff{}, err
		}
		sides, choices, env = append(sides, side), append(choices, policies.Selection{}), at
		if len(args) == 0 {
			sides, choices = append(sides, nil), append(choices, sel)
		}
	}
	for _, a := range args {
		side, sel, err := read(a)
		if err != nil {
			return accessdiff.Diff{}, err
		}
		sides, choices = append(sides, side), append(choices, sel)
	}
	for _, side := range sides {
		if side != nil {
			env = side.Infer(env)
		}
	}
	// Both choices get the same example values, whichever of them needs one.
	for _, sel := range choices {
		if sel.Profile != "" {
			env = choice.Example(sel, env)
		}
	}
	for i, sel := range choices {
		if sides[i] != nil {
			continue
		}
		set, err := policies.Synthesize(sel, only(sel, env))
		if err != nil {
			return accessdiff.Diff{}, err
		}
		sides[i] = accessdiff.FromSet(choice.String(sel), set)
	}
	return accessdiff.Compare(sides[0], sides[1], explain.NewWords(choices[len(choices)-1], env)), nil
}

// only leaves out values that a selection has no use for: a profile may refuse them.
func only(sel policies.Selection, env policies.Environment) policies.Environment {
	bare := env
	bare.ControlPlaneRoleARN, bare.SupportControlPlaneRoleARN, bare.DataPlaneAccountID, bare.ExternalID = "", "", "", ""
	return choice.With(sel, bare, env)
}

// read reads a file, or else a choice, which has no side yet.
func read(arg string) (*accessdiff.AccessSet, policies.Selection, error) {
	text, err := os.ReadFile(arg)
	switch {
	case err == nil:
		side, err := accessdiff.Parse(arg, text)
		return side, policies.Selection{}, err
	case !errors.Is(err, fs.ErrNotExist):
		return nil, policies.Selection{}, fmt.Errorf("read %s: %w", arg, err)
	}
	sel, err := choice.Parse(arg)
	if err != nil {
		return nil, policies.Selection{}, fmt.Errorf("%w; nor is there such a file", err)
	}
	return nil, sel, nil
}

// deployed reads the launched stack.
func (f *diffFlags) deployed(ctx context.Context) (*accessdiff.AccessSet, policies.Selection, policies.Environment, error) {
	fail := func(err error) (*accessdiff.AccessSet, policies.Selection, policies.Environment, error) {
		return nil, policies.Selection{}, policies.Environment{}, err
	}
	var options []func(*config.LoadOptions) error
	if f.env.Region != "" {
		options = append(options, config.WithRegion(f.env.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return fail(fmt.Errorf("load AWS configuration: %w", err))
	}
	stack, err := deployed.Read(ctx, cloudformation.NewFromConfig(cfg), f.stack)
	if err != nil {
		return fail(err)
	}
	side, err := accessdiff.Parse("stack "+f.stack, stack.Templates...)
	if err != nil {
		return fail(err)
	}
	sel, env := stack.Selection, stack.Environment
	sel.CatalogVersion = "" // this release
	// The templates leave account and Region open, and CloudFormation masks the
	// external id: the deployed trust shows it.
	env.Account, env.Region, env.Partition, env.ExternalID = "", "", "", ""
	return side, sel, env, nil
}
