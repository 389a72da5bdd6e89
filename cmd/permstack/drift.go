package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/cobra"

	"permstack/internal/drift/detect"
	"permstack/internal/notify"
)

// What `permstack drift` exits with, beside exitOK for "in sync".
const (
	exitDrifted   = 1
	exitUnchecked = 2
)

// unchecked says why nothing could be checked.
func unchecked(cmd *cobra.Command, err error) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "permstack: %v\n", err)
	return &statusError{exitUnchecked}
}

// driftFlags are what the command line chose.
type driftFlags struct {
	stack, region, profile, format string
	timeout                        time.Duration
}

func newDrift() *cobra.Command {
	var f driftFlags
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Look whether the access is as it was deployed",
		Long: `Look whether the access is as it was deployed: what the scheduled check does, with
your own credentials, at once. It reads and changes nothing, and it tells every
difference that stands, whether or not the alert topic has told it.

The exit status is 0 where everything is as deployed, 1 where something differs,
and 2 where that could not be checked, or not everything could be read.`,
		Example: `  permstack drift --stack backup
  permstack drift --stack backup --region eu-central-1 --profile security --format json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.stack, "stack", "", "name or id of the stack that was launched")
	flags.StringVar(&f.region, "region", "", "Region of the stack; default: as the AWS CLI finds it")
	flags.StringVar(&f.profile, "profile", "", "profile of the AWS configuration files")
	flags.StringVar(&f.format, "format", "table", "table or json (docs/drift-message.schema.json)")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Minute, "time after which it tells what it has found so far")
	return cmd
}

func (f driftFlags) run(cmd *cobra.Command) error {
	switch {
	case f.stack == "":
		return usagef("--stack is missing: the name of the stack that was launched")
	case f.format != "table" && f.format != "json":
		return usagef("--format %q: want table or json", f.format)
	case f.timeout <= 0:
		return usagef("--timeout %s: want more than nothing", f.timeout)
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
	defer cancel()
	// The SDK's own warnings are not for whoever runs this.
	options := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if f.region != "" {
		options = append(options, config.WithRegion(f.region))
	}
	if f.profile != "" {
		options = append(options, config.WithSharedConfigProfile(f.profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return unchecked(cmd, fmt.Errorf("read AWS configuration: %w", err))
	}
	if cfg.Region == "" {
		return unchecked(cmd, errors.New("no Region is set: give --region, or set AWS_REGION"))
	}
	progress := newProgress(cmd.ErrOrStderr())
	report, err := detect.Check(ctx, detect.NewClients(cfg), detect.Options{Parent: f.stack, Progress: progress.tell})
	progress.end()
	if err != nil {
		return unchecked(cmd, err)
	}
	report.Findings = notify.WithoutOwnState(report.Findings)
	message := notify.LookMessage(report, time.Now())
	if f.format == "json" {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", message.JSON())
	} else {
		err = message.Table(cmd.OutOrStdout())
	}
	if err != nil {
		return unchecked(cmd, fmt.Errorf("write the result: %w", err))
	}
	switch message.Status {
	case notify.InSync:
		return nil
	case notify.Drifted:
		return &statusError{exitDrifted}
	}
	return &statusError{exitUnchecked}
}

// progress shows on a terminal how far the check has come.
type progress struct{ w io.Writer }

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	if !ok {
		return &progress{}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{w}
}

func (p *progress) tell(now detect.Progress) {
	if p.w != nil {
		fmt.Fprintf(p.w, "\r\x1b[K%d of %d  %s", now.Done, now.Total, now.LogicalID)
	}
}

func (p *progress) end() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
