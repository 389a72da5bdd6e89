package demo

import (
	"context"
	"fmt"
	"path"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// protected returns the ARNs of the launched stack's own resources that no role of
// the vendor may change, in the order of ProtectedArns in template.yaml: the
// policies contain them in that order.
func (run *runner) protected(ctx context.Context) ([]string, error) {
	name := run.site.Stack
	in := &cloudformation.DescribeStackResourcesInput{StackName: &name}
	out, err := run.stacks.DescribeStackResources(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("read resources of stack %s: %w", name, err)
	}
	ids := map[string]string{}
	var stackID string
	for _, r := range out.StackResources {
		stackID = aws.ToString(r.StackId)
		ids[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
	}
	arn := run.site.arn
	return []string{
		stackID,
		"arn:" + run.site.Partition + ":iam::" + run.site.Account + ":role" +
			run.site.environment(run.options.Profile, run.site.Connection).RolePath() + "installer/*",
		arn("lambda", "function:"+ids["Provisioner"]),
		arn("lambda", "function:"+ids["Drift"]),
		ids["AlertTopic"],
		arn("ssm", "parameter/"+ids["DriftState"]),
		arn("sqs", path.Base(ids["DriftFailures"])), // the physical ID of a queue is its URL
		arn("events", "rule/permstack-"+path.Base(stackID)+"*"),
		arn("sqs", path.Base(ids["DriftEvents"])),
		arn("cloudwatch", "alarm:"+ids["DriftCheckMissing"]),
		arn("cloudwatch", "alarm:"+ids["DriftCheckFailed"]),
		arn("cloudwatch", "alarm:"+ids["DriftFound"]),
		arn("logs", "log-group:"+ids["ProvisionerLogGroup"]+"*"),
	}, nil
}
