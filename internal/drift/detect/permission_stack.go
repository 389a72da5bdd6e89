package detect

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// How long a stack may be in progress before its resources are checked
// nevertheless. Nobody but the custom resource updates a permission stack, and
// only while the parent is in progress, so the time after the parent's update is
// for a rollback. An update of the parent takes minutes; CloudFormation waits for a
// custom resource for an hour at most (user guide, "ServiceTimeout"). An operation that
// began after the custom resource was complete is checked at once.
const (
	longestUpdate   = time.Hour
	longestRollback = 15 * time.Minute
)

// permissionStacks opens the stacks that the custom resource deploys, by their
// names alone: tags and outputs can be replaced by whoever may update stacks.
func (c *check) permissionStacks(ctx context.Context, p installation.Parent, parent *stack, chosen *choices) []*stack {
	var out []*stack
	for _, part := range installation.Parts {
		name := p.StackName(part)
		_, required := chosen.templates[part]
		described, err := c.describe(ctx, name)
		switch {
		case err != nil:
			out = append(out, unreadableStack(name, err))
		case described == nil && !required:
		case described == nil:
			s := &stack{name: name, part: part}
			d := s.draft(finding.ResourceDeleted, "", finding.GrantsLess)
			d.PhysicalID, d.Actual = name, finding.None
			s.drafts = []draft{d}
			out = append(out, s)
		case !required:
			s := newStack(described)
			s.part = part
			s.drafts = append(s.drafts, s.draft(finding.StackAdded, "", finding.GrantsMore))
			out = append(out, s)
		default:
			out = append(out, c.openExpected(ctx, p, parent, described, part, chosen))
		}
	}
	return out
}

// openExpected opens a permission stack of which the expected template is known.
func (c *check) openExpected(
	ctx context.Context, p installation.Parent, parent *stack, described *types.Stack, part installation.Part,
	chosen *choices,
) *stack {
	s := newStack(described)
	s.part = part
	switch status := described.StackStatus; {
	case stacks.IsStable(status):
		s.reportFailed()
	case !stacks.InProgress(status):
		s.notStable()
	case parent.inProgress:
		s.inProgress = true
	case c.overdue(described, longestRollback):
		s.heldInProgress()
	case c.o.WasOpen(s.name, ""), !c.updatedDirectly(ctx, parent, described): // if drift was found, it may be a revert
		s.inProgress = true
	default:
		s.heldInProgress()
	}
	if !s.inProgress {
		c.readDeployed(ctx, p, s)
		s.keepDeployed()
	}
	if err := s.expectTemplate(p, chosen.expectedTemplate(p, s).JSON()); err != nil {
		s.expectedInvalid(err)
	}
	c.compareStackSettings(ctx, parent, s)
	if s.inProgress {
		return s
	}
	tags := chosen.stackTags(p)
	for _, key := range sorted(tags) {
		actual, exists := s.tags[key]
		if exists && actual == tags[key] {
			continue
		}
		d := s.draft(finding.TagsChanged, key, finding.Changed)
		d.Property, d.Expected = "Tags", finding.Value{Text: tags[key]}
		if d.Actual = finding.None; exists {
			d.Actual = finding.Value{Text: actual}
		}
		s.drafts = append(s.drafts, d)
	}
	return s
}

// updatedDirectly reports whether an operation in progress on a permission stack began while the custom resource of the
// parent, which alone updates the stack, was complete. Who holds such an update, for example with a wait condition,
// would otherwise have the access of its template until the check of the next day.
func (c *check) updatedDirectly(ctx context.Context, parent *stack, s *types.Stack) bool {
	completed := parent.customResourceUpdated()
	if completed.IsZero() || !began(s).After(completed) {
		return false
	}
	now, err := c.describe(ctx, parent.id) // an update of the parent may have begun since it was read
	return err == nil && now != nil && stacks.IsStable(now.StackStatus) &&
		aws.ToTime(now.LastUpdatedTime).Equal(aws.ToTime(parent.described.LastUpdatedTime))
}

// began returns when the last operation on a stack began.
func began(s *types.Stack) time.Time {
	if t := aws.ToTime(s.LastUpdatedTime); !t.IsZero() {
		return t
	}
	return aws.ToTime(s.CreationTime)
}

// overdue reports whether a stack has been in progress for longer than a time.
func (c *check) overdue(s *types.Stack, most time.Duration) bool {
	return c.o.Now().Sub(began(s)) > most || c.o.WasInProgress(aws.ToString(s.StackId))
}

// heldInProgress reports a stack that remains in progress: CloudFormation detects
// no drift then, so its resources are only compared live.
func (s *stack) heldInProgress() {
	s.unstable = true
	status := string(s.described.StackStatus)
	d := s.draft(finding.StackHeld, status, finding.Monitoring)
	d.Actual = finding.Text(status)
	s.drafts = append(s.drafts, d)
}
