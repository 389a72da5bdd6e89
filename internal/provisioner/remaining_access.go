package provisioner

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// RoleReader is the part of IAM's client that reads the roles that remain after a
// deletion failed.
type RoleReader interface {
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	iam.ListAttachedRolePoliciesAPIClient
	iam.ListRolePoliciesAPIClient
}

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
	got, err := o.Roles.GetRole(ctx, &iam.GetRoleInput{RoleName: &want.Name})
	if awserr.IsNotFound(err) {
		return ""
	}
	if err != nil {
		return fmt.Sprintf("Role %s may still exist (%s).", want.Name, awserr.Message(err))
	}
	trust := trustText(aws.ToString(got.Role.AssumeRolePolicyDocument))
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
	attached := iam.NewListAttachedRolePoliciesPaginator(o.Roles, &iam.ListAttachedRolePoliciesInput{RoleName: &want.Name})
	for attached.HasMorePages() {
		page, err := attached.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range page.AttachedPolicies {
			if !containsPolicy(want.Managed, aws.ToString(p.PolicyName)) {
				commands = append(commands, fmt.Sprintf(commandDetachPolicy, want.Name, aws.ToString(p.PolicyArn)))
			}
		}
	}
	inline := iam.NewListRolePoliciesPaginator(o.Roles, &iam.ListRolePoliciesInput{RoleName: &want.Name})
	for inline.HasMorePages() {
		page, err := inline.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range page.PolicyNames {
			if !containsPolicy(want.Inline, name) {
				commands = append(commands, fmt.Sprintf(commandDeletePolicy, want.Name, name))
			}
		}
	}
	return commands, nil
}

func containsPolicy(list []policies.Policy, name string) bool {
	return slices.ContainsFunc(list, func(p policies.Policy) bool { return p.Name == name })
}

// trustText describes who may assume a role. IAM returns the document URL-encoded
// (API reference, Role).
func trustText(encoded string) string {
	text, err := url.QueryUnescape(encoded)
	if err != nil {
		text = encoded
	}
	trust, err := iampolicy.Parse([]byte(text))
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
