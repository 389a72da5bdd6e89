package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/pause"
	"permstack/internal/cfn/stacks"
)

// stackTimeout limits the wait for a stack. On the embedded AWS an operation takes
// about a second, on AWS some minutes; the function alone may run for 15.
const stackTimeout = 30 * time.Minute

// embeddedPollInterval is shorter than for a real stack.
const embeddedPollInterval = 25 * time.Millisecond

// poll returns how long the wait for a stack is between two reads of its status.
func (run *runner) poll() pause.Func {
	if run.site.Shared {
		return pause.For
	}
	return func(ctx context.Context, _ time.Duration) error { return pause.For(ctx, embeddedPollInterval) }
}

// outcome is the result of a stack operation.
type outcome struct {
	name         string
	status       string
	statusReason string // StackStatusReason
	events       []types.StackEvent
	outputs      []keyValue
	took         time.Duration
}

type keyValue struct{ key, value string }

func (run *runner) create(ctx context.Context, name, connection string, c choice) (outcome, error) {
	parameters, err := run.site.parameters(connection, c)
	if err != nil {
		return outcome{}, err
	}
	began := time.Now()
	out, err := run.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &name, TemplateURL: &run.options.TemplateURL, Parameters: stackParameters(parameters),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam}, Tags: run.site.stackTags(),
	})
	if err != nil {
		return outcome{}, fmt.Errorf("create stack %s: %w", name, err)
	}
	return run.wait(ctx, name, *out.StackId, began)
}

func (run *runner) change(ctx context.Context, name, connection string, c choice) (outcome, error) {
	parameters, err := run.site.parameters(connection, c)
	if err != nil {
		return outcome{}, err
	}
	began := time.Now()
	out, err := run.stacks.UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &name, UsePreviousTemplate: aws.Bool(true), Parameters: stackParameters(parameters),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		return outcome{}, fmt.Errorf("update stack %s: %w", name, err)
	}
	return run.wait(ctx, name, *out.StackId, began)
}

// remove deletes a stack and waits until it no longer exists.
func (run *runner) remove(ctx context.Context, name string) error {
	found, err := stacks.Describe(ctx, run.stacks, name)
	if err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("delete stack %s: it does not exist", name)
	}
	began := time.Now()
	if _, err := run.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name}); err != nil {
		return fmt.Errorf("delete stack %s: %w", name, err)
	}
	s, err := run.wait(ctx, name, aws.ToString(found.StackId), began)
	if err != nil {
		return err
	}
	if s.status != "DELETE_COMPLETE" {
		return s.unexpected("DELETE_COMPLETE")
	}
	return nil
}

// wait waits until CloudFormation no longer works on a stack, and returns its
// outcome.
func (run *runner) wait(ctx context.Context, name, id string, began time.Time) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, stackTimeout)
	defer cancel()
	end := run.waiting("stack %s", name)
	s, err := stacks.WaitUntilStable(ctx, run.stacks, id, run.poll(), func(s *types.Stack) {
		run.waiting("stack %s: %s since %s", name, s.StackStatus, time.Now().Format(time.TimeOnly))
	})
	end()
	if err != nil {
		return outcome{}, err
	}
	if s == nil {
		return outcome{}, fmt.Errorf("stack %s does not exist", name)
	}
	o := outcome{
		name: name, status: string(s.StackStatus), statusReason: aws.ToString(s.StackStatusReason), took: time.Since(began),
	}
	for _, v := range s.Outputs {
		o.outputs = append(o.outputs, keyValue{aws.ToString(v.OutputKey), aws.ToString(v.OutputValue)})
	}
	o.events, err = run.stackEvents(ctx, id)
	return o, err
}

func (run *runner) stackEvents(ctx context.Context, id string) ([]types.StackEvent, error) {
	var events []types.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(run.stacks,
		&cloudformation.DescribeStackEventsInput{StackName: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read events of stack %s: %w", id, err)
		}
		events = append(events, page.StackEvents...)
	}
	return events, nil
}

// reason returns the reason of the first failure.
func (o outcome) reason() string {
	for _, e := range slices.Backward(o.events) { // they come newest first
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			return aws.ToString(e.LogicalResourceId) + ": " + aws.ToString(e.ResourceStatusReason)
		}
	}
	return o.statusReason
}

func (o outcome) unexpected(want string) error {
	return fmt.Errorf("stack %s ended with status %s, want %s: %s", o.name, o.status, want, o.reason())
}

// permissionStack is a stack that the function created.
type permissionStack struct {
	name      string
	resources int
}

// permissionStacks returns the stacks that the demo did not launch itself.
func (run *runner) permissionStacks(ctx context.Context) ([]permissionStack, error) {
	var out []permissionStack
	names, err := run.stackNames(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == run.site.Stack || name == run.site.OtherStack {
			continue
		}
		if run.site.Shared && !run.site.isOwn(name) {
			continue
		}
		r, err := run.stacks.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &name})
		if err != nil {
			return nil, fmt.Errorf("read resources of stack %s: %w", name, err)
		}
		out = append(out, permissionStack{name, len(r.StackResources)})
	}
	return out, nil
}

// stackNames returns the names of the stacks that exist, sorted.
func (run *runner) stackNames(ctx context.Context) ([]string, error) {
	var names []string
	pages := cloudformation.NewDescribeStacksPaginator(run.stacks, &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list stacks: %w", err)
		}
		for _, s := range page.Stacks {
			names = append(names, aws.ToString(s.StackName))
		}
	}
	slices.Sort(names)
	return names, nil
}
