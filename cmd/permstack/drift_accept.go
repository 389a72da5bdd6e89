package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"permstack/internal/awsapi/pause"
	cfnstacks "permstack/internal/cfn/stacks"
	"permstack/internal/drift/audit"
	"permstack/internal/drift/detect"
	"permstack/internal/notify/finding"
)

// driftAcceptFlags are the flags of `permstack drift accept`.
type driftAcceptFlags struct {
	stackFlags
	id, reason, until, drop string
}

func newDriftAccept() *cobra.Command {
	var f driftAcceptFlags
	cmd := &cobra.Command{
		Use:   "accept",
		Short: "Accept a difference until a day",
		Long: `Accept a difference that permstack drift or permstack audit reports, until a day within a year. The
check then reports it neither as drift nor in messages, and never reverts it.

The acceptance covers the difference as it is now: if its contents change, it is
reported again. It is kept in the parameter AcceptedDifferences of the stack, with
the ID of the finding, the hash of its contents, the principal of your credentials,
the reason and the last day. The command therefore updates the stack, and needs
cloudformation:UpdateStack; the change is announced like every other change of the
parameters. It cannot accept what could not be read.`,
		Example: `  permstack drift accept --stack backup --finding 8f14e45fceea167a \
    --reason "guardrail of the security team" --until 2027-06-30
  permstack drift accept --stack backup --withdraw 8f14e45fceea167a`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.register(cmd, updateTimeout)
	flags := cmd.Flags()
	flags.StringVar(&f.id, "finding", "", "`ID` of the finding, as permstack drift or audit shows it")
	flags.StringVar(&f.reason, "reason", "", "why the difference is wanted")
	flags.StringVar(&f.until, "until", "", "last `DAY` of the acceptance, YYYY-MM-DD, within a year")
	flags.StringVar(&f.drop, "withdraw", "", "`ID` of the finding whose acceptance ends now")
	return cmd
}

func (f driftAcceptFlags) run(cmd *cobra.Command) error {
	if err := f.stackFlags.check(); err != nil {
		return err
	}
	until, err := f.lastDay(time.Now())
	if err != nil {
		return err
	}
	ctx, cancel, cfg, err := f.load(cmd)
	if err != nil {
		return err
	}
	defer cancel()
	bar := progress{cmd.ErrOrStderr()}
	defer bar.clear()
	client := cloudformation.NewFromConfig(cfg)
	described, err := f.describe(ctx, client)
	if err != nil {
		return err
	}
	list := finding.ParseAcceptances(cfnstacks.Parameter(described, finding.AcceptedChoice))
	list = slices.DeleteFunc(list, func(a finding.Acceptance) bool { // the ones that ended make room
		return !time.Now().Before(a.Until.Add(24*time.Hour)) && a.ID != f.drop
	})
	var done string
	if f.drop != "" {
		kept := slices.DeleteFunc(slices.Clone(list), func(a finding.Acceptance) bool { return a.ID == f.drop })
		if len(kept) == len(list) {
			return fmt.Errorf("stack %s has no acceptance of finding %s: permstack drift shows those in force", f.stack, f.drop)
		}
		list, done = kept, "withdrawn: the acceptance of finding "+f.drop
	} else {
		accepted, err := f.accept(ctx, cfg, until)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(a finding.Acceptance) bool { return a.ID == f.id })
		list, done = append(list, accepted), "accepted: "+accepted.String()
	}
	bar.show("updating stack %s", f.stack)
	if err := f.update(ctx, client, described, finding.FormatAcceptances(list)); err != nil {
		return err
	}
	bar.clear()
	_, err = fmt.Fprintln(cmd.OutOrStdout(), done)
	return err
}

// lastDay checks the flags of the acceptance and returns its last day.
func (f driftAcceptFlags) lastDay(now time.Time) (time.Time, error) {
	switch {
	case f.drop != "" && (f.id != "" || f.reason != "" || f.until != ""):
		return time.Time{}, usagef("--withdraw cannot be combined with --finding, --reason or --until")
	case f.drop != "":
		return time.Time{}, nil
	case f.id == "":
		return time.Time{}, usagef("--finding is missing: give an ID that permstack drift shows")
	case f.reason == "":
		return time.Time{}, usagef("--reason is missing: say why the difference is wanted")
	case strings.ContainsAny(f.reason, ";\n\r") || len(f.reason) > 200:
		return time.Time{}, usagef("--reason: want at most 200 characters in one line, without semicolons")
	}
	until, err := time.Parse(time.DateOnly, f.until)
	switch {
	case err != nil:
		return until, usagef("--until %q: want a day such as %s", f.until, now.AddDate(0, 6, 0).Format(time.DateOnly))
	case !now.Before(until.Add(24 * time.Hour)):
		return until, usagef("--until %s: the day has passed", f.until)
	case until.After(now.Add(finding.MaxAcceptance)):
		return until, usagef("--until %s: want a day within a year", f.until)
	}
	return until, nil
}

// describe returns the parent stack, whose template must have the parameter.
func (f driftAcceptFlags) describe(ctx context.Context, client *cloudformation.Client) (*types.Stack, error) {
	described, err := cfnstacks.Describe(ctx, client, f.stack)
	switch {
	case err != nil:
		return nil, f.aws.explain(err)
	case described == nil:
		return nil, fmt.Errorf("describe stack %s: it does not exist", f.stack)
	case !slices.ContainsFunc(described.Parameters, func(p types.Parameter) bool {
		return aws.ToString(p.ParameterKey) == finding.AcceptedChoice
	}):
		return nil, fmt.Errorf("stack %s has no parameter %s: permstack did not create it, or with an earlier release: "+
			"give the name of the stack that you launched, or update it to this release first", f.stack, finding.AcceptedChoice)
	}
	return described, nil
}

// accept checks the stack and returns the acceptance of the finding as it is now.
func (f driftAcceptFlags) accept(ctx context.Context, cfg aws.Config, until time.Time) (finding.Acceptance, error) {
	report, err := detect.Check(ctx, detect.NewClients(cfg), detect.Options{Parent: f.stack})
	if err != nil {
		return finding.Acceptance{}, f.aws.explain(err)
	}
	all := slices.Concat(report.Findings, report.Accepted)
	isGiven := func(g finding.Finding) bool { return g.ID == f.id }
	if !slices.ContainsFunc(all, isGiven) { // it may be one of the audit
		audited, err := audit.Run(ctx, audit.NewClients(cfg), audit.Options{Parent: f.stack})
		if err != nil {
			return finding.Acceptance{}, fmt.Errorf("stack %s has no finding %s now that permstack drift shows, "+
				"and the audit failed: %w", f.stack, f.id, f.aws.explain(err))
		}
		all = slices.Concat(all, audited.Findings, audited.Accepted)
	}
	i := slices.IndexFunc(all, isGiven)
	switch {
	case i < 0:
		return finding.Acceptance{}, fmt.Errorf(
			"stack %s has no finding %s now: permstack drift and permstack audit show the IDs",
			f.stack,
			f.id,
		)
	case !all[i].Acceptable():
		return finding.Acceptance{}, fmt.Errorf("finding %s cannot be accepted, because its contents are not known: %s",
			f.id, all[i].Kind)
	}
	identity, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return finding.Acceptance{}, f.aws.explain(err)
	}
	by := aws.ToString(identity.Arn)
	if parsed, err := arn.Parse(by); err == nil { // the account is the stack's in almost all cases
		by = parsed.AccountID + ":" + parsed.Resource
	}
	return finding.Acceptance{ID: f.id, Hash: all[i].Hash, Until: until, By: by, Reason: f.reason}, nil
}

// maxAccepted is the MaxLength of the parameter.
const maxAccepted = 2048

// update sets the parameter, keeps the template and every other parameter, and waits
// until the update is complete.
func (f driftAcceptFlags) update(
	ctx context.Context, client *cloudformation.Client, described *types.Stack, value string,
) error {
	if len(value) > maxAccepted {
		return fmt.Errorf("the accepted differences have %d characters, at most %d are possible: withdraw some", len(value),
			maxAccepted)
	}
	in := cfnstacks.ParameterUpdate(described, map[string]string{finding.AcceptedChoice: value})
	err := cfnstacks.Update(ctx, client, in, pause.For, nil)
	if err == nil || errors.Is(err, cfnstacks.ErrNoUpdate) {
		return nil
	}
	return f.aws.explain(err)
}
