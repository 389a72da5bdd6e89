package demo

import (
	"context"
	"fmt"
	"path"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
)

// protected returns the ARNs of the launched stack's own resources that no role of the vendor may change: ProtectedArns
// of template.yaml, with the choice's parameters and the stack's resources.
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
	parameters := map[string]string{}
	for _, p := range run.site.parameters(run.site.Connection, c) {
		parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	template, err := cfntemplate.Parse(permstack.Template)
	if err != nil {
		return "", nil, fmt.Errorf("parse template.yaml: %w", err)
	}
	resolved, err := template.ResolveParameters(cfntemplate.Environment{
		Parameters: parameters,
		Pseudo: cfntemplate.Pseudo{
			AccountID: run.site.Account, Region: run.site.Region, StackName: name, StackID: stackID,
		},
	})
	if err != nil {
		return "", nil, fmt.Errorf("resolve parameters of template.yaml: %w", err)
	}
	properties, err := resolved.Properties("PermissionStack", deployed)
	if err != nil {
		return "", nil, fmt.Errorf("read PermissionStack of template.yaml: %w", err)
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

// Ref returns the physical ID, which is what Ref returns for the types of template.yaml.
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
