package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"permstack/internal/policies"
)

// What the command exits with.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a mistake of whoever typed the command.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// statusError ends the command with a status when all has been said.
type statusError struct{ status int }

func (e *statusError) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// run carries a command line out and gives its exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var status *statusError
	if errors.As(err, &status) {
		return status.status
	}
	fmt.Fprintf(stderr, "permstack: %v\n", err)
	var usage *usageError
	var input *policies.InputError
	if errors.As(err, &usage) || errors.As(err, &input) {
		fmt.Fprintf(stderr, "See '%s --help'.\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "permstack",
		Short: "The AWS access that a backup service needs, and nothing else",
		Long: `permstack gives a backup service exactly the AWS access that it needs for the
assets you choose, says why for every permission, and deploys it as a
CloudFormation stack that you can read.`,
		Example: `  permstack try
  permstack synth --assets ec2,s3 --control-plane-role arn:aws:iam::111122223333:role/Control \
    --external-id SECRET --connection-id c-1 --data-plane-account 444455556666`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(newSynth(), newExplain(), newDiff(), newDrift(), newLocal(), newTry(), newLaunchURL(), newLambda())
	root.AddCommand(topics()...)
	return root
}

// noArgs refuses arguments; at the root that is an unknown command.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasParent():
		return usagef("%s takes no arguments, only flags: %q", cmd.CommandPath(), args[0])
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %q?", near[0])
	}
	return usagef("unknown command %q%s", args[0], hint)
}

// version is the module's version, as the build recorded it, and the newest
// release of the catalogue.
func version() string {
	v := "development"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		v = info.Main.Version
	}
	return v + " (catalogue " + policies.Releases[len(policies.Releases)-1] + ")"
}
