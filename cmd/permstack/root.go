package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"permstack/internal/policies"
	"permstack/internal/terminal"
)

// The exit statuses of every command.
const (
	exitOK     = 0
	exitFound  = 1 // the command ran and found what it searches for: drift, more access, a step that failed
	exitNotRun = 2 // the command could not run, or could not finish
)

// usageError is a mistake in the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// statusError ends the command with an exit status. Its error, if any, is
// written first.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// run executes a command line and returns its exit status. Data is written to
// stdout, messages to stderr. Neither messages nor data on a terminal control the
// terminal; data in a file or a pipe is written as it is.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	messages := terminal.NewWriter(stderr)
	defer func() { _ = messages.Flush() }() // nothing can be done about an error
	stderr = messages
	if terminal.IsTerminal(stdout) {
		data := terminal.NewWriter(stdout)
		defer func() { _ = data.Flush() }()
		stdout = data
	}
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	progress{stderr}.clear()
	var status *statusError
	if errors.As(err, &status) {
		if status.err != nil {
			fmt.Fprintf(stderr, "permstack: %s\n", status.err)
		}
		return status.status
	}
	fmt.Fprintf(stderr, "permstack: %s\n", err)
	var usage *usageError
	var input *policies.InputError
	if errors.As(err, &usage) || errors.As(err, &input) {
		fmt.Fprintf(stderr, "Run '%s --help' for the flags and examples.\n", cmd.CommandPath())
	}
	return exitNotRun
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "permstack",
		Short: "Grant a backup service the AWS permissions it needs, and nothing else",
		Long: `permstack grants a backup service exactly the AWS permissions that it needs for
the assets you choose. It explains every permission, and deploys them as a
CloudFormation stack that you can read.`,
		Example: `  permstack try
  permstack explain ec2:DeleteSnapshot
  permstack synth --assets ec2,s3 --control-plane-role arn:aws:iam::111122223333:role/Control \
    --external-id-file secret --connection-id c-1 --data-plane-account 444455556666`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(newSynth(), newExplain(), newDiff(), newImport(), newDrift(), newAudit(), newLocal(), newTry(),
		newLaunchURL(), newAdminPolicy(), newProfile(), newWhy(), newCheck(), newUsage(), newExternalID(), newRestore(),
		newVersion(), newMan(), newLambda())
	root.AddCommand(topics()...)
	return root
}

// noArgs rejects arguments. An argument of the root command is an unknown command.
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
