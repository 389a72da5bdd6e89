// Package restorewindow opens and closes the restore window of a deployed stack: its
// parameter RestoreUntil.
package restorewindow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/pause"
	"permstack/internal/cfn/stacks"
	"permstack/internal/policies"
	"permstack/internal/review/deployed"
)

// The parameters of the stack.
const (
	untilParameter = "RestoreUntil"
	limitParameter = "MaxRestoreHours"
)

// CloudFormation is the part of the SDK's client that a Window needs.
type CloudFormation interface {
	deployed.CloudFormation
	UpdateStack(
		context.Context, *cloudformation.UpdateStackInput, ...func(*cloudformation.Options),
	) (*cloudformation.UpdateStackOutput, error)
}

// Window is the restore window of a stack.
type Window struct {
	Until   time.Time     // zero: none is open
	Longest time.Duration // how long one may be
	Now     time.Time     // AWS's time when the stack was read

	Observe func(*types.Stack) // called with each status of the update; may be nil
	Sleep   pause.Func         // nil is pause.For

	client CloudFormation
	stack  types.Stack
}

// Read returns the window of the stack with the name or ID under which it was launched.
func Read(ctx context.Context, client CloudFormation, name string) (*Window, error) {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	switch {
	case awserr.IsStackNotFound(err), err == nil && len(out.Stacks) == 0:
		return nil, fmt.Errorf("describe stack %s: it does not exist in this account and Region", name)
	case err != nil:
		return nil, fmt.Errorf("describe stack %s: %w", name, awserr.Concise(err))
	}
	w := &Window{client: client, stack: out.Stacks[0], Now: time.Now()}
	// IAM compares the end with AWS's clock, so a wrong clock of this machine must not
	// move it.
	if t, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok && !t.IsZero() {
		w.Now = t
	}
	if !slices.ContainsFunc(w.stack.Parameters, func(p types.Parameter) bool {
		return aws.ToString(p.ParameterKey) == untilParameter
	}) {
		return nil, fmt.Errorf("stack %s has no parameter %s: permstack did not create it, or with an earlier release: "+
			"give the name of the stack that you launched, or update it to this release first", name, untilParameter)
	}
	if w.Until, err = policies.ParseRestoreUntil(stacks.Parameter(&w.stack, untilParameter)); err != nil {
		return nil, fmt.Errorf("read parameter %s of stack %s: %w", untilParameter, name, err)
	}
	hours, err := strconv.Atoi(stacks.Parameter(&w.stack, limitParameter))
	if err != nil {
		return nil, fmt.Errorf("read parameter %s of stack %s: want a number", limitParameter, name)
	}
	w.Longest = time.Duration(hours) * time.Hour
	return w, nil
}

// Open allows restores until a time, in place of an earlier window, and waits until the
// update of the stack is complete.
func (w *Window) Open(ctx context.Context, until time.Time) error {
	switch {
	case !w.Now.Before(until):
		return fmt.Errorf("restores cannot be allowed until %s: for AWS it is %s now. Nothing was changed",
			policies.FormatRestoreUntil(until), policies.FormatRestoreUntil(w.Now))
	case until.After(w.Now.Add(w.Longest)):
		return fmt.Errorf("restores cannot be allowed until %s: the stack's parameter %s allows at most %d hours from now, "+
			"until %s. Nothing was changed", policies.FormatRestoreUntil(until), limitParameter, int(w.Longest.Hours()),
			policies.FormatRestoreUntil(w.Now.Add(w.Longest).Truncate(time.Second)))
	}
	if err := w.checkChoice(ctx, "open a restore window of"); err != nil {
		return err
	}
	return w.update(ctx, policies.FormatRestoreUntil(until))
}

// Close ends the window and waits until the update of the stack is complete.
func (w *Window) Close(ctx context.Context) error {
	if err := w.checkChoice(ctx, "close the restore window of"); err != nil {
		return err
	}
	return w.update(ctx, "")
}

// checkChoice returns an error if the stack's choice includes restores without a window:
// closing a window would make them permanent.
func (w *Window) checkChoice(ctx context.Context, what string) error {
	name := aws.ToString(w.stack.StackName)
	if err := w.checkIdle(); err != nil {
		return err
	}
	d, err := deployed.Read(ctx, w.client, name)
	if err != nil {
		return err
	}
	profile, known := policies.Profile(d.Selection.Profile)
	switch {
	case !known:
		return fmt.Errorf("%s stack %s: this release does not have its profile %s", what, name, d.Selection.Profile)
	case len(profile.RestoreOperations) == 0:
		return fmt.Errorf("%s stack %s: its profile %s has no operation that restores", what, name, profile.Name)
	case policies.RestoresPermanently(profile, d.Selection):
		return fmt.Errorf("%s stack %s: its parameter Operations, or its preset, allows restores without an end. "+
			"Nothing was changed. Update the stack with operations that do not restore, and %s empty, first",
			what, name, untilParameter)
	}
	return nil
}

// checkIdle returns an error if CloudFormation is working on the stack.
func (w *Window) checkIdle() error {
	if stacks.InProgress(w.stack.StackStatus) {
		return w.busyError(string(w.stack.StackStatus))
	}
	return nil
}

func (w *Window) busyError(status string) error {
	return fmt.Errorf("stack %s is being changed (%s), possibly by another person: nothing was changed. "+
		"Wait until that is complete, and run the command again", aws.ToString(w.stack.StackName), status)
}

// update sets the parameter, keeps the template and every other parameter, and waits.
func (w *Window) update(ctx context.Context, value string) error {
	name := aws.ToString(w.stack.StackName)
	sleep := w.Sleep
	if sleep == nil {
		sleep = pause.For
	}
	in := stacks.ParameterUpdate(&w.stack, map[string]string{untilParameter: value})
	err := stacks.Update(ctx, w.client, in, sleep, w.Observe)
	var unchanged *stacks.NotUpdatedError
	switch {
	case errors.Is(err, stacks.ErrNoUpdate):
		return nil
	case awserr.IsUpdateInProgress(err):
		return w.busyError("since it was read")
	case errors.As(err, &unchanged) && unchanged.Status != "":
		return fmt.Errorf("update stack %s: it is %s, and restores are allowed as before. Its events in the console "+
			"have the reason (%s)", name, unchanged.Status, unchanged.Reason)
	}
	return awserr.Concise(err)
}
