package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"permstack/internal/terminal"
)

// The default of --timeout: for commands that read a stack, and for those that
// update it and wait.
const (
	readTimeout   = 10 * time.Minute
	updateTimeout = 20 * time.Minute
)

// stackFlags are the flags of commands that read or update a deployed stack.
type stackFlags struct {
	aws     awsFlags
	stack   string
	timeout time.Duration
}

// register adds --stack, --region, --aws-profile and --timeout.
func (f *stackFlags) register(cmd *cobra.Command, timeout time.Duration) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.stack, "stack", "", "name or ID of the stack that you launched")
	f.aws.register(cmd)
	f.registerTimeout(cmd, timeout)
}

// registerTimeout adds --timeout alone.
func (f *stackFlags) registerTimeout(cmd *cobra.Command, timeout time.Duration) {
	cmd.Flags().DurationVar(&f.timeout, "timeout", timeout, "`DURATION` after which the command stops")
}

// check reports a missing --stack.
func (f *stackFlags) check() error {
	if f.stack == "" {
		return usagef("--stack is missing: give the name of the stack that you launched")
	}
	return nil
}

// load checks the flags and returns the AWS configuration and a context that ends
// with --timeout. The caller calls cancel.
func (f *stackFlags) load(cmd *cobra.Command) (
	ctx context.Context, cancel context.CancelFunc, cfg aws.Config, err error,
) {
	if err := f.check(); err != nil {
		return nil, nil, aws.Config{}, err
	}
	return f.loadOptional(cmd)
}

// loadOptional is load for commands that can run without --stack.
func (f *stackFlags) loadOptional(cmd *cobra.Command) (
	ctx context.Context, cancel context.CancelFunc, cfg aws.Config, err error,
) {
	if f.timeout <= 0 {
		return nil, nil, aws.Config{}, usagef("--timeout %s: want more than 0", f.timeout)
	}
	ctx, cancel = context.WithTimeout(cmd.Context(), f.timeout)
	cfg, err = f.aws.load(ctx)
	if err != nil {
		cancel()
		return nil, nil, aws.Config{}, err
	}
	if f.stack != "" {
		progress{cmd.ErrOrStderr()}.show("reading stack %s", f.stack)
	}
	return ctx, cancel, cfg, nil
}

// progress shows on a terminal, in one line, what a command is doing. Nothing is
// written if stderr is not a terminal.
type progress struct{ w io.Writer }

func (p progress) show(format string, args ...any) {
	if terminal.IsTerminal(p.w) {
		fmt.Fprint(terminal.Raw(p.w), "\r\x1b[K"+terminal.Clean(fmt.Sprintf(format, args...)))
	}
}

// text shows a text, or clears the line if it is empty.
func (p progress) text(text string) {
	if text == "" {
		p.clear()
		return
	}
	p.show("%s", text)
}

func (p progress) clear() {
	if terminal.IsTerminal(p.w) {
		fmt.Fprint(terminal.Raw(p.w), "\r\x1b[K")
	}
}
