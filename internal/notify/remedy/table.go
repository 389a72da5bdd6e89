package remedy

import (
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

// Place is the installation whose findings are resolved. Its fields are those of the id
// of the parent stack; they are empty if an audit found no installation.
type Place struct{ Stack, Partition, Region, Account string }

// NewPlace returns the place of a parent stack, given by its id.
func NewPlace(stackID string) Place {
	id, ok := iampolicy.ParseARN(stackID)
	if !ok {
		return Place{}
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(id.Resource, "stack/"), "/")
	return Place{Stack: name, Partition: id.Partition, Region: id.Region, Account: id.AccountID}
}

// entry is how findings of one kind are resolved.
type entry struct {
	// command returns the command; "" if this finding has none. Nil: no finding of the
	// kind has one.
	command func(finding.Finding, Place) string
	// reason states why there is no command. It is required if there may be none.
	reason string
	// reasonFor returns the reason of one finding, if they differ.
	reasonFor func(finding.Finding) string
}

// revert restores what the template declares, with the rights of the caller.
func revert(f finding.Finding, p Place) string { return p.permstack(f) }

// Reasons that several kinds share.
const tagOfCloudFormation = "CloudFormation alone sets this tag: another stack created the resource. Delete the " +
	"resource there, then revert."

// table is how the findings of each kind are resolved.
var table = map[finding.Kind]entry{
	finding.ResourceDeleted: {command: revert},
	finding.InlinePolicyAdded: {command: func(f finding.Finding, p Place) string {
		return p.iam("delete-role-policy", "--role-name", f.PhysicalID, "--policy-name", f.Subject)
	}},
	finding.InlinePolicyRemoved: {command: revert},
	finding.InlinePolicyChanged: {command: revert},
	finding.AttachmentAdded: {command: func(f finding.Finding, p Place) string {
		return p.iam("detach-role-policy", "--role-name", f.PhysicalID, "--policy-arn", f.Subject)
	}},
	finding.AttachmentRemoved: {command: func(f finding.Finding, p Place) string {
		return p.iam("attach-role-policy", "--role-name", f.PhysicalID, "--policy-arn", f.Subject)
	}},
	finding.PolicyChanged:   {command: revert},
	finding.TrustChanged:    {command: revert},
	finding.BoundaryChanged: {command: restoreBoundary},
	finding.SessionChanged: {command: func(f finding.Finding, p Place) string {
		return p.iam("update-role", "--role-name", f.PhysicalID, "--max-session-duration", f.Expected.Text)
	}},
	finding.TagsChanged: {command: func(f finding.Finding, p Place) string {
		if strings.HasPrefix(f.Subject, "aws:") {
			return ""
		}
		return setTag(f, p)
	}, reason: tagOfCloudFormation},
	finding.TopicPolicyChanged: {command: revert},
	finding.RuleChanged:        {command: restoreRule},
	finding.ProfileChanged:     {command: revert},
	finding.PropertyChanged:    {command: restoreProperty},
	finding.TemplateChanged: {command: func(f finding.Finding, p Place) string {
		if f.Subject == "parent" {
			return ""
		}
		return p.permstack(f)
	}, reason: "Only the launch template of the release restores the parent stack, and the deployed one no longer states " +
		"reliably where that is: update the stack with the template that you launched."},
	finding.StackAdded: {command: func(f finding.Finding, p Place) string {
		name := f.Subject
		if name == "" {
			name = f.Stack
		}
		return p.inRegion("cloudformation", "delete-stack", "--stack-name", name)
	}},
	finding.StackHeld: {command: func(f finding.Finding, p Place) string {
		if f.Subject != "UPDATE_IN_PROGRESS" { // only an update can be cancelled (API reference, CancelUpdateStack)
			return ""
		}
		return p.inRegion("cloudformation", "cancel-update-stack", "--stack-name", f.Stack)
	}, reason: "CloudFormation cancels updates alone: the stack's events show what this operation waits for."},
	finding.StackFailed: {command: endFailed},
	finding.ChangeSetAdded: {command: func(f finding.Finding, p Place) string {
		return p.inRegion("cloudformation", "delete-change-set", "--change-set-name", f.RemovalID)
	}},
	finding.ChoiceChanged: {command: restoreChoice, reason: choiceReason(finding.Finding{}), reasonFor: choiceReason},
	finding.StateLost: {reason: "There is nothing to restore: the run that reported it has written its state again. Find " +
		"out who changed it."},
	finding.AttachedElsewhere: {command: detach, reason: "What has the policy is not a role, user or group."},
	finding.SubscriptionAdded: {command: func(f finding.Finding, p Place) string {
		if !strings.HasPrefix(f.RemovalID, "arn:") {
			return ""
		}
		return p.inRegion("sns", "unsubscribe", "--subscription-arn", f.RemovalID)
	}, reason: "SNS removes no subscription that is not confirmed; it deletes it itself after 48 hours, and sends nothing " +
		"to it before."},
	finding.FunctionCodeChanged:   {command: revert},
	finding.FunctionChanged:       {command: revert},
	finding.FunctionPolicyChanged: {command: revert},
	finding.FunctionTriggerAdded: {command: removeTrigger, reason: "The kind of trigger is not known to this release: " +
		"remove it in the console."},
	finding.QueuePolicyChanged: {command: revert},
	finding.TopicChanged:       {command: restoreTopic, reason: "The subscription has no ARN before it is confirmed."},
	finding.ProfileAdded: {command: func(f finding.Finding, p Place) string {
		return p.iam("remove-role-from-instance-profile", "--instance-profile-name", f.Subject, "--role-name", f.PhysicalID)
	}},
	finding.PolicyVersionAdded: {command: func(f finding.Finding, p Place) string {
		return p.iam("delete-policy-version", "--policy-arn", f.PhysicalID, "--version-id", f.Subject)
	}},
	finding.RoleIdentityChanged: {command: revert},
	finding.RoleAdded:           {command: revert},
	finding.NotReadable: {reason: "Nothing is known to differ. A missing permission is restored where it was removed or is " +
		"denied, which the message of AWS names; every other error is one of a single run."},
	finding.RoleUnowned:         {command: revert},
	finding.TrustsService:       {command: revert},
	finding.TrustsOwnRole:       {command: revert},
	finding.ResourcePolicyNames: {command: revert},
	finding.KeyGrantAdded: {command: func(f finding.Finding, p Place) string {
		return p.inRegion("kms", "revoke-grant", "--key-id", f.PhysicalID, "--grant-id", f.Subject)
	}},
	finding.StackOrphaned: {command: func(f finding.Finding, p Place) string {
		if p.Region == "" {
			p = NewPlace(f.PhysicalID)
		}
		return p.inRegion("cloudformation", "delete-stack", "--stack-name", f.Subject)
	}},
	finding.ChangeUndone: {reason: "The change was undone already. Find out what was done in between."},
}

// Command returns the command that resolves a finding, or else the reason why there is
// none. The finding is resolved when the command has ended and AWS has become consistent;
// a stack that it deletes or updates may take minutes.
func Command(f finding.Finding, p Place) (command, reason string) {
	e := table[f.Kind]
	if e.command != nil {
		command = e.command(f, p)
	}
	if command != "" && p.Stack == "" && strings.HasPrefix(command, "permstack ") {
		return "", "The installation that it belongs to is not known."
	}
	if command == "" && e.reasonFor != nil {
		return "", e.reasonFor(f)
	}
	if command == "" {
		return "", e.reason
	}
	return command, ""
}

// Exceptions returns the kinds of which some or all findings have no command, and why.
func Exceptions() map[finding.Kind]string {
	out := map[finding.Kind]string{}
	for kind, e := range table {
		if e.reason != "" {
			out[kind] = e.reason
		}
	}
	return out
}
