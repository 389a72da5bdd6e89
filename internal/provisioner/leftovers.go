package provisioner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/stacks"
	"permstack/internal/permissionstack"
)

// stripRemovedRoles empties the roles that the template drops, in an update of its own: see
// permissionstack.Farewell. It gives the stack as it is then.
func (o *operation) stripRemovedRoles(ctx context.Context, stack *types.Stack, template permissionstack.Template) (*types.Stack, error) {
	name := aws.ToString(stack.StackName)
	if !hasRoles(stack) {
		return stack, nil
	}
	body, err := o.readTemplate(ctx, stack)
	if err != nil {
		return nil, err
	}
	first, needed, err := permissionstack.Farewell([]byte(body), template)
	if err != nil { // changed by hand; CloudFormation took it, so it will take ours
		o.log.Warn("dropped roles are not emptied before they are deleted", "permissionStack", name, "why", err.Error())
		return stack, nil
	}
	if !needed {
		return stack, nil
	}
	o.log.Info("emptying the roles that are dropped", "permissionStack", name)
	return o.updateStack(ctx, stack, first, "farewell")
}

// hasRoles tells whether a stack gives roles as outputs, as the access part does.
func hasRoles(stack *types.Stack) bool {
	for _, value := range stacks.Outputs(stack) {
		if strings.Contains(value, ":role/") {
			return true
		}
	}
	return false
}

// collectLeftovers adds to a list what CloudFormation left behind: after an update or a
// rollback it tries three times to delete a resource that is not needed any more,
// and then forgets it. Nobody but a person can delete it then. What earlier events
// leftovers is told until the next update, too: their functions may have died before
// they could tell, and it may be in the way now.
func (o *operation) collectLeftovers(ctx context.Context, stack *types.Stack, known []string) []string {
	name := aws.ToString(stack.StackName)
	note := func(text string) {
		if !slices.Contains(known, text) {
			known = append(known, text)
		}
	}
	failed, err := o.failedDeletions(ctx, stack)
	if err != nil {
		o.log.Error("left behind is unknown: the events cannot be read", "permissionStack", name, "error", err.Error())
		note("what the events of stack " + name + " say is DELETE_FAILED (they could not be read)")
	}
	for _, e := range failed {
		thing := aws.ToString(e.PhysicalResourceId)
		o.log.Error("left behind", "permissionStack", name, "resource", thing, "type", aws.ToString(e.ResourceType), "reason", aws.ToString(e.ResourceStatusReason))
		note(aws.ToString(e.ResourceType) + " " + thing)
	}
	return known
}

// failedDeletions lists the resources whose last event within the update is that they
// cannot be deleted.
func (o *operation) failedDeletions(ctx context.Context, stack *types.Stack) ([]types.StackEvent, error) {
	var failed []types.StackEvent
	seen := map[string]bool{}
	err := o.eachEvent(ctx, stack, sinceRequest, func(e types.StackEvent) {
		id := aws.ToString(e.LogicalResourceId) + " " + aws.ToString(e.PhysicalResourceId)
		if !seen[id] && e.ResourceStatus == types.ResourceStatusDeleteFailed {
			failed = append(failed, e)
		}
		seen[id] = true // the newest event of a resource comes first
	})
	return failed, err
}

// withLeftovers adds what was left behind to the reason of a failure.
func (o *operation) withLeftovers(err error) error {
	if err == nil || len(o.leftovers)+len(o.earlierLeftovers) == 0 {
		return err
	}
	return fmt.Errorf("%w. CloudFormation could not delete and left behind: %s: delete that by hand", err, o.leftoversText())
}

func (o *operation) leftoversText() string {
	all := slices.Clone(o.leftovers)
	for _, thing := range o.earlierLeftovers {
		if !slices.Contains(all, thing) {
			all = append(all, thing+" (earlier; it may be gone by now)")
		}
	}
	text := strings.Join(all, ", ")
	if len(text) > maxLeftoversText { // the answer has a limit; the log tells all
		text = text[:strings.LastIndex(text[:maxLeftoversText], ", ")] + " and more: see the function's log"
	}
	return text
}

const maxLeftoversText = 1500
