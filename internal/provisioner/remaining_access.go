package provisioner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// remainingAccess describes, after a deletion failed, the roles of the installation
// that still exist: who can assume them, and which policies of others are attached,
// with the commands that remove them. It returns "" if no role remains.
func (o *operation) remainingAccess(ctx context.Context) string {
	_, set, err := o.synthesize(o.event.ResourceProperties)
	if o.Roles == nil || err != nil { // without valid properties nothing was ever deployed
		return ""
	}
	var out []string
	for _, role := range set.Roles {
		if text := o.remainingRole(ctx, role); text != "" {
			out = append(out, text)
		}
	}
	return strings.Join(out, " ")
}

func (o *operation) remainingRole(ctx context.Context, want policies.Role) string {
	got, err := o.Roles.RoleSettings(ctx, want.Name)
	if awserr.IsNotFound(err) {
		return ""
	}
	if err != nil {
		return fmt.Sprintf("Role %s may still exist (%s).", want.Name, awserr.Message(err))
	}
	trust := trustText(got.Trust)
	text := fmt.Sprintf("Role %s still exists and %s.", want.Name, trust)
	commands, err := o.foreignPolicies(ctx, want)
	if err != nil {
		return text + " Its policies could not be read: " + awserr.Message(err) + "."
	}
	if len(commands) > 0 {
		text += " Another principal added policies to it. Remove them, then delete again: " + strings.Join(commands, "; ") + "."
	}
	return text
}

// foreignPolicies returns the commands that remove the policies of a role that are
// not of this installation.
func (o *operation) foreignPolicies(ctx context.Context, want policies.Role) ([]string, error) {
	var commands []string
	attached, err := o.Roles.AttachedPolicies(ctx, want.Name)
	if err != nil {
		return nil, err
	}
	for _, p := range attached {
		if !containsPolicy(want.Managed, p.Name) {
			commands = append(commands, fmt.Sprintf(commandDetachPolicy, want.Name, p.ARN))
		}
	}
	inline, err := o.Roles.InlinePolicyNames(ctx, want.Name)
	if err != nil {
		return nil, err
	}
	for _, name := range inline {
		if !containsPolicy(want.Inline, name) {
			commands = append(commands, fmt.Sprintf(commandDeletePolicy, want.Name, name))
		}
	}
	return commands, nil
}

func containsPolicy(list []policies.Policy, name string) bool {
	return slices.ContainsFunc(list, func(p policies.Policy) bool { return p.Name == name })
}

// trustText describes who may assume a role.
func trustText(document string) string {
	trust, err := iampolicy.Parse([]byte(document))
	if err != nil {
		return "has a trust policy that cannot be parsed"
	}
	var who []string
	for _, s := range trust.Statement {
		switch {
		case s.Effect != "Allow":
		case s.Principal == nil || s.Principal.Everyone:
			who = append(who, "everyone")
		default:
			for _, values := range s.Principal.ByType {
				who = append(who, values...)
			}
		}
	}
	if len(who) == 0 {
		return "can be assumed by nobody"
	}
	slices.Sort(who)
	return "can be assumed by " + strings.Join(slices.Compact(who), ", ")
}
