package provisioner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/permissionstack"
)

// maxSteps limits the steps that reconcile or delete one stack: waiting for another
// operation, a remedy, the operation itself, each possibly repeated once or twice
// after a conflict.
const maxSteps = 10

// reconcileAll reconciles the permission stacks at the same time, and deletes the
// stack of a part that is not desired. Trust policies are set last: see
// grantTrust. The first failure of a Create ends the wait for the other stack,
// because both are then deleted. An Update waits for both: its rollback can only
// begin when no operation is in progress.
func (o *operation) reconcileAll(
	ctx context.Context,
	desired []permissionstack.Stack,
) (map[installation.Part]*types.Stack, error) {
	deployed := map[installation.Part]*types.Stack{}
	templates := map[installation.Part]permissionstack.Template{}
	for _, s := range desired {
		templates[s.Part] = s.Template
	}
	var tasks []func(context.Context) error
	for _, part := range installation.Parts {
		tasks = append(tasks, func(ctx context.Context) error {
			template, ok := templates[part]
			if !ok {
				return o.deleteStack(ctx, o.parent.StackName(part))
			}
			stack, err := o.reconcile(ctx, o.parent.StackName(part), template, true)
			if err == nil {
				deployed[part] = stack
			}
			return err
		})
	}
	isCreate := o.event.RequestType == cfn.RequestCreate
	if err := firstErrors(o.sideBySide(ctx, isCreate, tasks...)); err != nil {
		return nil, err
	}
	if o.trustHeld {
		stack, err := o.grantTrust(ctx, templates[installation.Access])
		if err != nil {
			return nil, err
		}
		deployed[installation.Access] = stack
	}
	// A Delete may have run during this Create and deleted a stack.
	for part := range deployed {
		name := o.parent.StackName(part)
		stack, err := o.describe(ctx, name)
		if err != nil {
			return nil, err
		}
		if stack == nil || aws.ToString(stack.StackId) != aws.ToString(deployed[part].StackId) ||
			stack.StackStatus == types.StackStatusDeleteInProgress {
			return nil, fmt.Errorf("stack %s was deleted by another principal meanwhile", name)
		}
	}
	return deployed, nil
}

// errStackChanged makes reconcile read the stack again.
var errStackChanged = errors.New("the stack changed meanwhile")

// reconcile creates or updates one stack to match the template, whatever status
// it has. If holdTrust is set, no role can be assumed by anybody who could not
// assume it before.
func (o *operation) reconcile(
	ctx context.Context,
	name string,
	template permissionstack.Template,
	holdTrust bool,
) (*types.Stack, error) {
	remedied := map[types.StackStatus]bool{}
	for range maxSteps {
		stack, err := o.describe(ctx, name)
		if err != nil {
			return nil, err
		}
		if stack == nil {
			if stack, err = o.create(ctx, name, template, holdTrust); err == errStackChanged {
				continue
			}
			return stack, err
		}
		if err := o.checkOwner(stack); err != nil {
			return nil, err
		}
		status := stack.StackStatus
		switch status {
		case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete,
			types.StackStatusUpdateFailed, types.StackStatusImportComplete, types.StackStatusImportRollbackComplete:
			if status != types.StackStatusUpdateFailed && o.tagsMatch(stack) {
				same, err := o.templateMatches(ctx, stack, template)
				if err != nil {
					return nil, err
				}
				if !same && holdTrust {
					if same, err = o.isWithoutTrust(ctx, stack, template); err != nil {
						return nil, err
					}
				}
				if same {
					if stack, err = o.confirmExternalID(ctx, stack, template, holdTrust); errors.Is(err, errStackChanged) {
						continue // read the stack again
					}
					return stack, err
				}
			}
			if stack, err = o.update(ctx, stack, template, holdTrust); errors.Is(err, errStackChanged) {
				continue // read the stack again
			}
			return stack, err

		// These can only be deleted. Nothing in them is in use, because their creation failed.
		case types.StackStatusCreateFailed, types.StackStatusRollbackComplete, types.StackStatusRollbackFailed,
			types.StackStatusDeleteFailed, types.StackStatusReviewInProgress:
			if remedied[status] {
				return nil, fmt.Errorf(
					"stack %s is %s again after it was deleted: %s",
					name,
					status,
					o.cause(ctx, stack, sinceStep),
				)
			}
			remedied[status] = true
			o.log.Info(logUnusable, "permissionStack", name, "status", status)
			if err := o.deleteStack(ctx, name); err != nil {
				return nil, err
			}

		case types.StackStatusUpdateRollbackFailed:
			if remedied[status] {
				return nil, fmt.Errorf(
					"stack %s cannot complete an earlier rollback: %s. Correct the cause manually and update again",
					name,
					o.cause(ctx, stack, sinceStep),
				)
			}
			remedied[status] = true
			if err := o.continueRollback(ctx, stack); err != nil {
				return nil, err
			}

		default:
			if !stacks.InProgress(status) {
				return nil, fmt.Errorf("stack %s has status %s, in which it cannot be updated: "+
					"bring it to UPDATE_COMPLETE or delete it, then update again", name, status)
			}
			if err := o.waitForOperation(ctx, stack); err != nil {
				return nil, err
			}
		}
	}
	return nil, fmt.Errorf("the status of stack %s keeps changing. Check in CloudTrail whether another principal "+
		"works on it, then update again", name)
}

// confirmExternalID returns a stack that has the template already, after it was
// updated to the external id of the event if it has another one. The id of a stack
// cannot be read, so CloudFormation decides whether there is something to update.
// If the event does not change the id and the stack role cannot be assumed, the stack
// is returned: so the rollback of an update that failed for that reason succeeds.
func (o *operation) confirmExternalID(
	ctx context.Context,
	stack *types.Stack,
	template permissionstack.Template,
	holdTrust bool,
) (*types.Stack, error) {
	o.earlierLeftovers = o.collectLeftovers(ctx, stack, o.earlierLeftovers)
	switch {
	case !template.HasExternalID():
	case holdTrust && (o.trustHeld || o.externalIDChanges()):
		o.trustHeld = true // grantTrust sets the id
	case o.externalIDChanges():
		return o.updateStack(ctx, stack, template, "update")
	default:
		updated, err := o.updateStack(ctx, stack, template, confirmation)
		if !awserr.IsRoleNotAssumable(err) {
			return updated, err
		}
	}
	o.log.Info(logUpToDate, "permissionStack", aws.ToString(stack.StackName), "status", stack.StackStatus)
	return stack, nil
}

// confirmation is the action of an update that is expected to change nothing.
const confirmation = "confirm"

// create creates the stack. OnFailure is DELETE: a failed creation then leaves
// nothing behind even if this function is killed while it waits, and the events
// of a deleted stack can still be read by its id. It returns errStackChanged if it
// failed because a permission of the stack role is new: then it is tried once more.
func (o *operation) create(
	ctx context.Context,
	name string,
	template permissionstack.Template,
	holdTrust bool,
) (*types.Stack, error) {
	limit, err := o.creationLimit(ctx)
	if err == nil && holdTrust {
		template, err = o.withoutTrust(template, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("create stack %s: %w", name, err)
	}
	var out *cloudformation.CreateStackOutput
	err = o.untilAssumable(ctx, func() (err error) {
		out, err = o.Client.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName:          &name,
			TemplateBody:       aws.String(string(template.JSON())),
			Parameters:         o.parameters(template, nil),
			RoleARN:            &o.StackRoleARN,
			Capabilities:       o.capabilities(name),
			ResourceTypes:      o.resourceTypes(name),
			Tags:               o.stackTags(),
			OnFailure:          types.OnFailureDelete,
			TimeoutInMinutes:   &limit,
			ClientRequestToken: aws.String(o.token("create", name)),
		})
		return err
	})
	if awserr.IsConflict(err) {
		return nil, errStackChanged
	}
	// Also after an error: the response of a successful call may have been lost.
	if !slices.Contains(o.created, name) {
		o.created = append(o.created, name)
	}
	if err != nil {
		return nil, o.refusal("create", name, err)
	}
	o.accepted("create", name)
	o.log.Info(logCreating, "permissionStack", name, "id", aws.ToString(out.StackId))
	stack, err := o.waitUntilStable(ctx, aws.ToString(out.StackId), name)
	if err != nil {
		return nil, fmt.Errorf("create stack %s: %w", name, err)
	}
	if stack == nil {
		return nil, fmt.Errorf("create stack %s: it no longer exists, and CloudFormation reports no reason", name)
	}
	if stack.StackStatus != types.StackStatusCreateComplete {
		err := o.failure(ctx, "create", stack, sinceRequest)
		if o.repeatDenied(ctx, "create", name, err) {
			return nil, errStackChanged
		}
		return nil, err
	}
	return stack, nil
}

// update updates the stack in up to two steps: strip the roles that the template
// removes, then apply the template. CloudFormation rolls back a failed step.
func (o *operation) update(
	ctx context.Context,
	was *types.Stack,
	template permissionstack.Template,
	holdTrust bool,
) (*types.Stack, error) {
	o.earlierLeftovers = o.collectLeftovers(ctx, was, o.earlierLeftovers)
	if holdTrust { // otherwise this event has already deployed the same roles
		body, err := "", error(nil)
		if hasRoles(was) {
			if body, err = o.readTemplate(ctx, was); err != nil {
				return nil, err
			}
		}
		if was, err = o.stripRemovedRoles(ctx, was, body, template); err != nil {
			return nil, err
		}
		if template, err = o.withoutTrust(template, []byte(body)); err != nil {
			return nil, err
		}
	}
	stack, err := o.updateStack(ctx, was, template, "update")
	if stack != nil {
		o.leftovers = o.collectLeftovers(ctx, stack, o.leftovers)
	}
	return stack, err
}

// updateStack performs one UpdateStack operation and waits for it. If it fails
// after it started, the stack is returned together with the error. It returns
// errStackChanged if it was rolled back because a permission of the stack role is
// new: then it is tried once more.
func (o *operation) updateStack(
	ctx context.Context,
	was *types.Stack,
	template permissionstack.Template,
	action string,
) (*types.Stack, error) {
	name := aws.ToString(was.StackName)
	request := func() error {
		_, err := o.Client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName:          was.StackId,
			TemplateBody:       aws.String(string(template.JSON())),
			Parameters:         o.parameters(template, was),
			RoleARN:            &o.StackRoleARN,
			Capabilities:       o.capabilities(name),
			ResourceTypes:      o.resourceTypes(name),
			Tags:               o.stackTags(),
			ClientRequestToken: aws.String(o.token(action, name)),
		})
		return err
	}
	var err error
	if action == confirmation {
		err = request()
	} else {
		err = o.untilAssumable(ctx, request)
	}
	switch {
	case awserr.IsNoUpdate(err):
		o.log.Info(logUpToDate, "permissionStack", name, "status", was.StackStatus)
		return was, nil
	case awserr.IsConflict(err):
		return nil, errStackChanged
	case err != nil:
		if o.statusChanged(ctx, was) {
			return nil, errStackChanged
		}
		return nil, o.refusal("update", name, err)
	}
	o.accepted(action, name)
	o.log.Info(logUpdating, "permissionStack", name)
	stack, err := o.waitUntilStable(ctx, aws.ToString(was.StackId), name)
	if err != nil {
		return nil, fmt.Errorf("update stack %s: %w", name, err)
	}
	if stack == nil {
		return nil, fmt.Errorf("update stack %s: it was deleted by another principal meanwhile", name)
	}
	if stack.StackStatus == types.StackStatusUpdateComplete {
		return stack, nil
	}
	failed := o.failure(ctx, "update", stack, sinceRequest)
	if stack.StackStatus == types.StackStatusUpdateRollbackComplete {
		if o.repeatDenied(ctx, action, name, failed) {
			return nil, errStackChanged
		}
		return stack, fmt.Errorf("%w. The stack was rolled back: correct the cause and update again", failed)
	}
	return stack, fmt.Errorf("%w. The stack has status %s: correct the cause and update again",
		failed, stack.StackStatus)
}

// continueRollback continues a rollback that failed earlier. It skips no
// resources: a skipped resource would keep access that no template describes.
func (o *operation) continueRollback(ctx context.Context, stack *types.Stack) error {
	name := aws.ToString(stack.StackName)
	o.log.Info(logContinuing, "permissionStack", name)
	err := o.untilAssumable(ctx, func() error {
		_, err := o.Client.ContinueUpdateRollback(ctx, &cloudformation.ContinueUpdateRollbackInput{
			StackName:          stack.StackId,
			RoleARN:            &o.StackRoleARN,
			ClientRequestToken: aws.String(clientToken(o.event.RequestID, "continue", name, 0)),
		})
		return err
	})
	if err != nil && !awserr.IsConflict(err) && !o.statusChanged(ctx, stack) {
		return fmt.Errorf("continue rollback of stack %s: %w", name, awserr.Concise(err))
	}
	return o.waitForOperation(ctx, stack)
}

// waitForOperation waits for an operation that an earlier event started, and
// collects its leftovers, which that event's function can no longer report.
func (o *operation) waitForOperation(ctx context.Context, stack *types.Stack) error {
	ended, err := o.waitUntilStable(ctx, aws.ToString(stack.StackId), aws.ToString(stack.StackName))
	if err == nil && ended != nil {
		o.leftovers = o.collectLeftovers(ctx, ended, o.leftovers)
	}
	return err
}

// statusChanged reports whether a stack has left its earlier status. If so, an
// error was caused by another operation, not by this request.
func (o *operation) statusChanged(ctx context.Context, was *types.Stack) bool {
	now, err := o.describe(ctx, aws.ToString(was.StackId))
	return err == nil && (now == nil || now.StackStatus != was.StackStatus)
}
