package provisioner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
)

// maxSteps bounds the steps that bring one stack to what is wanted: waiting
// for somebody else's operation, a remedy, the operation itself, each perhaps
// dropStaleFindings once or twice.
const maxSteps = 10

// timeoutMinutes bounds a creation: with its rollback it must end before the
// name does (15 minutes), so that the reason can be told.
const timeoutMinutes = 8

// reconcileAll brings every permission stack to what is wanted, in the order of
// installation.Parts, and removes a part that is not wanted any more.
func (o *operation) reconcileAll(ctx context.Context, wanted []permissionstack.Stack) (map[installation.Part]*types.Stack, error) {
	standing := map[installation.Part]*types.Stack{}
	templates := map[installation.Part]permissionstack.Template{}
	for _, s := range wanted {
		templates[s.Part] = s.Template
	}
	for _, part := range installation.Parts {
		name := o.parent.StackName(part)
		template, want := templates[part]
		if !want {
			if err := o.deleteStack(ctx, name); err != nil {
				return nil, err
			}
			continue
		}
		stack, err := o.reconcile(ctx, name, template)
		if err != nil {
			return nil, err
		}
		standing[part] = stack
	}
	// A Delete may have overtaken a Create: then it took away what stood first.
	for part := range standing {
		name := o.parent.StackName(part)
		stack, err := o.describe(ctx, name)
		if err != nil {
			return nil, err
		}
		if stack == nil || aws.ToString(stack.StackId) != aws.ToString(standing[part].StackId) || stack.StackStatus == types.StackStatusDeleteInProgress {
			return nil, fmt.Errorf("stack %s was deleted by somebody else meanwhile", name)
		}
	}
	return standing, nil
}

// errStackChanged asks bring to look at the stack anew.
var errStackChanged = errors.New("the stack changed meanwhile")

// reconcile makes one stack what the template says, whatever state it is in.
func (o *operation) reconcile(ctx context.Context, name string, template permissionstack.Template) (*types.Stack, error) {
	remedied := map[types.StackStatus]bool{}
	for range maxSteps {
		stack, err := o.describe(ctx, name)
		if err != nil {
			return nil, err
		}
		if stack == nil {
			if stack, err = o.create(ctx, name, template); err == errStackChanged {
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
				if same {
					o.log.Info("permission stack is as wanted", "permissionStack", name, "status", status)
					o.earlierLeftovers = o.collectLeftovers(ctx, stack, o.earlierLeftovers)
					return stack, nil
				}
			}
			if stack, err = o.update(ctx, stack, template); errors.Is(err, errStackChanged) {
				continue
			}
			return stack, err

		// These can only be deleted: nothing in them is in use, for their creation failed.
		case types.StackStatusCreateFailed, types.StackStatusRollbackComplete, types.StackStatusRollbackFailed,
			types.StackStatusDeleteFailed, types.StackStatusReviewInProgress:
			if remedied[status] {
				return nil, fmt.Errorf("stack %s is %s again after it was deleted: %s", name, status, o.cause(ctx, stack, sinceStep))
			}
			remedied[status] = true
			o.log.Info("deleting an unusable permission stack", "permissionStack", name, "status", status)
			if err := o.deleteStack(ctx, name); err != nil {
				return nil, err
			}

		case types.StackStatusUpdateRollbackFailed:
			if remedied[status] {
				return nil, fmt.Errorf("stack %s cannot finish an earlier rollback: %s. Correct that by hand and update again", name, o.cause(ctx, stack, sinceStep))
			}
			remedied[status] = true
			if err := o.continueRollback(ctx, stack); err != nil {
				return nil, err
			}

		default:
			if !stacks.InProgress(status) {
				return nil, fmt.Errorf("stack %s is %s, which permstack cannot change: bring it to UPDATE_COMPLETE or delete it", name, status)
			}
			if err := o.waitForOperation(ctx, stack); err != nil {
				return nil, err
			}
		}
	}
	return nil, fmt.Errorf("stack %s keeps changing: does something else work on it?", name)
}

// create makes the stack. OnFailure is DELETE: a failed creation then leaves
// nothing behind even if this function dies while it waits, and the events of a
// deleted stack can still be read by its id.
func (o *operation) create(ctx context.Context, name string, template permissionstack.Template) (*types.Stack, error) {
	var out *cloudformation.CreateStackOutput
	err := o.untilAssumable(ctx, func() (err error) {
		out, err = o.Client.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName:          &name,
			TemplateBody:       aws.String(string(template.JSON())),
			RoleARN:            &o.StackRoleARN,
			Capabilities:       []types.Capability{types.CapabilityCapabilityNamedIam},
			Tags:               o.stackTags(),
			OnFailure:          types.OnFailureDelete,
			TimeoutInMinutes:   aws.Int32(timeoutMinutes),
			ClientRequestToken: aws.String(clientToken(o.event.RequestID, "create", name, 0)),
		})
		return err
	})
	if awserr.IsConflict(err) {
		return nil, errStackChanged
	}
	// Also where it failed: an answer may have been lost on the way.
	o.created = append(o.created, name)
	if err != nil {
		return nil, fmt.Errorf("create stack %s: %w", name, awserr.Concise(err))
	}
	o.log.Info("creating permission stack", "permissionStack", name, "id", aws.ToString(out.StackId))
	stack, err := o.waitUntilStable(ctx, aws.ToString(out.StackId), name)
	if err != nil {
		return nil, fmt.Errorf("create stack %s: %w", name, err)
	}
	if stack == nil {
		return nil, fmt.Errorf("create stack %s: it is gone, and CloudFormation gives no reason", name)
	}
	if stack.StackStatus != types.StackStatusCreateComplete {
		return nil, fmt.Errorf("create stack %s: %s", name, o.cause(ctx, stack, sinceRequest))
	}
	return stack, nil
}

// update changes the stack; where that fails, CloudFormation takes it back.
func (o *operation) update(ctx context.Context, was *types.Stack, template permissionstack.Template) (*types.Stack, error) {
	o.earlierLeftovers = o.collectLeftovers(ctx, was, o.earlierLeftovers)
	was, err := o.stripRemovedRoles(ctx, was, template)
	if err != nil {
		return nil, err
	}
	stack, err := o.updateStack(ctx, was, template, "update")
	if stack != nil {
		o.leftovers = o.collectLeftovers(ctx, stack, o.leftovers)
	}
	return stack, err
}

// updateStack is one update of a stack. Where it fails and the stack is known, that is
// given with the error.
func (o *operation) updateStack(ctx context.Context, was *types.Stack, template permissionstack.Template, action string) (*types.Stack, error) {
	name := aws.ToString(was.StackName)
	err := o.untilAssumable(ctx, func() error {
		_, err := o.Client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName:          was.StackId,
			TemplateBody:       aws.String(string(template.JSON())),
			RoleARN:            &o.StackRoleARN,
			Capabilities:       []types.Capability{types.CapabilityCapabilityNamedIam},
			Tags:               o.stackTags(),
			ClientRequestToken: aws.String(clientToken(o.event.RequestID, action, name, 0)),
		})
		return err
	})
	switch {
	case awserr.IsNoUpdate(err):
		return was, nil
	case awserr.IsConflict(err):
		return nil, errStackChanged
	case err != nil:
		if o.statusChanged(ctx, was) {
			return nil, errStackChanged
		}
		return nil, fmt.Errorf("update stack %s: %w", name, awserr.Concise(err))
	}
	o.log.Info("updating permission stack", "permissionStack", name)
	stack, err := o.waitUntilStable(ctx, aws.ToString(was.StackId), name)
	if err != nil {
		return nil, fmt.Errorf("update stack %s: %w", name, err)
	}
	if stack == nil {
		return nil, fmt.Errorf("update stack %s: it was deleted by somebody else meanwhile", name)
	}
	switch stack.StackStatus {
	case types.StackStatusUpdateComplete:
		return stack, nil
	case types.StackStatusUpdateRollbackComplete:
		return stack, fmt.Errorf("update stack %s: %s. The stack went back to what it was: correct the cause and update again", name, o.cause(ctx, stack, sinceRequest))
	default:
		return stack, fmt.Errorf("update stack %s: %s. The stack is %s now: correct the cause and update again", name, o.cause(ctx, stack, sinceRequest), stack.StackStatus)
	}
}

// continueRollback finishes a rollback that failed earlier. Nothing is skipped:
// a skipped resource would keep access that no template speaks of.
func (o *operation) continueRollback(ctx context.Context, stack *types.Stack) error {
	name := aws.ToString(stack.StackName)
	o.log.Info("continuing a failed rollback", "permissionStack", name)
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

// waitForOperation waits for an operation that an earlier event began. What that leaves
// behind nobody else will tell.
func (o *operation) waitForOperation(ctx context.Context, stack *types.Stack) error {
	ended, err := o.waitUntilStable(ctx, aws.ToString(stack.StackId), aws.ToString(stack.StackName))
	if err == nil && ended != nil {
		o.leftovers = o.collectLeftovers(ctx, ended, o.leftovers)
	}
	return err
}

// statusChanged tells whether a stack left the state in which it was found: then a
// refusal came from somebody else's operation, not from what was asked for.
func (o *operation) statusChanged(ctx context.Context, was *types.Stack) bool {
	now, err := o.describe(ctx, aws.ToString(was.StackId))
	return err == nil && (now == nil || now.StackStatus != was.StackStatus)
}

// templateMatches compares a stack's template. Its output TemplateHash tells most
// that differ without a call more, but proves nothing: whoever changed the
// template by hand may have kept the output.
func (o *operation) templateMatches(ctx context.Context, stack *types.Stack, template permissionstack.Template) (bool, error) {
	if stacks.Outputs(stack)["TemplateHash"] != template.Hash() {
		return false, nil
	}
	body, err := o.readTemplate(ctx, stack)
	return body == string(template.JSON()), err
}

// readTemplate reads the template of a stack as it was given to CloudFormation.
func (o *operation) readTemplate(ctx context.Context, stack *types.Stack) (string, error) {
	out, err := o.Client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: stack.StackId, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return "", fmt.Errorf("read template of stack %s: %w", aws.ToString(stack.StackName), awserr.Concise(err))
	}
	return aws.ToString(out.TemplateBody), nil
}

// tagsMatch compares a stack's tags, which are not part of its template.
func (o *operation) tagsMatch(stack *types.Stack) bool {
	wanted := o.stackTags()
	for _, t := range wanted {
		if !slices.ContainsFunc(stack.Tags, func(s types.Tag) bool {
			return aws.ToString(s.Key) == *t.Key && aws.ToString(s.Value) == *t.Value
		}) {
			return false
		}
	}
	own := 0
	for _, t := range stack.Tags {
		if !strings.HasPrefix(aws.ToString(t.Key), "aws:") { // AWS's own
			own++
		}
	}
	return len(wanted) == own
}

// stackTags are the customer's and ours. CloudFormation gives them to every
// resource of the stack that takes tags.
func (o *operation) stackTags() []types.Tag {
	properties, _ := DecodeProperties(o.event.ResourceProperties) // plan decoded them without an error
	out := []types.Tag{
		{Key: aws.String(installation.ParentTag), Value: aws.String(o.parent.ID)},
		{Key: aws.String(installation.ResourceTag), Value: aws.String(o.event.LogicalResourceID)},
	}
	for _, t := range properties.Tags {
		out = append(out, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out
}

// responseData is what the template can read with Fn::GetAtt. Every key is always
// there, for a template that reads a missing one fails.
func responseData(set policies.Set, granted string, standing map[installation.Part]*types.Stack) map[string]any {
	data := map[string]any{
		"RoleArn": "", "SupportRoleArn": "", "EventTopicArn": "",
		"CatalogVersion": set.CatalogVersion, "GrantedHash": granted, "AnnouncedHash": "",
		"AccessStackId": "", "InventoryStackId": "", "PermissionStackIds": "",
		"LeftBehind": "nothing",
	}
	var ids string
	for _, part := range installation.Parts {
		stack := standing[part]
		if stack == nil {
			continue
		}
		id := aws.ToString(stack.StackId)
		data[map[installation.Part]string{installation.Access: "AccessStackId", installation.Inventory: "InventoryStackId"}[part]] = id
		if ids != "" {
			ids += ","
		}
		ids += id
		for key, value := range stacks.Outputs(stack) {
			switch key {
			case "RoleArn", "SupportRoleArn", "EventTopicArn":
				data[key] = value
			}
		}
	}
	data["PermissionStackIds"] = ids
	return data
}
