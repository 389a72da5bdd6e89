package detect

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// Which eye saw a finding.
const (
	seenCloudFormation = "cloudformation"
	seenLive           = "live"
)

// detection is what CloudFormation says of one resource.
type detection struct {
	status      types.StackResourceDriftStatus
	reason      string // why the status is UNKNOWN
	differences []difference
	err         error
}

// difference is one property that differs.
type difference struct {
	path             string // JSON pointer
	expected, actual string
	kind             types.DifferenceType
}

// property is the top-level property of a difference.
func (d difference) property() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(d.path, "/"), "/")
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
}

// detect asks CloudFormation for the drift of one resource. A read handler that
// was throttled comes as status UNKNOWN with the reason "Rate exceeded"; it is
// taken for the throttled call that it is.
func (c *reader) detect(ctx context.Context, r *resource) *detection {
	ask := func(ctx context.Context, in *cloudformation.DetectStackResourceDriftInput, options ...func(*cloudformation.Options)) (*cloudformation.DetectStackResourceDriftOutput, error) {
		out, err := c.clients.CloudFormation.DetectStackResourceDrift(ctx, in, options...)
		if err == nil && out.StackResourceDrift.StackResourceDriftStatus == "UNKNOWN" {
			if reason := aws.ToString(out.StackResourceDrift.DriftStatusReason); strings.Contains(reason, "Rate exceeded") || strings.Contains(reason, "Throttling") {
				return nil, &smithy.OperationError{ServiceID: "CloudFormation", OperationName: "DetectStackResourceDrift", Err: &smithy.GenericAPIError{Code: "Throttling", Message: reason}}
			}
		}
		return out, err
	}
	out, err := call(ctx, c.detections, ask, &cloudformation.DetectStackResourceDriftInput{StackName: &r.stack.id, LogicalResourceId: &r.logicalID})
	if err != nil {
		return &detection{err: err}
	}
	found := out.StackResourceDrift
	d := &detection{status: found.StackResourceDriftStatus, reason: aws.ToString(found.DriftStatusReason)}
	for _, p := range found.PropertyDifferences {
		d.differences = append(d.differences, difference{aws.ToString(p.PropertyPath), aws.ToString(p.ExpectedValue), aws.ToString(p.ActualValue), p.DifferenceType})
	}
	return d
}
