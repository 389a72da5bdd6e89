package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/spf13/cobra"

	"permstack/internal/awsapi/pause"
	"permstack/internal/policies"
	"permstack/internal/review/livecheck"
	"permstack/internal/review/usage"
)

type usageCommand struct {
	stackFlags
	output outputFlag
	days   int
}

func newUsage() *cobra.Command {
	var f usageCommand
	cmd := &cobra.Command{
		Use:   "usage",
		Short: "Report which granted actions the backup service has not used",
		Long: `Report which actions the roles of a stack were granted and have not used in a
number of days, from IAM's last accessed data, and which asset, operation or option
of the choice grants them: leaving it out in an update of the stack takes them away.
Nothing is changed.

IAM keeps this data for 400 days, shows a call after up to four hours, counts refused
calls, and tracks only some actions of a service. An action that IAM does not track
is reported as "no data", never as unused, unless the role called no action of that
service at all.

Rights: cloudformation:DescribeStacks, GetTemplate; iam:GenerateServiceLastAccessedDetails
and GetServiceLastAccessedDetails. One report is requested for each role.

Exit status: 0 if nothing is known to be unused, 1 if something is, 2 if the command
could not run, or found nothing unused and could not read everything.`,
		Example: `  permstack usage --stack backup --region us-east-1
  permstack usage --stack backup --days 180 --output csv >unused.csv
  permstack usage --stack backup --aws-profile security --output json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	f.register(cmd, readTimeout)
	flags.IntVar(&f.days, "days", usage.DefaultDays, "`DAYS` without use after which an action is unused, up to 400")
	f.output.register(cmd, "", formatTable, formatJSON, formatYAML, formatCSV)
	return cmd
}

func (f usageCommand) run(cmd *cobra.Command) error {
	if f.days < 1 || f.days > usage.TrackingDays {
		return usagef("--days %d: want 1 to %d, the days that IAM keeps the data", f.days, usage.TrackingDays)
	}
	ctx, cancel, cfg, err := f.load(cmd)
	if err != nil {
		return err
	}
	defer cancel()
	report, err := f.report(ctx, cfg, progress{cmd.ErrOrStderr()})
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if f.output.format == formatCSV {
		err = report.WriteCSV(out)
	} else {
		err = write(out, f.output.format, report, report.Write)
	}
	switch {
	case err != nil:
		return err
	case report.Unused > 0:
		return &statusError{status: exitFound}
	case !report.IsComplete():
		return &statusError{status: exitNotRun}
	}
	return nil
}

// report reads the stack and the data of its roles.
func (f usageCommand) report(ctx context.Context, cfg aws.Config, bar progress) (usage.Report, error) {
	stack, set, err := readStack(ctx, cfg, f.aws, f.stack)
	if err != nil {
		return usage.Report{}, err
	}
	arns := roleARNs(set, stack.Environment)
	data, err := livecheck.LastAccessed(ctx, iam.NewFromConfig(cfg), arns, pause.For, func(done, total int) {
		bar.show("IAM prepares its report: %d of %d roles read", done, total)
	})
	bar.clear()
	if err != nil {
		return usage.Report{}, f.aws.explain(err)
	}
	profile, _ := policies.ProfileAt(stack.Selection.Profile, stack.Selection.CatalogVersion)
	return usage.Evaluate(usage.Input{
		Stack: f.stack, Profile: profile, Selection: stack.Selection, Environment: stack.Environment, Set: set,
		ARNs: arns, Data: data, Days: f.days, Created: stack.Created, Now: time.Now(),
	})
}
