package provisioner

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/stacks"
)

// deleteTries is how often a deletion that failed is tried again within one
// event: some failures are IAM's eventual consistency.
const deleteTries = 2

// deleteStack deletes a stack of ours, whatever state it is in; one that does not
// exist is fine.
func (o *operation) deleteStack(ctx context.Context, name string) error {
	tries := 0
	for range maxSteps {
		stack, err := o.describe(ctx, name)
		if err != nil || stack == nil {
			return err
		}
		if err := o.checkOwner(stack); err != nil {
			return err
		}
		status := stack.StackStatus
		// CloudFormation takes a deletion while it creates a stack, but not while
		// it updates one or rolls it back.
		if stacks.InProgress(status) && status != types.StackStatusCreateInProgress {
			if _, err := o.waitUntilStable(ctx, aws.ToString(stack.StackId), name); err != nil {
				return fmt.Errorf("delete stack %s: %w", name, err)
			}
			continue
		}
		if tries == deleteTries {
			return fmt.Errorf("delete stack %s: %s. Remove or detach by hand what is named there, then delete again", name, o.cause(ctx, stack, sinceStep))
		}
		tries++
		if err := o.requestDelete(ctx, stack, tries); err != nil {
			return err
		}
	}
	return fmt.Errorf("delete stack %s: it keeps changing: does something else work on it?", name)
}

// requestDelete asks for the deletion and waits until it ended, well or not.
func (o *operation) requestDelete(ctx context.Context, stack *types.Stack, try int) error {
	name := aws.ToString(stack.StackName)
	input := &cloudformation.DeleteStackInput{
		StackName: stack.StackId,
		// The moment of creation tells a stack from an earlier one of its name.
		ClientRequestToken: aws.String(clientToken(o.event.RequestID, "delete", aws.ToString(stack.StackId), try)),
	}
	if o.StackRoleARN != "" {
		input.RoleARN = &o.StackRoleARN
	}
	err := o.untilAssumable(ctx, func() error {
		_, err := o.Client.DeleteStack(ctx, input)
		return err
	})
	if err != nil && !awserr.IsStackNotFound(err) && !awserr.IsConflict(err) {
		if o.statusChanged(ctx, stack) {
			return nil // remove looks again
		}
		return fmt.Errorf("delete stack %s: %w", name, awserr.Concise(err))
	}
	o.log.Info("deleting permission stack", "permissionStack", name, "was", stack.StackStatus)
	if _, err := o.waitUntilStable(ctx, aws.ToString(stack.StackId), name); err != nil {
		return fmt.Errorf("delete stack %s: %w", name, err)
	}
	return nil
}
