package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/spf13/cobra"

	"permstack/internal/awsapi/pause"
	cfnstacks "permstack/internal/cfn/stacks"
	"permstack/internal/drift/audit"
	"permstack/internal/drift/detect"
	"permstack/internal/notify/finding"
	"permstack/internal/notify/remedy"
	"permstack/internal/notify/wording"
	"permstack/internal/terminal"
)

// driftRevertFlags are the flags of `permstack drift revert`.
type driftRevertFlags struct {
	stackFlags
	ids      []string
	set      []string
	settings string
}

func newDriftRevert() *cobra.Command {
	var f driftRevertFlags
	cmd := &cobra.Command{
		Use:   "revert",
		Short: "Restore what permstack deployed",
		Long: `Restore what permstack deployed: the findings of permstack drift, or those with the
given IDs, are reverted with your own AWS credentials. Differences that were accepted
are not reverted.

Declared properties are restored by a drift-aware change set of their stack, the
launched stack included; the code, settings and permissions of functions and the
policies of queues by calls of their service. Policies that no template declares are
removed from the roles. A permission stack that was deleted is created again by an
update of the launched stack. With --finding, roles that no template declares are
deleted, and findings of permstack audit are reverted: the principals of the backup
service are removed from the policies of others.

--set sets a parameter of the launched stack, and keeps all others and the template: it
restores what a message reports as a changed choice. --stack-settings does the same for
the settings of that stack which no template contains, as the message states them: the
role of CloudFormation, the topics that receive its events, and the alarms that roll
updates back; "none" removes topics and alarms.

Exit status: 0 if everything was reverted, 1 if something could not be, which is listed
with the reason and the command that resolves it, 2 if the command could not run.`,
		Example: `  permstack drift revert --stack backup --finding 8f14e45fceea167a
  permstack drift revert --stack backup
  permstack drift revert --stack backup --set 'DriftSchedule=rate(1 day)'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.register(cmd, updateTimeout)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.ids, "finding", nil, "`ID` of a finding, as permstack drift or audit shows it "+
		"(default: all of permstack drift)")
	flags.StringArrayVar(&f.set, "set", nil, "`NAME=VALUE` of a parameter of the launched stack")
	flags.StringVar(&f.settings, "stack-settings", "", "`SETTINGS` of the launched stack, as a message states them")
	return cmd
}

func (f driftRevertFlags) run(cmd *cobra.Command) error {
	values := map[string]string{}
	for _, entry := range f.set {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" {
			return usagef("--set %q: want NAME=VALUE", entry)
		}
		values[name] = value
	}
	if (len(values) > 0 || f.settings != "") && len(f.ids) > 0 {
		return usagef("--set and --stack-settings cannot be combined with --finding")
	}
	update := &cloudformation.UpdateStackInput{UsePreviousTemplate: aws.Bool(true)}
	if f.settings != "" {
		if err := stackSettings(f.settings, update); err != nil {
			return err
		}
	}
	ctx, cancel, cfg, err := f.load(cmd)
	if err != nil {
		return err
	}
	defer cancel()
	if len(values) > 0 || f.settings != "" {
		return f.setParameters(ctx, cmd, cfg, update, values)
	}
	return f.revert(ctx, cmd, cfg)
}

// revert reverts the chosen findings and writes what was done.
func (f driftRevertFlags) revert(ctx context.Context, cmd *cobra.Command, cfg aws.Config) error {
	bar := progress{cmd.ErrOrStderr()}
	defer bar.clear()
	clients := detect.NewClients(cfg)
	clients.Operator = detect.NewOperator(cfg)
	report, err := detect.Check(ctx, clients, detect.Options{Parent: f.stack, Progress: bar.resources})
	if err != nil {
		return f.aws.explain(err)
	}
	audited, err := f.choose(ctx, cfg, &report)
	if err != nil {
		return err
	}
	bar.show("reverting")
	result, err := detect.Revert(ctx, clients, report, detect.Options{Parent: f.stack})
	if err != nil {
		return f.aws.explain(err)
	}
	bar.clear()
	out := terminal.NewWriter(cmd.OutOrStdout()) // every line is written at once
	at := remedy.NewPlace(report.ParentStackID)
	failed := len(result.Failed)
	for _, r := range result.Done {
		fmt.Fprintln(out, "reverted: "+wording.Reversal(r))
	}
	for _, r := range result.Failed {
		fmt.Fprintln(out, "not reverted: "+wording.Reversal(r))
		writeRemedy(out, r.Finding, at)
	}
	for _, one := range audited {
		done, err := audit.Revoke(ctx, audit.NewClients(cfg), audit.Options{Parent: f.stack}, one)
		if err != nil {
			failed++
			fmt.Fprintf(out, "not reverted: %s: %v\n", one.PhysicalID, err)
			writeRemedy(out, one, at)
			continue
		}
		fmt.Fprintf(out, "reverted: %s: %s\n", one.PhysicalID, done)
	}
	switch {
	case failed > 0:
		return &statusError{status: exitFound}
	case len(result.Done)+len(audited) == 0:
		fmt.Fprintln(out, "nothing to revert: stack "+f.stack+" is in sync")
	}
	return nil
}

// writeRemedy writes the command that resolves a finding, unless it is the one that has
// just failed.
func writeRemedy(out io.Writer, f finding.Finding, at remedy.Place) {
	command, reason := remedy.Command(f, at)
	switch {
	case strings.HasPrefix(command, "aws "):
		fmt.Fprintln(out, "  run: "+command)
	case reason != "":
		fmt.Fprintln(out, "  "+reason)
	}
}

// choose leaves the chosen findings in the report, and returns those of the audit. Without
// a choice a role that no template declares is kept: it may be somebody's.
func (f driftRevertFlags) choose(
	ctx context.Context, cfg aws.Config, report *finding.Report,
) ([]finding.Finding, error) {
	if len(f.ids) == 0 {
		report.Findings = slices.DeleteFunc(report.Findings, func(g finding.Finding) bool {
			return g.Kind == finding.RoleAdded
		})
		return nil, nil
	}
	known := map[string]bool{}
	for _, g := range report.Findings {
		known[g.ID] = true
	}
	isUnknown := func(id string) bool { return !known[id] }
	report.Findings = slices.DeleteFunc(report.Findings, func(g finding.Finding) bool {
		return !slices.Contains(f.ids, g.ID)
	})
	if !slices.ContainsFunc(f.ids, isUnknown) {
		return nil, nil
	}
	for _, g := range report.Accepted {
		if slices.Contains(f.ids, g.ID) {
			return nil, fmt.Errorf("finding %s is accepted: withdraw the acceptance first, with permstack drift accept "+
				"--stack %s --withdraw %s", g.ID, f.stack, g.ID)
		}
	}
	audited, err := audit.Run(ctx, audit.NewClients(cfg), audit.Options{Parent: f.stack})
	if err != nil {
		return nil, fmt.Errorf("search the account for the finding: %w", f.aws.explain(err))
	}
	for _, g := range audited.Findings {
		known[g.ID] = true
	}
	if i := slices.IndexFunc(f.ids, isUnknown); i >= 0 {
		return nil, fmt.Errorf("stack %s has no finding %s now: it was resolved, or permstack drift and permstack audit "+
			"show another ID for it", f.stack, f.ids[i])
	}
	return slices.DeleteFunc(audited.Findings, func(g finding.Finding) bool { return !slices.Contains(f.ids, g.ID) }), nil
}

// setParameters updates the launched stack with the settings of an update and other values of some parameters.
func (f driftRevertFlags) setParameters(
	ctx context.Context, cmd *cobra.Command, cfg aws.Config, in *cloudformation.UpdateStackInput,
	values map[string]string,
) error {
	client := cloudformation.NewFromConfig(cfg)
	described, err := cfnstacks.Describe(ctx, client, f.stack)
	switch {
	case err != nil:
		return f.aws.explain(err)
	case described == nil:
		return fmt.Errorf("describe stack %s: it does not exist", f.stack)
	}
	has := map[string]bool{}
	for _, p := range described.Parameters {
		has[aws.ToString(p.ParameterKey)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !has[name] {
			return fmt.Errorf("stack %s has no parameter %s", f.stack, name)
		}
	}
	bar := progress{cmd.ErrOrStderr()}
	defer bar.clear()
	bar.show("updating stack %s", f.stack)
	in.StackName, in.Capabilities = described.StackId, described.Capabilities
	in.Parameters = cfnstacks.WithParameters(described, values)
	if f.settings != "" {
		// CloudFormation refuses an update of the settings alone.
		revised := maps.Clone(values)
		revised[detect.RevisionParameter] = time.Now().UTC().Format(detect.RevisionFormat)
		in.Parameters = cfnstacks.WithParameters(described, revised)
	}
	err = cfnstacks.Update(ctx, client, in, pause.For, nil)
	if errors.Is(err, cfnstacks.ErrNoUpdate) {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "nothing to do: the parameters have these values")
		return err
	}
	if err != nil {
		return f.aws.explain(err)
	}
	bar.clear()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(cmd.OutOrStdout(), "set: %s of stack %s is %q\n", name, f.stack, values[name])
	}
	if f.settings != "" {
		fmt.Fprintf(cmd.OutOrStdout(), "set: settings of stack %s: %s\n", f.stack, f.settings)
	}
	return nil
}
