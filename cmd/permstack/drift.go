package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"permstack/internal/awsapi/pause"
	"permstack/internal/drift/changeevent"
	"permstack/internal/drift/detect"
	"permstack/internal/installation"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
	"permstack/internal/notify/table"
)

// driftFlags are the flags of `permstack drift`.
type driftFlags struct {
	stackFlags
	output outputFlag
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
	f.register(cmd, readTimeout)
	f.output.register(cmd, " (docs/drift-message.schema.json)", formatTable, formatJSON, formatYAML)
	cmd.AddCommand(newDriftAccept(), newDriftRevert())
	return cmd
}

func (f driftFlags) run(cmd *cobra.Command) error {
	ctx, cancel, cfg, err := f.load(cmd)
	if err != nil {
		return err
	}
	defer cancel()
	bar := progress{cmd.ErrOrStderr()}
	report, err := detect.Check(ctx, detect.NewClients(cfg), detect.Options{Parent: f.stack, Progress: bar.resources})
	bar.clear()
	if err != nil {
		return f.aws.explain(err)
	}
	addCallers(ctx, cfg, cmd.ErrOrStderr(), &report)
	message := notify.ReportMessage(report, time.Now())
	if err := writeMessage(cmd.OutOrStdout(), f.output.format, message); err != nil {
		return err
	}
	return messageStatus(message)
}

// addCallers adds who made the differences, as far as CloudTrail's event history has it.
// Without the permission cloudtrail:LookupEvents they are reported without it.
func addCallers(ctx context.Context, cfg aws.Config, notes io.Writer, report *finding.Report) {
	parent, err := installation.ParseParent(report.ParentStackID)
	if err != nil || len(report.Findings) == 0 {
		return
	}
	const eventHistory = 90 * 24 * time.Hour // CloudTrail User Guide, "Working with CloudTrail event history"
	const maxLookups = 20
	bar := progress{notes}
	bar.show("searching CloudTrail for who made %s", count(len(report.Findings), "difference"))
	history := changeevent.NewHistory(cfg, parent.Partition, parent.Region, maxLookups, pause.For)
	err = history.AddCalls(ctx, report.Findings, time.Now().Add(-eventHistory), time.Now())
	bar.clear()
	if err != nil {
		fmt.Fprintf(notes, "who made the changes is not known completely: %v\n", err)
	}
}

// writeMessage writes a drift message in a format of --output.
func writeMessage(out io.Writer, format string, message notify.Message) error {
	var err error
	switch format {
	case formatJSON:
		_, err = fmt.Fprintf(out, "%s\n", message.JSON())
	case formatYAML:
		err = writeYAML(out, message.JSON())
	default:
		err = table.Write(out, message)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// messageStatus returns the exit status of a drift message as an error.
func messageStatus(message notify.Message) error {
	switch message.Status {
	case notify.InSync:
		return nil
	case notify.Drifted:
		return &statusError{status: exitFound}
	}
	return &statusError{status: exitNotRun}
}

// resources shows how many resources have been checked.
func (p progress) resources(now detect.Progress) {
	p.show("%d of %d  %s", now.Done, now.Total, now.LogicalID)
}
