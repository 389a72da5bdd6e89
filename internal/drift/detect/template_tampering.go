package detect

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/permissionstack"
)

// forged notes a permission stack whose template is not the one that the custom
// resource answered with. The comparisons that follow take the deployed template
// for what is wanted, so this is what whoever may update stacks could hide behind.
func (c *check) forged(ctx context.Context, s *stack, part installation.Part, parent *types.Stack) {
	// A rollback leaves the outputs as they were, and may have been written by
	// another release of the provisioner: other bytes for the same access.
	settled := parent.StackStatus == types.StackStatusCreateComplete || parent.StackStatus == types.StackStatusUpdateComplete
	want := permissionstack.ParseFingerprint(part, outputValue(parent, installation.FingerprintsOutput))
	if want == "" || s.body == "" || s.waiting || !settled || permissionstack.Fingerprint(s.body) == want {
		return
	}
	// An update of the parent may have begun since it was read.
	now, err := c.describe(ctx, aws.ToString(parent.StackId))
	if err == nil && (now == nil || !sameState(parent, now)) {
		return
	}
	f := s.finding(finding.TemplateChanged, string(part), finding.GrantsMore)
	f.Expected, f.Actual = "the template that permstack deployed", "another template: sha256 "+permissionstack.Fingerprint(s.body)
	f.Details = []string{
		"Somebody else than permstack's function updated this stack. What its template grants now was not chosen in the parent stack, and may be more.",
		"Everything else in this message is compared with the template as it is now.",
	}
	f.Advice = "See in CloudTrail who called UpdateStack or ExecuteChangeSet on this stack. Update the parent stack with any change, such as a new tag: permstack then deploys its own template again."
	s.findings = append(s.findings, f)
}

func outputValue(s *types.Stack, key string) string {
	for _, o := range s.Outputs {
		if aws.ToString(o.OutputKey) == key {
			return aws.ToString(o.OutputValue)
		}
	}
	return ""
}
