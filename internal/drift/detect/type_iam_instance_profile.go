package detect

import (
	"context"
	"slices"
	"strings"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

var iamInstanceProfile = &resourceType{
	name:        "AWS::IAM::InstanceProfile",
	rank:        3,
	readHandler: []string{"iam:GetInstanceProfile"},
	untagged:    true,
	physicalID:  func(_ *resolver, props map[string]any) string { return text(props["InstanceProfileName"]) },
	declared: func(_ *model, r *resource) liveState {
		return &liveInstanceProfile{roles: texts(r.props["Roles"])}
	},
	attributes: map[string]attribute{"Arn": iamARN("instance-profile")},
	compared:   []string{"Roles"},
	read: func(ctx context.Context, c *reader, _ *model, r *resource) (liveState, readErrors) {
		live := c.readInstanceProfile(ctx, r.physicalID)
		return live, live.errs
	},
}

// liveInstanceProfile is an instance profile as IAM has it.
type liveInstanceProfile struct {
	missing bool
	roles   []string
	errs    readErrors
}

func (live *liveInstanceProfile) deleted() bool          { return live.missing }
func (live *liveInstanceProfile) unreadable() readErrors { return live.errs }

func (c *reader) readInstanceProfile(ctx context.Context, name string) *liveInstanceProfile {
	p := &liveInstanceProfile{}
	got, err := c.aws.InstanceProfile(ctx, name)
	switch {
	case awserr.IsNotFound(err):
		p.missing = true
	case err != nil:
		p.errs.add(err, "", "Roles")
	default:
		p.roles = got.Roles
	}
	return p
}

func (live *liveInstanceProfile) compare(m *model, r *resource) []draft {
	if live.missing {
		return []draft{r.deletedDraft()}
	}
	if live.errs != nil || isUnknown(r.props["Roles"]) {
		return r.readErrorDrafts(live.errs)
	}
	expected := texts(r.props["Roles"])
	removed := slices.DeleteFunc(slices.Clone(expected), func(name string) bool {
		return slices.Contains(live.roles, name) || m.isDeleted(typeRole, name)
	})
	added := slices.DeleteFunc(
		slices.Clone(live.roles),
		func(name string) bool { return slices.Contains(expected, name) },
	)
	if len(removed)+len(added) == 0 {
		return nil
	}
	direction := finding.GrantsLess
	if len(added) > 0 { // whatever was removed
		direction = finding.GrantsMore
	}
	d := r.liveDraft(finding.ProfileChanged, "Roles", "", direction,
		finding.Text(strings.Join(expected, ", ")), finding.Text(strings.Join(live.roles, ", ")))
	d.values = []string{strings.Join(live.roles, ",")}
	return []draft{d}
}
