package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/spf13/cobra"

	"permstack/internal/policies"
	"permstack/internal/review/restorewindow"
)

func newRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Allow restores for a time",
		Long: `Allow the backup service to restore for a time, and end that early.

The access that only restores need is granted with the condition that the time has
not come. AWS checks it in every request, so it ends by itself, also for sessions
that began before. docs/restore-for-a-time.md describes it.`,
		Example: `  permstack restore open --stack backup --for 4h
  permstack restore close --stack backup`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRestoreOpen(), newRestoreClose())
	return cmd
}

// restoreFlags are the flags of `permstack restore open` and `close`.
type restoreFlags struct {
	stackFlags
	length, end string
}

func newRestoreOpen() *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "open",
		Short: "Allow restores from now until a time",
		Long: `Allow restores until a time: the stack is updated with its template and its
parameters as they are, except RestoreUntil. The command waits until the update is
complete. It needs cloudformation:DescribeStacks, cloudformation:GetTemplate and
cloudformation:UpdateStack.

The end is counted from AWS's clock, not from that of this machine. It cannot be
later than the stack's parameter MaxRestoreHours allows. If restores are allowed
already, the end is replaced, by an earlier or a later one.

Exit status: 0 if restores are allowed, 2 if not.`,
		Example: `  permstack restore open --stack backup --for 4h
  permstack restore open --stack backup --until 2027-03-31T16:00:00Z`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.open(cmd) },
	}
	f.register(cmd, updateTimeout)
	cmd.Flags().StringVar(&f.length, "for", "", "`DURATION` for which restores are allowed, such as 4h")
	cmd.Flags().StringVar(&f.end, "until", "", "`TIME` in UTC at which they end, instead of --for")
	return cmd
}

func newRestoreClose() *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "close",
		Short: "End the time for which restores are allowed",
		Long: `Remove the access that 'permstack restore open' added, before or after its end: the
stack is updated with its template and its parameters as they are, except
RestoreUntil, which becomes empty. The command waits until the update is complete.

Exit status: 0 if no window is open, 2 if that could not be done.`,
		Example: `  permstack restore close --stack backup`,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.close(cmd) },
	}
	f.register(cmd, updateTimeout)
	return cmd
}

func (f *restoreFlags) open(cmd *cobra.Command) error {
	var length time.Duration
	switch {
	case f.length == "" && f.end == "":
		return usagef("--for is missing: give the time for which restores are allowed, such as --for 4h")
	case f.length != "" && f.end != "":
		return usagef("--for cannot be combined with --until")
	case f.length != "":
		var err error
		if length, err = time.ParseDuration(f.length); err != nil || length < time.Second {
			return usagef("--for %q: want a duration such as 4h or 90m", f.length)
		}
	}
	end, err := policies.ParseRestoreUntil(f.end)
	if err != nil {
		return usagef("--until %q: %w", f.end, err)
	}
	return f.change(cmd, func(ctx context.Context, w *restorewindow.Window) (string, error) {
		if length > 0 {
			end = w.Now.Add(length).UTC().Truncate(time.Second)
		}
		if err := w.Open(ctx, end); err != nil {
			return "", err
		}
		return "restores are allowed until " + policies.FormatRestoreUntil(end), nil
	})
}

func (f *restoreFlags) close(cmd *cobra.Command) error {
	return f.change(cmd, func(ctx context.Context, w *restorewindow.Window) (string, error) {
		if w.Until.IsZero() {
			return "no restore window is open: nothing was changed", nil
		}
		if err := w.Close(ctx); err != nil {
			return "", err
		}
		return "the restore window is closed", nil
	})
}

// change reads the stack, changes its window and prints the result.
func (f *restoreFlags) change(
	cmd *cobra.Command, change func(context.Context, *restorewindow.Window) (string, error),
) error {
	ctx, cancel, cfg, err := f.load(cmd)
	if err != nil {
		return err
	}
	defer cancel()
	bar := progress{cmd.ErrOrStderr()}
	defer bar.clear()
	window, err := restorewindow.Read(ctx, cloudformation.NewFromConfig(cfg), f.stack)
	if err != nil {
		return f.aws.explain(err)
	}
	window.Observe = func(s *types.Stack) {
		bar.show("stack %s: %s", f.stack, s.StackStatus)
	}
	done, err := change(ctx, window)
	if err != nil {
		return f.aws.explain(err)
	}
	bar.clear()
	if _, err = fmt.Fprintln(cmd.OutOrStdout(), done); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
