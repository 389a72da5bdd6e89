// Package stacks reads and waits for CloudFormation stacks. The provisioner,
// the drift check, the commands and the tests share it.
package stacks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/pause"
)

// Describer is the part of the SDK's client that Describe needs.
type Describer interface {
	DescribeStacks(
		context.Context,
		*cloudformation.DescribeStacksInput,
		...func(*cloudformation.Options),
	) (*cloudformation.DescribeStacksOutput, error)
}

// Describe returns a stack by name or id, or nil if it does not exist. A deleted
// stack is returned when it is named by its id, with status DELETE_COMPLETE.
func Describe(ctx context.Context, client Describer, nameOrID string) (*types.Stack, error) {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &nameOrID})
	if awserr.IsStackNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe stack %s: %w", nameOrID, awserr.Concise(err))
	}
	if len(out.Stacks) == 0 {
		return nil, nil
	}
	return &out.Stacks[0], nil
}

// InProgress reports whether CloudFormation is working on a stack. A stack in
// REVIEW_IN_PROGRESS waits for a person and is not in progress.
func InProgress(s types.StackStatus) bool {
	return strings.HasSuffix(string(s), "_IN_PROGRESS") && s != types.StackStatusReviewInProgress
}

// stable are the statuses in which a stack's template describes what is
// deployed, and in which CloudFormation detects drift (user guide, "Detect
// unmanaged configuration changes").
var stable = []types.StackStatus{
	types.StackStatusCreateComplete, types.StackStatusUpdateComplete,
	types.StackStatusUpdateRollbackComplete, types.StackStatusUpdateRollbackFailed,
	types.StackStatusImportComplete, types.StackStatusImportRollbackComplete,
}

// IsStable reports whether the stack's template describes what is deployed.
func IsStable(s types.StackStatus) bool { return slices.Contains(stable, s) }

// Tags returns the tags of a stack by key.
func Tags(s *types.Stack) map[string]string {
	out := make(map[string]string, len(s.Tags))
	for _, t := range s.Tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// Outputs returns the outputs of a stack by key.
func Outputs(s *types.Stack) map[string]string {
	out := make(map[string]string, len(s.Outputs))
	for _, o := range s.Outputs {
		out[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return out
}

// Parameter returns the value of a parameter; "" if the stack does not have it.
func Parameter(s *types.Stack, key string) string {
	for _, p := range s.Parameters {
		if aws.ToString(p.ParameterKey) == key {
			return aws.ToString(p.ParameterValue)
		}
	}
	return ""
}

// A permission stack takes ten seconds to a few minutes: early polls make small
// changes quick, later ones stay well below the API's rate limit.
const (
	firstPoll   = 200 * time.Millisecond
	longestPoll = 2 * time.Second
)

// WaitUntilStable polls a stack until CloudFormation no longer works on it, and
// returns it; nil if it does not exist. Only the context bounds the wait.
// observe is called with each new status; it may be nil. Pass the stack's id
// rather than its name where the stack may be deleted meanwhile: only the id
// finds a deleted stack.
func WaitUntilStable(
	ctx context.Context,
	client Describer,
	id string,
	sleep pause.Func,
	observe func(*types.Stack),
) (*types.Stack, error) {
	var last types.StackStatus
	for interval := firstPoll; ; interval = min(interval*3/2, longestPoll) {
		stack, err := Describe(ctx, client, id)
		if err != nil || stack == nil {
			return nil, err
		}
		if stack.StackStatus != last {
			last = stack.StackStatus
			if observe != nil {
				observe(stack)
			}
		}
		if !InProgress(last) {
			return stack, nil
		}
		if err := sleep(ctx, interval); err != nil {
			return nil, fmt.Errorf("wait for stack %s, which is %s: %w", aws.ToString(stack.StackName), last, err)
		}
	}
}
