package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"permstack/internal/iampolicy/spelling"
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
	refuseUnknown(root) // after SetOut: the completion command takes the writer when it is added
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
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newSynth(), newExplain(), newDiff(), newImport(), newDrift(), newAudit(), newLocal(), newTry(),
		newLaunchURL(), newAdminPolicy(), newProfile(), newWhy(), newCheck(), newUsage(), newExternalID(), newRestore(),
		newVersion(), newMan(), newLambda())
	root.AddCommand(topics()...)
	return root
}

// refuseUnknown makes the commands that the library adds reject unknown arguments, for which they print a help text
// with status 0.
func refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.Args = noArgs
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err != nil || len(rest) > 0 {
					return noArgs(found, rest)
				}
				return nil
			}
		}
	}
}

// noArgs rejects arguments. An argument of a command with others below it is an unknown command.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasAvailableSubCommands():
		return usagef("%s takes no arguments, only flags: %q", cmd.CommandPath(), args[0])
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	hint := ""
	if near := spelling.Nearest(args[0], names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	below := ""
	if cmd.HasParent() {
		below = " of " + cmd.CommandPath()
	}
	return usagef("unknown command %q%s%s", args[0], below, hint)
}

// flagError returns the error of a flag, with the name of the flag that an unknown one resembles.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return &usageError{err}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := spelling.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return usagef("%w; did you mean --%s?", err, near)
	}
	return &usageError{err}
}
