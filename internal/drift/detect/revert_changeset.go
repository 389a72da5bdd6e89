package detect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/stacks"
)

// poll is the pause between two looks at what CloudFormation does.
const poll = 2 * time.Second

// maxPolls bounds the wait for CloudFormation, where the context has no deadline.
const maxPolls = 900

// ChangeSetPrefix begins the names of Revert's change sets, for policies that
// name them (condition key cloudformation:ChangeSetName).
const ChangeSetPrefix = "permstack-revert-"

// putBack brings a stack's resources back to its template and gives the logical
// ids of those that it changed.
func (v *reverting) putBack(ctx context.Context, s *stack) (changed []string, err error) {
	if s.described == nil || s.waiting || !stacks.IsStable(s.described.StackStatus) {
		return nil, errors.New("the stack is not at rest")
	}
	var parameters []types.Parameter
	for _, p := range s.described.Parameters {
		parameters = append(parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	name := fmt.Sprintf("%s%s-%08x", ChangeSetPrefix, v.o.Now().UTC().Format("20060102T150405Z"), rand.Uint32())
	_, err = call(ctx, v.cloudformation, v.clients.ChangeSets.CreateChangeSet, &cloudformation.CreateChangeSetInput{
		StackName: &s.id, ChangeSetName: &name, ClientToken: &name, Description: aws.String("permstack: puts back what drifted"),
		UsePreviousTemplate: aws.Bool(true), Parameters: parameters, DeploymentMode: types.DeploymentModeRevertDrift,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	if err != nil {
		return nil, fmt.Errorf("create change set for stack %s: %w", s.name, err)
	}
	executed := false
	defer func() {
		if !executed { // it would be in the way of nothing, but nobody wants it either
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			_, _ = v.clients.ChangeSets.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &name, StackName: &s.id})
		}
	}()
	changed, err = v.planned(ctx, s, &name)
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	_, err = call(ctx, v.cloudformation, v.clients.ChangeSets.ExecuteChangeSet, &cloudformation.ExecuteChangeSetInput{ChangeSetName: &name, StackName: &s.id, ClientRequestToken: &name})
	if err != nil {
		return nil, fmt.Errorf("execute change set for stack %s: %w", s.name, err)
	}
	executed = true
	return changed, v.settle(ctx, s)
}

// planned waits for the change set and gives what it would change. One that goes
// further than putting back is refused.
func (v *reverting) planned(ctx context.Context, s *stack, name *string) ([]string, error) {
	var changed []string
	in := &cloudformation.DescribeChangeSetInput{ChangeSetName: name, StackName: &s.id}
	for polls := 0; ; {
		out, err := call(ctx, v.cloudformation, v.clients.ChangeSets.DescribeChangeSet, in)
		if err != nil {
			return nil, fmt.Errorf("describe change set of stack %s: %w", s.name, err)
		}
		switch {
		case out.Status == types.ChangeSetStatusFailed && strings.Contains(aws.ToString(out.StatusReason), "didn't contain changes"):
			return nil, nil
		case out.Status == types.ChangeSetStatusFailed:
			return nil, fmt.Errorf("create change set for stack %s: %s", s.name, aws.ToString(out.StatusReason))
		case out.Status != types.ChangeSetStatusCreateComplete:
			if polls++; polls > maxPolls {
				return nil, fmt.Errorf("create change set for stack %s: it is still %s", s.name, out.Status)
			}
			if err := v.cloudformation.wait(ctx, poll); err != nil {
				return nil, fmt.Errorf("wait for change set of stack %s: %w", s.name, err)
			}
			continue
		}
		for _, c := range out.Changes {
			r := c.ResourceChange
			if r == nil {
				continue
			}
			if r.Action == types.ChangeActionRemove || r.Replacement == types.ReplacementTrue || r.Replacement == types.ReplacementConditional {
				return nil, fmt.Errorf("the change set would %s resource %s and was not executed: look at the stack by hand",
					map[bool]string{true: "remove", false: "replace"}[r.Action == types.ChangeActionRemove], aws.ToString(r.LogicalResourceId))
			}
			changed = append(changed, aws.ToString(r.LogicalResourceId))
		}
		if out.NextToken == nil {
			return changed, nil
		}
		in.NextToken = out.NextToken
	}
}

// waitUntilStable waits until the stack rests, and says where it did not end well.
func (v *reverting) settle(ctx context.Context, s *stack) error {
	for range maxPolls {
		now, err := v.describe(ctx, s.id)
		switch {
		case awserr.IsContextDone(err):
			return fmt.Errorf("stack %s is still being put back; the next run will see what came of it", s.name)
		case err != nil:
			return fmt.Errorf("describe stack %s: %w", s.name, err)
		case now == nil:
			return fmt.Errorf("stack %s was deleted meanwhile", s.name)
		case now.StackStatus == types.StackStatusUpdateComplete:
			return nil
		case !strings.HasSuffix(string(now.StackStatus), "_IN_PROGRESS"):
			return fmt.Errorf("stack %s is %s: %s; its events say which resource could not be put back", s.name, now.StackStatus, aws.ToString(now.StackStatusReason))
		}
		if err := v.cloudformation.wait(ctx, poll); err != nil {
			return fmt.Errorf("stack %s is still being put back; the next run will see what came of it", s.name)
		}
	}
	return fmt.Errorf("stack %s does not come to rest", s.name)
}
