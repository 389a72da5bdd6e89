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

// patience bounds the wait for a stack; on this AWS it takes about a second.
const patience = time.Minute

// poll is the pause between two looks at a stack.
const poll = 25 * time.Millisecond

// outcome is where a stack came to rest.
type outcome struct {
	name    string
	status  string
	why     string // StackStatusReason
	events  []types.StackEvent
	outputs []keyValue
	took    time.Duration
}

type keyValue struct{ key, value string }

func (t *trial) create(ctx context.Context, name, connection string, c choice) (outcome, error) {
	began := time.Now()
	out, err := t.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: aws.String(string(t.o.Template)), Parameters: parameters(connection, c),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		return outcome{}, fmt.Errorf("create stack %s: %w", name, err)
	}
	return t.settle(ctx, name, *out.StackId, began)
}

func (t *trial) change(ctx context.Context, name, connection string, c choice) (outcome, error) {
	began := time.Now()
	out, err := t.stacks.UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &name, UsePreviousTemplate: aws.Bool(true), Parameters: parameters(connection, c),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		return outcome{}, fmt.Errorf("update stack %s: %w", name, err)
	}
	return t.settle(ctx, name, *out.StackId, began)
}

// remove deletes a stack and waits until it is gone.
func (t *trial) remove(ctx context.Context, name string) error {
	found, err := t.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return fmt.Errorf("find stack %s: %w", name, err)
	}
	began := time.Now()
	if _, err := t.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name}); err != nil {
		return fmt.Errorf("delete stack %s: %w", name, err)
	}
	s, err := t.settle(ctx, name, *found.Stacks[0].StackId, began)
	if err != nil {
		return err
	}
	if s.status != "DELETE_COMPLETE" {
		return s.unexpected("DELETE_COMPLETE")
	}
	return nil
}

// settle waits until a stack rests and reads what became of it.
func (t *trial) settle(ctx context.Context, name, id string, began time.Time) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		out, err := t.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &id})
		if err != nil {
			return outcome{}, fmt.Errorf("look at stack %s: %w", name, err)
		}
		s := out.Stacks[0]
		if status := string(s.StackStatus); !strings.HasSuffix(status, "_IN_PROGRESS") {
			o := outcome{name: name, status: status, why: aws.ToString(s.StackStatusReason), took: time.Since(began)}
			for _, v := range s.Outputs {
				o.outputs = append(o.outputs, keyValue{aws.ToString(v.OutputKey), aws.ToString(v.OutputValue)})
			}
			o.events, err = t.eventsOf(ctx, id)
			return o, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return outcome{}, fmt.Errorf("stack %s is still %s after %s", name, s.StackStatus, time.Since(began).Round(time.Second))
		}
	}
}

func (t *trial) eventsOf(ctx context.Context, id string) ([]types.StackEvent, error) {
	var events []types.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(t.stacks, &cloudformation.DescribeStackEventsInput{StackName: &id})
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
	return o.why
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
func (t *trial) permissionStacks(ctx context.Context) ([]permissionStack, error) {
	var out []permissionStack
	names, err := t.stackNames(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == stackName || name == otherStackName {
			continue
		}
		r, err := t.stacks.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &name})
		if err != nil {
			return nil, fmt.Errorf("read resources of stack %s: %w", name, err)
		}
		out = append(out, permissionStack{name, len(r.StackResources)})
	}
	return out, nil
}

// stackNames lists the stacks that are there.
func (t *trial) stackNames(ctx context.Context) ([]string, error) {
	var names []string
	pages := cloudformation.NewDescribeStacksPaginator(t.stacks, &cloudformation.DescribeStacksInput{})
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
