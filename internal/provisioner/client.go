package provisioner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// CloudFormation is the little of the SDK's client that provisioning needs.
type CloudFormation interface {
	CreateStack(context.Context, *cloudformation.CreateStackInput, ...func(*cloudformation.Options)) (*cloudformation.CreateStackOutput, error)
	UpdateStack(context.Context, *cloudformation.UpdateStackInput, ...func(*cloudformation.Options)) (*cloudformation.UpdateStackOutput, error)
	DeleteStack(context.Context, *cloudformation.DeleteStackInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error)
	ContinueUpdateRollback(context.Context, *cloudformation.ContinueUpdateRollbackInput, ...func(*cloudformation.Options)) (*cloudformation.ContinueUpdateRollbackOutput, error)
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	DescribeStackResource(context.Context, *cloudformation.DescribeStackResourceInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackResourceOutput, error)
	DescribeStackEvents(context.Context, *cloudformation.DescribeStackEventsInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error)
}

// describe reads a stack by name or id. A stack that does not exist, or that
// was deleted, is nil when asked for by name.
func (o *operation) describe(ctx context.Context, nameOrID string) (*types.Stack, error) {
	out, err := o.Client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &nameOrID})
	if isStackNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe stack %s: %w", nameOrID, apiMessage(err))
	}
	if len(out.Stacks) == 0 {
		return nil, nil
	}
	return &out.Stacks[0], nil
}

// apiMessage is an error of AWS in the words that matter to a customer: its code and
// message, without the SDK's account of the HTTP exchange.
func apiMessage(err error) error {
	var api smithy.APIError
	var already *saidError
	if errors.As(err, &already) || !errors.As(err, &api) {
		return err
	}
	return &saidError{api.ErrorCode() + ": " + api.ErrorMessage(), err}
}

type saidError struct {
	text string
	err  error
}

func (e *saidError) Error() string { return e.text }
func (e *saidError) Unwrap() error { return e.err }

// CloudFormation answers three quite different things with the one code
// ValidationError; their messages are all there is to tell them apart. These
// three functions are the only ones that read a message.

// isStackNotFound: "Stack with id x does not exist".
func isStackNotFound(err error) bool { return isValidation(err, "does not exist") }

// isNoUpdate: "No updates are to be performed."
func isNoUpdate(err error) bool { return isValidation(err, "No updates are to be performed") }

// isNotAssumable: "Role arn:… is invalid or cannot be assumed", which a role
// made moments ago is.
func isNotAssumable(err error) bool { return isValidation(err, "is invalid or cannot be assumed") }

func isValidation(err error, message string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), message)
}

// isConflict: somebody else, perhaps this very event delivered twice, began
// the same thing first, or moved the stack on meanwhile.
func isConflict(err error) bool {
	var exists *types.AlreadyExistsException
	var token *types.TokenAlreadyExistsException
	var busy *types.OperationInProgressException
	return errors.As(err, &exists) || errors.As(err, &token) || errors.As(err, &busy)
}

// inProgress tells whether CloudFormation is at work on a stack. A stack under
// review is not: it waits for a person.
func inProgress(s types.StackStatus) bool {
	return strings.HasSuffix(string(s), "_IN_PROGRESS") && s != types.StackStatusReviewInProgress
}

func tagValue(stack *types.Stack, key string) string {
	for _, t := range stack.Tags {
		if aws.ToString(t.Key) == key {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

func outputs(stack *types.Stack) map[string]string {
	out := map[string]string{}
	for _, o := range stack.Outputs {
		out[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return out
}
