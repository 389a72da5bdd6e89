package main

import (
	"time"

	"github.com/spf13/cobra"

	"permstack/internal/drift/audit"
	"permstack/internal/notify"
)

func newAudit() *cobra.Command {
	var (
		f          stackFlags
		output     outputFlag
		principals []string
	)
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Search the account for access that permstack did not grant",
		Long: `Search the account for access of the backup service that no stack of permstack
granted: roles under an installation's path or names that no stack holds, roles that
trust the backup service or an installation's role, policies of keys, buckets, topics
and queues and grants of keys that name them, and permission stacks without a parent.
It reads one Region, and roles and buckets of the whole account, and changes nothing.

Exit status: 0 if nothing was found, 1 if something was, 2 if the audit could not run
or could not read everything.`,
		Example: `  permstack audit
  permstack audit --stack backup --region eu-central-1 --aws-profile security --output json`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.stack, "stack", "", "name or ID of the stack that you launched (default: every one in the Region)")
	flags.StringSliceVar(&principals, "principal", nil, "`ARN` or account ID to search for, too")
	f.aws.register(cmd)
	f.registerTimeout(cmd, readTimeout)
	output.register(cmd, " (docs/drift-message.schema.json)", formatTable, formatJSON, formatYAML)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, cancel, cfg, err := f.loadOptional(cmd)
		if err != nil {
			return err
		}
		defer cancel()
		bar := progress{cmd.ErrOrStderr()}
		bar.show("searching the account")
		report, err := audit.Run(ctx, audit.NewClients(cfg), audit.Options{
			Parent: f.stack, Principals: principals,
			Progress: func(kind string, done int) { bar.show("searching the account: %d %s", done, kind) },
		})
		bar.clear()
		if err != nil {
			return f.aws.explain(err)
		}
		addCallers(ctx, cfg, cmd.ErrOrStderr(), &report)
		message := notify.ReportMessage(report, time.Now())
		if err := writeMessage(cmd.OutOrStdout(), output.format, message); err != nil {
			return err
		}
		return messageStatus(message)
	}
	return cmd
}
