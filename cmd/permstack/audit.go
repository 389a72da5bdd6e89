package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"permstack/internal/drift/audit"
	"permstack/internal/notify"
	"permstack/internal/notify/table"
)

func newAudit() *cobra.Command {
	var (
		access        awsFlags
		stack, output string
		principals    []string
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
	flags.StringVar(&stack, "stack", "", "name or ID of the stack that you launched (default: every one in the Region)")
	flags.StringSliceVar(&principals, "principal", nil, "`ARN` or account ID to search for, too")
	flags.StringVar(&access.region, "region", "", "AWS Region (default: AWS_REGION or the AWS profile's)")
	access.registerProfile(cmd)
	flags.StringVar(&output, "output", "table", "table or json (docs/drift-message.schema.json)")
	completeFixed(cmd, "output", "table", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if output != "table" && output != "json" {
			return usagef("--output %q: want table or json", output)
		}
		cfg, err := access.load(cmd.Context())
		if err != nil {
			return err
		}
		report, err := audit.Run(cmd.Context(), audit.NewClients(cfg), audit.Options{Parent: stack, Principals: principals})
		if err != nil {
			return access.explain(err)
		}
		message := notify.ReportMessage(report, time.Now())
		if output == "json" {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", message.JSON())
		} else {
			err = table.Write(cmd.OutOrStdout(), message)
		}
		switch {
		case err != nil:
			return fmt.Errorf("write the result: %w", err)
		case message.Status == notify.InSync:
			return nil
		case message.Status == notify.Drifted:
			return &statusError{status: exitFound}
		}
		return &statusError{status: exitNotRun}
	}
	return cmd
}
