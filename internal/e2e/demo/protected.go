package demo

import (
	"context"
	"fmt"
	"path"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/cfntemplate"
)

// protected returns the ARNs of the launched stack's own resources that no role of the vendor may change: ProtectedArns
// of the launched template, with the choice's parameters and the stack's resources.
func (run *runner) protected(ctx context.Context, c choice) (stackID string, arns []string, err error) {
	name := run.site.Stack
	in := &cloudformation.DescribeStackResourcesInput{StackName: &name}
	out, err := run.stacks.DescribeStackResources(ctx, in)
	if err != nil {
		return "", nil, fmt.Errorf("read resources of stack %s: %w", name, err)
	}
	deployed := deployedResources{site: run.site, resources: map[string]types.StackResource{}}
	for _, r := range out.StackResources {
		stackID = aws.ToString(r.StackId)
		deployed.resources[aws.ToString(r.LogicalResourceId)] = r
	}
	parameters, err := run.site.parameters(run.site.Connection, c)
	if err != nil {
		return "", nil, err
	}
	launched, err := template(c.profile)
	if err != nil {
		return "", nil, err
	}
	resolved, err := launched.ResolveParameters(cfntemplate.Environment{
		Parameters: parameters,
		Pseudo: cfntemplate.Pseudo{
			AccountID: run.site.Account, Region: run.site.Region, StackName: name, StackID: stackID,
		},
	})
	if err != nil {
		return "", nil, fmt.Errorf("resolve the parameters of stack %s: %w", name, err)
	}
	properties, err := resolved.Properties("PermissionStack", deployed)
	if err != nil {
		return "", nil, fmt.Errorf("read PermissionStack of stack %s: %w", name, err)
	}
	list, _ := properties["ProtectedArns"].([]any)
	for _, arn := range list {
		arns = append(arns, cfntemplate.Text(arn))
	}
	return stackID, arns, nil
}

// deployedResources resolves references to the resources of the launched stack.
type deployedResources struct {
	site      Site
	resources map[string]types.StackResource
}

// Ref returns the physical ID, which is what Ref returns for the types of the launch templates.
func (d deployedResources) Ref(id string) (any, error) {
	return aws.ToString(d.resources[id].PhysicalResourceId), nil
}

// GetAtt returns the ARN of a resource, the only attribute that ProtectedArns has.
func (d deployedResources) GetAtt(id, _ string) (any, error) {
	r := d.resources[id]
	physical := aws.ToString(r.PhysicalResourceId)
	switch kind := aws.ToString(r.ResourceType); kind {
	case "AWS::Lambda::Function":
		return d.site.arn("lambda", "function:"+physical), nil
	case "AWS::SQS::Queue":
		return d.site.arn("sqs", path.Base(physical)), nil // the physical ID of a queue is its URL
	case "AWS::CloudWatch::Alarm":
		return d.site.arn("cloudwatch", "alarm:"+physical), nil
	default:
		return physical, nil // of a property that is not read
	}
}
