package detect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/cfn/stacks"
	"permstack/internal/notify/finding"
)

// poll is the interval of reading CloudFormation's status.
const poll = 2 * time.Second

// maxPolls bounds the wait for CloudFormation if the context has no deadline.
const maxPolls = 900

// ChangeSetPrefix begins the names of Revert's change sets, for IAM policies that
// name them (condition key cloudformation:ChangeSetName).
const ChangeSetPrefix = "permstack-revert-"

// executeChangeSet restores a stack's resources from its template and returns the
// logical ids of those that it changed. The outcome is Restored, also if there
// was nothing to change.
func (v *reverter) executeChangeSet(ctx context.Context, s *stack) (changed []string, o outcome) {
	var template string
	var parameters []types.Parameter
	if v.forged[s.name] {
		var ok bool
		if template, parameters, ok = v.chosen.deployment(s); !ok {
			return nil, outcome{result: finding.ExternalIDUnknown}
		}
	}
	if s.described == nil || s.inProgress || !stacks.IsStable(s.described.StackStatus) {
		return nil, outcome{result: finding.StackBusy}
	}
	if template == "" {
		parameters = stacks.WithParameters(s.described, nil)
	}
	name := fmt.Sprintf("%s%s-%08x", ChangeSetPrefix, v.o.Now().UTC().Format("20060102T150405Z"), rand.Uint32())
	in := &cloudformation.CreateChangeSetInput{
		StackName: &s.id, ChangeSetName: &name, ClientToken: &name, Description: aws.String("permstack: reverts drift"),
		UsePreviousTemplate: aws.Bool(true), Parameters: parameters, DeploymentMode: types.DeploymentModeRevertDrift,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	if s == v.parent() {
		in.Capabilities = s.described.Capabilities
	}
	if template != "" {
		in.UsePreviousTemplate, in.TemplateBody = nil, &template
	}
	_, err := ratelimit.Call(ctx, v.cloudformation, v.clients.ChangeSets.CreateChangeSet, in)
	if err != nil {
		return nil, failed(fmt.Errorf("create change set for stack %s: %w", s.name, err))
	}
	executed := false
	defer func() {
		if !executed { // an unused change set does no harm, so its deletion may fail
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			_, _ = v.clients.ChangeSets.DeleteChangeSet(ctx,
				&cloudformation.DeleteChangeSetInput{ChangeSetName: &name, StackName: &s.id})
		}
	}()
	changed, err = v.waitForChangeSet(ctx, s, &name)
	if err != nil {
		return nil, failed(err)
	}
	if len(changed) == 0 {
		return nil, outcome{result: finding.Restored}
	}
	execute := v.clients.ChangeSets.ExecuteChangeSet
	_, err = ratelimit.Call(ctx, v.cloudformation, execute, &cloudformation.ExecuteChangeSetInput{
		ChangeSetName: &name, StackName: &s.id, ClientRequestToken: &name,
	})
	if err != nil {
		return nil, failed(fmt.Errorf("execute change set for stack %s: %w", s.name, err))
	}
	executed = true
	if err := v.waitUntilStable(ctx, s); err != nil {
		return nil, failed(err)
	}
	return changed, outcome{result: finding.Restored}
}

// waitForChangeSet waits until the change set is created and returns the logical
// ids that it would change. It returns an error if the change set would remove or
// replace a resource.
func (v *reverter) waitForChangeSet(ctx context.Context, s *stack, name *string) ([]string, error) {
	var changed []string
	in := &cloudformation.DescribeChangeSetInput{ChangeSetName: name, StackName: &s.id}
	for polls := 0; ; {
		out, err := ratelimit.Call(ctx, v.cloudformation, v.clients.ChangeSets.DescribeChangeSet, in)
		if err != nil {
			return nil, fmt.Errorf("describe change set of stack %s: %w", s.name, err)
		}
		reason := aws.ToString(out.StatusReason)
		switch {
		case out.Status == types.ChangeSetStatusFailed && strings.Contains(reason, "didn't contain changes"):
			return nil, nil
		case out.Status == types.ChangeSetStatusFailed:
			return nil, fmt.Errorf("create change set for stack %s: %s", s.name, reason)
		case out.Status != types.ChangeSetStatusCreateComplete:
			if polls++; polls > maxPolls {
				return nil, fmt.Errorf("create change set for stack %s: it is still %s", s.name, out.Status)
			}
			if err := v.cloudformation.Wait(ctx, poll); err != nil {
				return nil, fmt.Errorf("wait for change set of stack %s: %w", s.name, err)
			}
			continue
		}
		for _, c := range out.Changes {
			if c.ResourceChange == nil {
				continue
			}
			if err := checkChange(s, c.ResourceChange); err != nil {
				return nil, err
			}
			changed = append(changed, aws.ToString(c.ResourceChange.LogicalResourceId))
		}
		if out.NextToken == nil {
			return changed, nil
		}
		in.NextToken = out.NextToken
	}
}

// checkChange returns an error if a change removes or may replace a resource that
// the catalogue defines. What a forged template added or renamed is removed.
func checkChange(s *stack, r *types.ResourceChange) error {
	action := ""
	expected := slices.ContainsFunc(s.resources, func(e *resource) bool {
		return e.logicalID == aws.ToString(r.LogicalResourceId) && e.physicalID == aws.ToString(r.PhysicalResourceId)
	})
	switch {
	case s.part != "" && !expected:
		return nil
	case r.Action == types.ChangeActionRemove:
		action = "remove"
	case r.Replacement == types.ReplacementTrue || r.Replacement == types.ReplacementConditional:
		action = "replace"
	default:
		return nil
	}
	return fmt.Errorf("the change set would %s resource %s and was not executed: check the stack by hand",
		action, aws.ToString(r.LogicalResourceId))
}

// waitUntilStable waits until the update of a stack is complete. It returns an
// error if the update failed.
func (v *reverter) waitUntilStable(ctx context.Context, s *stack) error {
	unfinished := fmt.Errorf("the update of stack %s has not finished; the next run reports its result", s.name)
	for range maxPolls {
		now, err := v.describe(ctx, s.id)
		switch {
		case awserr.IsContextDone(err):
			return unfinished
		case err != nil:
			return err
		case now == nil:
			return fmt.Errorf("stack %s was deleted in the meantime", s.name)
		case now.StackStatus == types.StackStatusUpdateComplete:
			return nil
		case !stacks.InProgress(now.StackStatus):
			return fmt.Errorf("stack %s is %s: %s; its events show which resource could not be restored",
				s.name, now.StackStatus, aws.ToString(now.StackStatusReason))
		}
		if err := v.cloudformation.Wait(ctx, poll); err != nil {
			return unfinished
		}
	}
	return unfinished
}
