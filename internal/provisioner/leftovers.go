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

// stripRemovedRoles strips the roles that the template removes of policies and
// trust, in an update of its own: see permissionstack.StripRemovedRoles. deployed is the
// stack's template, "" for a stack without roles. It returns the stack after that update.
func (o *operation) stripRemovedRoles(
	ctx context.Context,
	stack *types.Stack,
	deployed string,
	template permissionstack.Template,
) (*types.Stack, error) {
	name := aws.ToString(stack.StackName)
	if deployed == "" {
		return stack, nil
	}
	first, needed, err := permissionstack.StripRemovedRoles([]byte(deployed), template)
	if err != nil { // the deployed template was modified manually and cannot be parsed
		o.log.Warn(logNotStripped, "permissionStack", name, "reason", err.Error())
		return stack, nil
	}
	if !needed {
		return stack, nil
	}
	o.log.Info(logStripping, "permissionStack", name)
	return o.updateStack(ctx, stack, first, "strip")
}

// hasRoles reports whether a stack has roles among its outputs, as the access
// stack does.
func hasRoles(stack *types.Stack) bool {
	for _, value := range stacks.Outputs(stack) {
		if strings.Contains(value, ":role/") {
			return true
		}
	}
	return false
}

// collectLeftovers adds to known the resources that CloudFormation left behind.
// After an update or a rollback CloudFormation tries three times to delete a
// resource that is no longer needed, and then abandons it; after that it can only
// be deleted manually. Leftovers of earlier events are reported until the next
// update as well: the function may have been killed before it reported them, and
// they may conflict with the current event.
func (o *operation) collectLeftovers(ctx context.Context, stack *types.Stack, known []string) []string {
	name := aws.ToString(stack.StackName)
	note := func(text string) {
		if !slices.Contains(known, text) {
			known = append(known, text)
		}
	}
	failed, err := o.failedDeletions(ctx, stack)
	if err != nil {
		o.log.Error(LogLeftoversUnknown, "permissionStack", name, "error", err.Error())
		note("the resources that are DELETE_FAILED in the events of stack " + name + " (they could not be read)")
	}
	for _, e := range failed {
		resource, kind := aws.ToString(e.PhysicalResourceId), aws.ToString(e.ResourceType)
		o.log.Error(LogLeftBehind, "permissionStack", name,
			"resource", resource, "type", kind, "reason", aws.ToString(e.ResourceStatusReason))
		note(kind + " " + resource)
	}
	return known
}

// failedDeletions returns the last event of each resource that could not be
// deleted in the last update.
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

// withLeftovers adds the resources that were left behind to an error.
func (o *operation) withLeftovers(err error) error {
	if err == nil || len(o.leftovers)+len(o.earlierLeftovers) == 0 {
		return err
	}
	return fmt.Errorf(
		"%w. CloudFormation could not delete these resources and left them behind: %s. Delete them manually", err,
		o.leftoversText())
}

// leftoversText lists the resources that were left behind, in at most about
// maxLeftoversText bytes.
func (o *operation) leftoversText() string {
	all := slices.Clone(o.leftovers)
	for _, resource := range o.earlierLeftovers {
		if !slices.Contains(all, resource) {
			all = append(all, resource+" (by an earlier event, possibly deleted since)")
		}
	}
	text := strings.Join(all, ", ")
	if len(text) > maxLeftoversText {
		text = text[:strings.LastIndex(text[:maxLeftoversText], ", ")] + " and more: see the function's log"
	}
	return text
}

// maxLeftoversText is in bytes. A response has at most 4,096; the log lists every
// resource.
const maxLeftoversText = 1500
