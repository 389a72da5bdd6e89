package detect

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// longestRevert is how long a change set of a revert waits for its execution at most.
const longestRevert = time.Hour

// compareChangeSets reports change sets of a stack that wait to be executed and would change access or the check:
// whoever may execute change sets can do so, without the right to pass the role that was passed when one was created.
// Of a permission stack these are all with another template; of the parent those that change an announced choice or the
// template, because customers update it with change sets, too. What they do to the external id is not known.
func (c *check) compareChangeSets(ctx context.Context, p installation.Parent, s *stack) {
	if s.id == "" || c.o.Limited && !namesAny(c.o.Events, s) {
		return
	}
	in := &cloudformation.ListChangeSetsInput{StackName: &s.id}
	for {
		page, err := ratelimit.Call(ctx, c.cloudformation, c.clients.CloudFormation.ListChangeSets, in)
		if err != nil {
			s.unreadable(finding.TargetChangeSets, err)
			return
		}
		for _, set := range page.Summaries {
			if c.isPending(set) {
				c.compareChangeSet(ctx, p, s, set)
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return
		}
	}
}

// isPending reports whether somebody may execute a change set that a revert did not create just now.
func (c *check) isPending(set types.ChangeSetSummary) bool {
	if slices.Contains([]types.ExecutionStatus{
		types.ExecutionStatusObsolete, types.ExecutionStatusExecuteComplete, types.ExecutionStatusExecuteFailed,
	}, set.ExecutionStatus) || set.Status == types.ChangeSetStatusFailed {
		return false
	}
	return !strings.HasPrefix(aws.ToString(set.ChangeSetName), ChangeSetPrefix) ||
		c.o.Now().Sub(aws.ToTime(set.CreationTime)) > longestRevert
}

func (c *check) compareChangeSet(ctx context.Context, p installation.Parent, s *stack, set types.ChangeSetSummary) {
	template, err := ratelimit.Call(ctx, c.cloudformation, c.clients.CloudFormation.GetTemplate,
		&cloudformation.GetTemplateInput{StackName: &s.id, ChangeSetName: set.ChangeSetId})
	if err != nil {
		s.unreadable(finding.TargetChangeSets, err)
		return
	}
	body := aws.ToString(template.TemplateBody)
	if s.part != "" {
		if body != s.body || s.body == "" {
			s.changeSetDraft(set, finding.GrantsMore, []string{"another template: sha256 " + installation.Fingerprint(body)})
		}
		return
	}
	described, err := ratelimit.Call(ctx, c.cloudformation, c.clients.CloudFormation.DescribeChangeSet,
		&cloudformation.DescribeChangeSetInput{StackName: &s.id, ChangeSetName: set.ChangeSetId})
	if err != nil {
		s.unreadable(finding.TargetChangeSets, err)
		return
	}
	updated := *s.described
	updated.Parameters = described.Parameters
	next := newStack(&updated)
	if err := next.evaluate(p, body); err != nil {
		s.changeSetDraft(set, finding.Monitoring, []string{"a template that cannot be evaluated"})
		return
	}
	next.addResources(s.listed)
	var directions []finding.Direction
	var lines []string
	for _, f := range finding.CompareChoices(s.name, s.id, s.announcedChoices(), next.announcedChoices()) {
		directions = append(directions, f.Direction)
		lines = append(lines, f.Subject+": "+f.Expected.Text+" → "+f.Actual.Text)
	}
	if len(lines) > 0 {
		direction := joinDirections(directions)
		if direction == finding.Changed && slices.Contains(directions, finding.Monitoring) {
			direction = finding.Monitoring
		}
		s.changeSetDraft(set, direction, lines)
	}
}

func (s *stack) changeSetDraft(set types.ChangeSetSummary, direction finding.Direction, changes []string) {
	name := aws.ToString(set.ChangeSetName)
	d := s.draft(finding.ChangeSetAdded, name, direction)
	d.RemovalID = aws.ToString(set.ChangeSetId)
	d.Expected, d.Actual = finding.None, finding.Text(name)
	d.Changes = changes
	d.values = append([]string{d.RemovalID}, changes...)
	s.drafts = append(s.drafts, d)
}
