package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"permstack/internal/drift/detect"
	"permstack/internal/notify"
	"permstack/internal/notify/table"
	"permstack/internal/terminal"
)

// driftFlags are the flags of `permstack drift`.
type driftFlags struct {
	aws           awsFlags
	stack, output string
	timeout       time.Duration
}

func newDrift() *cobra.Command {
	var f driftFlags
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Report how the deployed access differs from its templates",
		Long: `Report how the deployed access differs from its templates. The command makes the
comparison of the scheduled check at once, with your own AWS credentials. It
changes nothing. It reports every open difference, also those of which the alert
topic has been notified before, and shows those that were accepted, which do not
count (see permstack drift accept).

Exit status: 0 if the access is as deployed, 1 if something differs, 2 if the
check could not run or could not read everything.`,
		Example: `  permstack drift --stack backup
  permstack drift --stack backup --region eu-central-1 --aws-profile security --output json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.stack, "stack", "", "name or ID of the stack that you launched")
	flags.StringVar(&f.aws.region, "region", "", "AWS Region of the stack (default: AWS_REGION or the AWS profile's)")
	f.aws.registerProfile(cmd)
	flags.StringVar(&f.output, "output", "table", "table or json (docs/drift-message.schema.json)")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Minute,
		"`DURATION` after which the command reports what it has found")
	completeFixed(cmd, "output", "table", "json")
	cmd.AddCommand(newDriftAccept())
	return cmd
}

func (f driftFlags) run(cmd *cobra.Command) error {
	switch {
	case f.stack == "":
		return usagef("--stack is missing: give the name of the stack that you launched")
	case f.output != "table" && f.output != "json":
		return usagef("--output %q: want table or json", f.output)
	case f.timeout <= 0:
		return usagef("--timeout %s: want more than 0", f.timeout)
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
	defer cancel()
	cfg, err := f.aws.load(ctx)
	if err != nil {
		return err
	}
	progress := progress{cmd.ErrOrStderr()}
	report, err := detect.Check(ctx, detect.NewClients(cfg), detect.Options{Parent: f.stack, Progress: progress.show})
	progress.clear()
	if err != nil {
		return f.aws.explain(err)
	}
	message := notify.ReportMessage(report, time.Now())
	if f.output == "json" {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", message.JSON())
	} else {
		err = table.Write(cmd.OutOrStdout(), message)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	switch message.Status {
	case notify.InSync:
		return nil
	case notify.Drifted:
		return &statusError{status: exitFound}
	}
	return &statusError{status: exitNotRun}
}

// progress shows on a terminal how many resources have been checked.
type progress struct{ w io.Writer }

func (p progress) show(now detect.Progress) {
	if terminal.IsTerminal(p.w) {
		fmt.Fprintf(p.w, "\r\x1b[K%d of %d  %s", now.Done, now.Total, now.LogicalID)
	}
}

func (p progress) clear() {
	if terminal.IsTerminal(p.w) {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
