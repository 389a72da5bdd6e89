package stacks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/pause"
)

// Updater is the part of the SDK's client that Update needs.
type Updater interface {
	Describer
	UpdateStack(
		context.Context, *cloudformation.UpdateStackInput, ...func(*cloudformation.Options),
	) (*cloudformation.UpdateStackOutput, error)
}

// ErrNoUpdate is returned by Update if the stack has the template and the parameters already.
var ErrNoUpdate = errors.New("no updates are to be performed")

// NotUpdatedError is returned by Update if CloudFormation began the update and did not complete it.
type NotUpdatedError struct {
	Name   string
	Status types.StackStatus // such as UPDATE_ROLLBACK_COMPLETE; "" if the stack was deleted meanwhile
	Reason string            // of the status; may be empty
}

func (e *NotUpdatedError) Error() string {
	switch {
	case e.Status == "":
		return "update stack " + e.Name + ": it was deleted"
	case e.Reason == "":
		return fmt.Sprintf("update stack %s: it is %s; see its events in the console", e.Name, e.Status)
	}
	return fmt.Sprintf("update stack %s: it is %s (%s); see its events in the console", e.Name, e.Status, e.Reason)
}

// ParameterUpdate returns the input of an update that keeps the template of a stack, its capabilities, and the value of
// every parameter but some.
func ParameterUpdate(s *types.Stack, values map[string]string) *cloudformation.UpdateStackInput {
	return &cloudformation.UpdateStackInput{
		StackName: s.StackId, UsePreviousTemplate: aws.Bool(true), Capabilities: s.Capabilities,
		Parameters: WithParameters(s, values),
	}
}

// WithParameters returns the parameters of an update that keeps the value of all but some. A parameter that the stack
// does not have is left out.
func WithParameters(s *types.Stack, values map[string]string) []types.Parameter {
	var out []types.Parameter
	for _, p := range s.Parameters {
		next := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
		if value, ok := values[aws.ToString(p.ParameterKey)]; ok {
			next = types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &value}
		}
		out = append(out, next)
	}
	return out
}

// Update updates a stack, which the input names by its id, and waits until CloudFormation no longer works on it. Only
// the context bounds the wait. The error is ErrNoUpdate, a *NotUpdatedError, or that of a call.
func Update(
	ctx context.Context, client Updater, in *cloudformation.UpdateStackInput, sleep pause.Func,
	observe func(*types.Stack),
) error {
	id := aws.ToString(in.StackName)
	switch _, err := client.UpdateStack(ctx, in); {
	case awserr.IsNoUpdate(err):
		return ErrNoUpdate
	case err != nil:
		return fmt.Errorf("update stack %s: %w", name(id), awserr.Concise(err))
	}
	after, err := WaitUntilStable(ctx, client, id, sleep, observe)
	switch {
	case err != nil:
		return err
	case after == nil:
		return &NotUpdatedError{Name: name(id)}
	case after.StackStatus == types.StackStatusDeleteComplete:
		return &NotUpdatedError{Name: aws.ToString(after.StackName)}
	case after.StackStatus != types.StackStatusUpdateComplete:
		return &NotUpdatedError{
			Name: aws.ToString(after.StackName), Status: after.StackStatus, Reason: aws.ToString(after.StackStatusReason),
		}
	}
	return nil
}

// name returns the name in the id of a stack, and any other text unchanged.
func name(id string) string {
	if _, rest, ok := strings.Cut(id, ":stack/"); ok {
		id, _, _ = strings.Cut(rest, "/")
	}
	return id
}
