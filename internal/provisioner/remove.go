package provisioner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/permissionstack"
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
			failed := o.failure(ctx, "delete", stack, sinceStep)
			if failed.known {
				return failed
			}
			return fmt.Errorf("%w. Delete or detach the named resource manually, then delete again", failed)
		}
		if tries > 0 {
			// The first attempt may have failed only because a permission is new.
			o.repeatDenied(ctx, "delete", name, o.failure(ctx, "delete", stack, sinceStep))
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
		return o.refusal("delete", name, err)
	}
	o.log.Info(logDeleting, "permissionStack", name, "status", stack.StackStatus)
	if _, err := o.waitUntilStable(ctx, aws.ToString(stack.StackId), name); err != nil {
		return fmt.Errorf("delete stack %s: %w", name, err)
	}
	return nil
}

// checkProtection returns an error if termination protection of any permission stack
// is on: then none is deleted.
func (o *operation) checkProtection(ctx context.Context) error {
	var problems []error
	for _, part := range slices.Backward(installation.Parts) {
		name := o.parent.StackName(part)
		stack, err := o.describe(ctx, name)
		if err != nil {
			return err
		}
		if stack == nil || o.checkOwner(stack) != nil || !aws.ToBool(stack.EnableTerminationProtection) {
			continue
		}
		const reason = "TerminationProtection is enabled" // DeleteStack's text
		problems = append(problems, errors.New(o.withRemedy("delete stack "+name, "delete", reason, name, "")))
	}
	if len(problems) == 0 {
		return nil
	}
	return joinErrors(problems)
}

// stripAllRoles makes the roles of the access stack assumable by nobody before they
// are deleted. If their deletion then fails, because somebody attached a policy for
// example, they grant no access. If stripping fails the deletion goes on, which may
// succeed nevertheless.
func (o *operation) stripAllRoles(ctx context.Context) {
	name := o.parent.StackName(installation.Access)
	if err := o.stripStack(ctx, name); err != nil {
		o.log.Warn(logNotStripped, "permissionStack", name, "reason", err.Error())
	}
}

func (o *operation) stripStack(ctx context.Context, name string) error {
	stack, err := o.describe(ctx, name)
	if err != nil || stack == nil || o.checkOwner(stack) != nil || o.StackRoleARN == "" {
		return err
	}
	if s := stack.StackStatus; stacks.InProgress(s) && s != types.StackStatusCreateInProgress {
		if stack, err = o.waitUntilStable(ctx, aws.ToString(stack.StackId), name); err != nil || stack == nil {
			return err
		}
	}
	if !slices.Contains(strippable, stack.StackStatus) {
		return nil
	}
	body, err := o.readTemplate(ctx, stack)
	if err != nil {
		return err
	}
	stripped, needed, err := permissionstack.StripRoles([]byte(body))
	if err != nil || !needed {
		return err
	}
	o.log.Info(logStripping, "permissionStack", name)
	_, err = o.updateStack(ctx, stack, stripped, "strip")
	return err
}

// strippable are the statuses of a stack that may have roles and can be updated.
var strippable = []types.StackStatus{
	types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete,
	types.StackStatusUpdateFailed, types.StackStatusImportComplete, types.StackStatusImportRollbackComplete,
}

// refusal returns the error of a request that CloudFormation did not accept, with
// what to do.
func (o *operation) refusal(verb, stack string, err error) error {
	advice := o.remedyFor(verb, awserr.Message(err), stack, "")
	if advice == "" {
		return fmt.Errorf("%s stack %s: %w", verb, stack, awserr.Concise(err))
	}
	return fmt.Errorf("%s stack %s: %w. %s", verb, stack, awserr.Concise(err), advice)
}
