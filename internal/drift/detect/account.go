package detect

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/awsapi/ratelimit"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// checkAccount lists the stacks and roles of the account and reports those that are
// named like this installation's, or are under its IAM path, and that no
// installation has.
func (c *check) checkAccount(ctx context.Context, p installation.Parent, all []*stack, m *model) []draft {
	own := all[0]
	names, err := c.listStacks(ctx)
	if err != nil {
		return unreadableList(own, finding.TargetAccountStacks, err)
	}
	out := c.addedStacks(p, own, names)
	roles, err := c.listRoles(ctx, p)
	if err != nil {
		return append(out, unreadableList(own, finding.TargetAccountRoles, err)...)
	}
	for _, role := range roles {
		name := role.Name
		// What a forged template adds is a difference of the template.
		if m.find(typeRole, name) != nil || m.deployed != nil && m.deployed.find(typeRole, name) != nil {
			continue
		}
		got, err := c.aws.RoleSettings(ctx, name)
		switch {
		case awserr.IsNotFound(err):
			continue
		case err != nil:
			out = append(out, unreadableList(own, finding.TargetAccountRoles, err)...)
			continue
		}
		if c.ofInstallation(got, p, all, names) {
			continue
		}
		d := own.draft(finding.RoleAdded, name, finding.GrantsMore)
		d.Type, d.PhysicalID = typeRole, role.ARN
		trust := parseDocument(got.Trust)
		d.Actual = trust.value()
		d.values = []string{got.ID, trust.meaning(m.account)}
		out = append(out, d)
	}
	return out
}

func unreadableList(own *stack, target finding.Target, err error) []draft {
	if awserr.IsContextDone(err) {
		return nil
	}
	d := own.draft(finding.NotReadable, "", finding.Unreadable)
	d.readError(target, "", err)
	return []draft{d}
}

// listStacks returns the ids of the account's stacks in this Region, by name.
func (c *check) listStacks(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	in := &cloudformation.ListStacksInput{}
	for _, status := range types.StackStatus("").Values() {
		if status != types.StackStatusDeleteComplete {
			in.StackStatusFilter = append(in.StackStatusFilter, status)
		}
	}
	for {
		page, err := ratelimit.Call(ctx, c.cloudformation, c.clients.CloudFormation.ListStacks, in)
		if err != nil {
			return nil, err
		}
		for _, s := range page.StackSummaries {
			out[aws.ToString(s.StackName)] = aws.ToString(s.StackId)
		}
		if page.NextToken == nil {
			return out, nil
		}
		in.NextToken = page.NextToken
	}
}

// addedStacks reports stacks that are named like the permission stacks of this
// parent, with its UUID, and are none of them.
func (c *check) addedStacks(p installation.Parent, own *stack, names map[string]string) []draft {
	expected := map[string]bool{}
	for _, name := range p.StackNames() {
		expected[name] = true
	}
	var out []draft
	for _, name := range sorted(names) {
		if !strings.Contains(name, p.StackMarker()) || expected[name] || otherInstallation(name, p, names) {
			continue
		}
		d := own.draft(finding.StackAdded, name, finding.GrantsMore)
		d.PhysicalID = names[name]
		out = append(out, d)
	}
	return out
}

// otherInstallation reports whether a stack is another parent, or a permission stack
// of another parent that exists.
func otherInstallation(name string, p installation.Parent, names map[string]string) bool {
	if name == p.Name {
		return false
	}
	if isParent(name, names) {
		return true
	}
	for _, id := range names {
		parent, err := installation.ParseParent(id)
		if err == nil && id != p.ID && slices.Contains(parent.StackNames(), name) {
			return true
		}
	}
	return false
}

// isParent reports whether a stack has the permission stack with the roles.
func isParent(name string, names map[string]string) bool {
	parent, err := installation.ParseParent(names[name])
	if err != nil {
		return false
	}
	_, exists := names[parent.StackName(installation.Access)]
	return exists
}

// listRoles lists the roles under the installation's IAM path, which is where the
// stack role can create some.
func (c *check) listRoles(ctx context.Context, p installation.Parent) ([]livestate.RoleSettings, error) {
	return c.aws.Roles(ctx, c.chosen.properties.Environment(p).RolePath())
}

// ofInstallation reports whether a role is in a stack of this installation, where a
// difference of the template reports it, or of another one, such as another
// profile's with the same connection, whose own check reports what is not its own.
// CloudFormation's tag with the stack's id, which nobody else can set, decides if
// the role has it (IAM's resources do not get it everywhere); else the tag of the
// parent, or for the roles of a parent their name.
func (c *check) ofInstallation(
	role livestate.RoleSettings, p installation.Parent, all []*stack, names map[string]string,
) bool {
	id, certain := role.Tags["aws:cloudformation:stack-id"]
	if !certain {
		id = role.Tags[installation.ParentTag]
	}
	if id == "" {
		return strings.HasSuffix(role.Path, "/installer/") && namedAfterParent(role, p, names)
	}
	if certain && slices.ContainsFunc(all, func(s *stack) bool { return s.id == id }) {
		return true
	}
	in, err := installation.ParseParent(id)
	return err == nil && names[in.Name] == id && otherInstallation(in.Name, p, names)
}

// namedAfterParent reports whether CloudFormation generated the name of a role for a
// stack that is another parent: it truncates the stack's name to 24 characters.
func namedAfterParent(role livestate.RoleSettings, p installation.Parent, names map[string]string) bool {
	for parent := range names {
		if parent != p.Name && strings.HasPrefix(role.Name, parent[:min(24, len(parent))]+"-") &&
			isParent(parent, names) {
			return true
		}
	}
	return false
}
