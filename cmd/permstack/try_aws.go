package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/spf13/cobra"

	"permstack/internal/e2e/demo"
	"permstack/internal/e2e/recording"
	"permstack/internal/e2e/sandbox"
	"permstack/internal/policies/schema"
	"permstack/internal/terminal"
)

// tryAWS are the flags of try that are for a real account.
type tryAWS struct {
	aws     awsFlags
	enabled bool
	yes     bool
	cleanUp bool
}

func (t *tryAWS) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.enabled, "aws", false, "run on a real AWS account, after a confirmation")
	t.aws.registerProfile(cmd)
	cmd.Flags().StringVar(&t.aws.region, "region", "", "AWS Region of the run, with --aws (default: AWS_REGION)")
	cmd.Flags().BoolVar(&t.yes, "yes", false, "with --aws, do not request a confirmation")
	cmd.Flags().BoolVar(&t.cleanUp, "clean-up", false, "with --aws, delete what earlier runs left, and run nothing")
}

// check refuses flags that have no effect.
func (t *tryAWS) check(cmd *cobra.Command) error {
	if !t.enabled {
		for _, name := range []string{"aws-profile", "region", "yes", "clean-up"} {
			if cmd.Flags().Changed(name) {
				return usagef("--%s has no effect without --aws", name)
			}
		}
		return nil
	}
	if cmd.Flags().Changed("verbose") {
		return usagef("--verbose has no effect with --aws: the functions write to CloudWatch Logs")
	}
	for _, name := range []string{"profile", "assets"} {
		if t.cleanUp && cmd.Flags().Changed(name) {
			return usagef("--%s has no effect with --clean-up", name)
		}
	}
	return nil
}

// buildFunctions builds the functions' zips; a test replaces it.
var buildFunctions sandbox.Builder = sandbox.Build

// run runs the demo on a real account, or deletes what earlier runs left.
func (t *tryAWS) run(cmd *cobra.Command, profile string, assets []schema.Asset) error {
	cfg, err := t.aws.load(cmd.Context())
	if err != nil {
		return err
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	account, err := sandbox.Identify(cmd.Context(), cfg)
	if err != nil {
		return t.aws.explain(err)
	}
	if t.cleanUp {
		return t.deleteLeftovers(cmd, cfg, account)
	}
	run, err := sandbox.New(cfg, account)
	if err != nil {
		return err
	}
	run.Describe(cmd.OutOrStdout())
	file := "try-aws-" + time.Now().Format("2006-01-02-150405") + ".json"
	fmt.Fprintf(cmd.OutOrStdout(), "\nEvery call is recorded, without secrets, in %s.\n\n", file)
	if err := t.confirm(cmd, "Run it in this account?"); err != nil {
		return err
	}
	return t.execute(cmd, cfg, run, file, profile, assets)
}

// execute runs the demo, deletes everything whatever happened, and writes the
// recording.
func (t *tryAWS) execute(
	cmd *cobra.Command, cfg aws.Config, run *sandbox.Run, file, profile string, assets []schema.Asset,
) error {
	begin := time.Now().UTC()
	out := cmd.OutOrStdout()
	result := run.Execute(cmd.Context(), cfg, sandbox.Options{
		Profile: profile, Assets: assets, Build: buildFunctions,
		Out: out, Log: cmd.ErrOrStderr(), Color: terminal.New(out).Color,
		Progress: progress{cmd.ErrOrStderr()}.text,
	})
	written := recording.Recording{
		Schema: recording.Schema, Begin: begin, Region: run.Account.Region, Release: version(), Calls: result.Calls,
	}.Write(file)
	if written == nil {
		fmt.Fprintf(out, "%d calls are recorded in %s. Compare them with the embedded AWS: "+
			"permstack local --compare %s\n", len(result.Calls), file, file)
	}
	var step *demo.StepError
	switch {
	case result.Left != nil:
		return fmt.Errorf("not everything could be deleted, run 'permstack try --aws --clean-up --region %s%s': %w",
			run.Account.Region, t.profileFlag(), errors.Join(result.Err, t.aws.explain(result.Left), written))
	case written != nil:
		return errors.Join(result.Err, written)
	case cmd.Context().Err() != nil:
		return cmd.Context().Err()
	case errors.As(result.Err, &step):
		return &statusError{exitFound, result.Err}
	case result.Err != nil:
		return t.aws.explain(result.Err)
	}
	return nil
}

// deleteLeftovers lists what earlier runs left and deletes it.
func (t *tryAWS) deleteLeftovers(cmd *cobra.Command, cfg aws.Config, account sandbox.Account) error {
	out := cmd.OutOrStdout()
	bar := progress{cmd.ErrOrStderr()}
	bar.show("searching account %s, %s", account.ID, account.Region)
	left, err := sandbox.Find(cmd.Context(), cfg, account)
	bar.clear()
	if err != nil {
		return t.aws.explain(err)
	}
	if len(left) == 0 {
		fmt.Fprintf(out, "Nothing of permstack try remains in account %s, %s.\n", account.ID, account.Region)
		return nil
	}
	fmt.Fprintf(out, "Runs of permstack try have left this in account %s, %s:\n", account.ID, account.Region)
	for _, l := range left {
		fmt.Fprintf(out, "  %s\n", l)
	}
	if err := t.confirm(cmd, "Delete it? A run that is not finished fails."); err != nil {
		return err
	}
	if err := sandbox.Clean(cmd.Context(), cfg, account, "", out); err != nil {
		return fmt.Errorf("not everything could be deleted: %w", t.aws.explain(err))
	}
	fmt.Fprintln(out, "Nothing remains.")
	return nil
}

// errNotConfirmed ends the command before it changed anything.
var errNotConfirmed = errors.New("not confirmed: nothing was changed")

// confirm requests the word yes, unless --yes is given.
func (t *tryAWS) confirm(cmd *cobra.Command, question string) error {
	if t.yes {
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s Type yes: ", question)
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the confirmation: %w", err)
	}
	if strings.TrimSpace(line) != "yes" {
		return errNotConfirmed
	}
	return nil
}

func (t *tryAWS) profileFlag() string {
	if t.aws.profile == "" {
		return ""
	}
	return " --aws-profile " + t.aws.profile
}
