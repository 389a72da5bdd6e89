package denial

import (
	"fmt"
	"strings"

	"permstack/internal/policies"
)

// trust is for a role session of the backup service that was refused by the trust policy of another role.
func (e evaluator) trust(d *Diagnosis) {
	d.Reason = ByTrust
	d.Text = "The trust policy of " + e.resourceName() + " does not let the role assume it."
	d.Remedies = []string{"Name " + e.roleARN() + " as a principal of that trust policy; it must send the external ID " +
		"that the policy requires, if any."}
}

// Outside returns why a request was refused whose principal is no role of a backup service: a user, another role, a
// service, or the backup service itself before it has assumed a role here. env has the values of the stack, if one was
// read.
func Outside(m Message, env policies.Environment) Diagnosis {
	d := Diagnosis{Message: m, Reason: OtherPrincipal, Promise: NoFlow}
	if m.Expired {
		d.Reason = CredentialsGone
		d.Text = "The credentials of the caller have expired or are not valid: no policy refused it."
		d.Remedies = []string{"Obtain new credentials. If the backup service shows this message, it must assume its role " +
			"again; nothing has to be changed in this account."}
		return d
	}
	target := ParseCaller(m.Resource)
	profile, role, _, isVendors := Identify(target, policies.Environment{})
	switch {
	case strings.EqualFold(m.Action, "sts:AssumeRole") && isVendors:
		d.Reason, d.Profile, d.Role = ByTrust, profile.Name, role.Entity
		assume(&d, env)
	case isInstaller(m.Principal):
		d.Reason = InstallerRole
		d.Text = "The principal is one of permstack's own roles, which create and check the installation; no role of the " +
			"backup service was refused."
		d.Remedies = []string{installerRemedy(m)}
	case m.Principal == stackCaller:
		d.Text = "CloudFormation, or Lambda for it, was refused with the credentials of whoever creates or updates the stack, " +
			"or of the stack's service role; no role of the backup service was refused."
		d.Remedies = []string{"Allow " + m.Action + " to that principal. docs/troubleshooting.md has the messages of launches."}
		if m.Resource != "" {
			d.Remedies = []string{"Check that " + m.Resource + " exists in a bucket of the stack's Region, and allow " +
				m.Action + " on it to that principal. docs/troubleshooting.md has the messages of launches."}
		}
	case isServiceLinked(m.Principal):
		d.Text = fmt.Sprintf("The principal %s is a service-linked role of AWS: AWS writes its policy, no service control "+
			"policy limits it, and permstack grants it nothing and denies it nothing.", m.Principal)
		d.Remedies = []string{"Check the policy of the resource; only that can refuse or allow it."}
		if strings.HasPrefix(m.Action, "kms:") {
			d.Remedies = []string{"Allow " + m.Action + " to the service-linked role in the policy of the key: it is a customer " +
				"managed key, which the service uses for the resource."}
		}
	default:
		d.Text = fmt.Sprintf("The principal %s is no role that permstack creates for a backup service: permstack grants it "+
			"nothing and denies it nothing.", m.Principal)
		d.Remedies = []string{"Ask who manages this principal. If it is a role of the backup service with another name, " +
			"add --role with the vendor's name of the role."}
		if by := otherPolicyOwner(m.By); by != "" {
			d.Remedies = append(d.Remedies, "The message names the policy that refuses it: "+by+".")
		}
	}
	return d
}

// isServiceLinked reports whether a principal is a session of a service-linked role, by the prefix that IAM keeps for
// them ("Create a service-linked role", IAM User Guide).
func isServiceLinked(principal string) bool {
	return strings.HasPrefix(ParseCaller(principal).Name, "AWSServiceRoleFor")
}

func otherPolicyOwner(by PolicyType) string {
	switch by {
	case Unnamed:
		return ""
	case SCP, RCP:
		return "a " + string(by) + ", which the administrators of the Organization manage"
	}
	return "the " + string(by)
}

// assume is for a principal that may not assume a role of the backup service.
func assume(d *Diagnosis, env policies.Environment) {
	caller, trusted := ParseCaller(d.Message.Principal), ParseCaller(env.ControlPlaneRoleARN)
	role := d.Message.Resource
	change := "In an update of the stack, set ControlPlaneRoleArn to the role that the backup service shows."
	switch {
	case d.Message.By == Identity:
		d.Text = "The caller's own policies do not allow it to assume " + role +
			"; the trust policy of the role is not the reason."
		d.Remedies = []string{"Allow sts:AssumeRole on the role in the policies of " + d.Message.Principal + "."}
	case env.ControlPlaneRoleARN == "":
		d.Text = "The trust policy of " + role + " names one role of the backup service and the external ID; this caller, " +
			"or what it sent, is not that."
		d.Remedies = []string{
			"Compare the caller " + d.Message.Principal + " with ControlPlaneRoleArn, and ExternalId with the backup service. " +
				"Add --stack to compare with a stack.",
			"If the stack is being created or updated, wait until it is complete: the trust is set last.",
		}
	case caller.Account == trusted.Account && caller.Name == trusted.Name:
		d.Text = "The caller is the role that " + role + " trusts; so the external ID that it sent is not the stack's, the " +
			"trust policy was changed, or the stack is not complete."
		d.Remedies = []string{
			"Compare the parameter ExternalId with what the backup service shows, and update the stack.",
			"Run 'permstack drift' for the stack: it compares the trust policy.",
		}
	case caller.Account == trusted.Account:
		d.Text = fmt.Sprintf("The stack trusts the role %s of account %s, and the caller is %s of the same account.",
			trusted.Name, trusted.Account, caller.Name)
		d.Remedies = []string{change}
	default:
		d.Text = fmt.Sprintf("The stack trusts %s, and the caller belongs to account %s.", env.ControlPlaneRoleARN,
			caller.Account)
		d.Remedies = []string{change + " If you do not know account " + caller.Account +
			", somebody else tries to assume the role, and the trust policy does its work."}
	}
}

func installerRemedy(m Message) string {
	switch m.By {
	case SCP, RCP:
		if m.Explicit {
			return "Ask the administrators of the Organization to except the roles below the stack's RolePath from the Deny " +
				"statement, for example by the condition ArnNotLike on aws:PrincipalArn."
		}
		return "Ask the administrators of the Organization to allow " + m.Action + " to the roles below the stack's RolePath."
	case Boundary:
		return "Allow " + m.Action + " in the policy of PermissionsBoundaryArn: it limits permstack's own roles, too."
	}
	return "docs/troubleshooting.md has the messages of launches, updates and deletions. If none is yours, report it."
}
