package detect

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/cfn/stacks"
	"permstack/internal/notify/finding"
)

// KMS is the part of the SDK's client that Check needs.
type KMS interface {
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// alertKeyParameter is the parameter of the parent stack with the key of the alert topic.
const alertKeyParameter = "AlertKeyArn"

// compareAlertKey reports that the key of the alert topic cannot be used: SNS then rejects the messages of the check
// and of its alarms (Developer Guide, "Key states of AWS KMS keys"). A key whose policy does not let the check
// describe it is not reported, because the check can use it nevertheless.
func (c *check) compareAlertKey(ctx context.Context, s *stack) {
	key := stacks.Parameter(s.described, alertKeyParameter)
	if key == "" || c.clients.KMS == nil || c.o.Limited && !namesAny(c.o.Events, s) {
		return
	}
	state := ""
	out, err := ratelimit.Call(ctx, c.kms, c.clients.KMS.DescribeKey, &kms.DescribeKeyInput{KeyId: &key})
	switch {
	case awserr.IsNotFound(err):
		state = "does not exist"
	case awserr.IsDenied(err):
		return
	case err != nil:
		s.unreadable(finding.TargetAlertKey, err)
		return
	case slices.Contains([]types.KeyState{types.KeyStateEnabled, types.KeyStateCreating, types.KeyStateUpdating},
		out.KeyMetadata.KeyState):
		return
	default:
		state = string(out.KeyMetadata.KeyState)
	}
	d := s.draft(finding.PropertyChanged, alertKeyParameter, finding.Monitoring)
	d.Property, d.RemovalID = alertKeyParameter, key
	d.Expected, d.Actual = finding.Text(string(types.KeyStateEnabled)), finding.Text(state)
	s.drafts = append(s.drafts, d)
}
