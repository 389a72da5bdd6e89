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

	"permstack/internal/policies/schema"
)

// stackTimeout bounds the wait for a stack; on this AWS it takes about a second.
const stackTimeout = time.Minute

// poll is the pause between two looks at a stack.
const poll = 25 * time.Millisecond

// outcome is where a stack came to rest.
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
	began := time.Now()
	out, err := run.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &name, TemplateURL: &run.options.TemplateURL, Parameters: parameters(connection, c),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		return outcome{}, fmt.Errorf("create stack %s: %w", name, err)
	}
	return run.wait(ctx, name, *out.StackId, began)
}

func (run *runner) change(ctx context.Context, name, connection string, c choice) (outcome, error) {
	began := time.Now()
	out, err := run.stacks.UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &name, UsePreviousTemplate: aws.Bool(true), Parameters: parameters(connection, c),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		return outcome{}, fmt.Errorf("update stack %s: %w", name, err)
	}
	return run.wait(ctx, name, *out.StackId, began)
}

// deleteStack deletes a stack and waits until it is gone.
func (run *runner) remove(ctx context.Context, name string) error {
	found, err := run.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return fmt.Errorf("find stack %s: %w", name, err)
	}
	began := time.Now()
	if _, err := run.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name}); err != nil {
		return fmt.Errorf("delete stack %s: %w", name, err)
	}
	s, err := run.wait(ctx, name, *found.Stacks[0].StackId, began)
	if err != nil {
		return err
	}
	if s.status != "DELETE_COMPLETE" {
		return s.unexpected("DELETE_COMPLETE")
	}
	return nil
}

// setParentStatus waits until a stack rests and reads what became of it.
func (run *runner) wait(ctx context.Context, name, id string, began time.Time) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, stackTimeout)
	defer cancel()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		out, err := run.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &id})
		if err != nil {
			return outcome{}, fmt.Errorf("look at stack %s: %w", name, err)
		}
		s := out.Stacks[0]
		if status := string(s.StackStatus); !strings.HasSuffix(status, "_IN_PROGRESS") {
			o := outcome{
				name:         name,
				status:       status,
				statusReason: aws.ToString(s.StackStatusReason),
				took:         time.Since(began),
			}
			for _, v := range s.Outputs {
				o.outputs = append(o.outputs, keyValue{aws.ToString(v.OutputKey), aws.ToString(v.OutputValue)})
			}
			o.events, err = run.stackEvents(ctx, id)
			return o, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return outcome{}, fmt.Errorf(
				"stack %s is still %s after %s",
				name,
				s.StackStatus,
				time.Since(began).Round(time.Second),
			)
		}
	}
}

func (run *runner) stackEvents(ctx context.Context, id string) ([]types.StackEvent, error) {
	var events []types.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(
		run.stacks,
		&cloudformation.DescribeStackEventsInput{StackName: &id},
	)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read events of stack %s: %w", id, err)
		}
		events = append(events, page.StackEvents...)
	}
	return events, nil
}

// reason is that of the first failure.
func (o outcome) reason() string {
	for _, e := range slices.Backward(o.events) { // they come newest first
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			return aws.ToString(e.LogicalResourceId) + ": " + aws.ToString(e.ResourceStatusReason)
		}
	}
	return o.statusReason
}

func (o outcome) unexpected(want string) error {
	return fmt.Errorf("stack %s ended as %s, not %s: %s", o.name, o.status, want, o.reason())
}

// permissionStack is a stack that the function wrote.
type permissionStack struct {
	name      string
	resources int
}

// permissionStacks lists the stacks that are not launched by this trial itself.
func (run *runner) permissionStacks(ctx context.Context) ([]permissionStack, error) {
	var out []permissionStack
	names, err := run.stackNames(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == stackName || name == otherStackName {
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

// stackNames lists the stacks that are there.
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

// protect is the parameter of template.yaml for an asset.
var protect = map[schema.Asset]string{
	"ec2": "ProtectEC2", "ec2-mssql": "ProtectEC2MSSQL", "rds": "ProtectRDS",
	"dynamodb": "ProtectDynamoDB", "s3": "ProtectS3",
}

func parameters(connection string, c choice) []types.Parameter {
	values := []keyValue{
		{"ControlPlaneRoleArn", controlPlane}, {"DataPlaneAccountId", dataPlane},
		{"ExternalId", externalID}, {"ConnectionId", connection},
	}
	var operations []string
	for _, o := range c.operations {
		operations = append(operations, string(o))
	}
	values = append(values, keyValue{"Operations", strings.Join(operations, ",")})
	for asset, parameter := range protect {
		value := "no"
		if slices.Contains(c.assets, asset) {
			value = "yes"
		}
		values = append(values, keyValue{parameter, value})
	}
	out := make([]types.Parameter, len(values))
	for i, v := range values {
		out[i] = types.Parameter{ParameterKey: aws.String(v.key), ParameterValue: aws.String(v.value)}
	}
	return out
}
