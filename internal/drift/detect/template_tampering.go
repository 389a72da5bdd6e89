package detect

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// checkTemplate reports a permission stack whose template is not the one that the
// custom resource deployed. All other comparisons take the deployed template as
// expected, so a principal that may update stacks could hide a change in it.
func (c *check) checkTemplate(ctx context.Context, s *stack, part installation.Part, parent *types.Stack) {
	// A rollback does not change the outputs, and the provisioner of another release
	// may have executed it: other bytes for the same access.
	completed := parent.StackStatus == types.StackStatusCreateComplete ||
		parent.StackStatus == types.StackStatusUpdateComplete
	expected := installation.ParseFingerprint(part, stacks.Outputs(parent)[installation.FingerprintsOutput])
	if expected == "" || s.body == "" || s.inProgress || !completed || installation.Fingerprint(s.body) == expected {
		return
	}
	// An update of the parent may have started since it was read.
	now, err := c.describe(ctx, aws.ToString(parent.StackId))
	if err == nil && (now == nil || !sameState(parent, now)) {
		return
	}
	d := s.draft(finding.TemplateChanged, string(part), finding.GrantsMore)
	d.Expected = finding.Value{Text: expected}
	d.Actual = finding.Value{Text: installation.Fingerprint(s.body)}
	s.drafts = append(s.drafts, d)
}
