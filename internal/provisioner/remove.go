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

// deleteTries is how often one event requests the deletion of a stack: some
// failures are caused by IAM's eventual consistency and pass.
const deleteTries = 2

// deleteStack deletes a permission stack of this installation, whatever its
// status. It returns nil if the stack does not exist.
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
		// CloudFormation accepts DeleteStack during a creation, but not during an
		// update or a rollback.
		if stacks.InProgress(status) && status != types.StackStatusCreateInProgress {
			if _, err := o.waitUntilStable(ctx, aws.ToString(stack.StackId), name); err != nil {
				return fmt.Errorf("delete stack %s: %w", name, err)
			}
			continue
		}
		if tries == deleteTries {
			return fmt.Errorf("%w. Delete or detach the named resource manually, then delete again",
				o.failure(ctx, "delete", stack, sinceStep))
		}
		if tries > 0 {
			// The first attempt may have failed only because a permission is new.
			o.repeatDenied(ctx, name, o.failure(ctx, "delete", stack, sinceStep))
		}
		tries++
		if err := o.requestDelete(ctx, stack, tries); err != nil {
			return err
		}
	}
	return fmt.Errorf("delete stack %s: its status keeps changing. Check in CloudTrail whether another principal "+
		"works on it, then delete again", name)
}

// requestDelete requests the deletion and waits until it succeeded or failed.
func (o *operation) requestDelete(ctx context.Context, stack *types.Stack, try int) error {
	name := aws.ToString(stack.StackName)
	input := &cloudformation.DeleteStackInput{
		StackName: stack.StackId,
		// The StackId, unlike the name, differs from an earlier stack's.
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
			return nil // deleteStack reads the status again
		}
		return fmt.Errorf("delete stack %s: %w", name, awserr.Concise(err))
	}
	o.log.Info(logDeleting, "permissionStack", name, "status", stack.StackStatus)
	if _, err := o.waitUntilStable(ctx, aws.ToString(stack.StackId), name); err != nil {
		return fmt.Errorf("delete stack %s: %w", name, err)
	}
	return nil
}
