package wording

import "permstack/internal/notify/finding"

// outcomes are the outcomes whose text needs no names.
var outcomes = map[finding.Outcome]string{
	finding.PolicyDeclared: "nothing to do: the template declares the policy now",
	finding.PolicyRemoved:  "nothing to do: the policy no longer exists",
	finding.PolicyRestored: "the topic's policy was restored from the template",
	finding.Restored:       "restored by CloudFormation, with a drift-aware change set",
	finding.TopicRecreated: "recreated by CloudFormation, and its policy restored; it has no subscriptions",

	finding.TemplateRestored: "the stack was updated with the template of the catalogue",

	finding.RoleDeleted:     "the role was deleted",
	finding.SettingRestored: "the value of the template was restored",
	finding.StackUpdated:    "the parent stack was updated, which restored the permission stack",

	finding.ExternalIDUnknown: "the external id is not known to the check: update the parent stack with a change of one " +
		"of its choices",
	finding.ByHand:            "it is not reverted automatically: see what to do in the finding",
	finding.NotAttempted:      "not attempted: its stack is not owned by this installation, or is not stable",
	finding.NotInStack:        "not attempted: the resource is not in a stack of this installation",
	finding.ValueUnknown:      "the expected value is known to CloudFormation alone: restore it by hand",
	finding.PolicyNotDeclared: "the template declares no policy for this topic: restore the default policy of SNS by hand",
	finding.TagOfStack:        "the tag belongs to the stack, and CloudFormation does not restore it: restore it by hand",
	finding.ParentStack: "the parent stack is not modified, because its roles limit this function itself: " +
		"revert it by hand",
	finding.StackMissing:   "only an update of the parent stack restores the permission stack",
	finding.NothingKnown:   "nothing to revert is known: it could not be read",
	finding.RoleReplaced:   "IAM cannot move a role: delete this one, then revert",
	finding.NotInChangeSet: "CloudFormation's change set had nothing to restore here",
	finding.StackBusy:      "the stack is not stable",
}

// Reversal returns the outcome of a revert in words, after the resource's
// logical id.
func Reversal(r finding.Reversal) string {
	f := r.Finding
	text := outcomes[r.Outcome]
	switch r.Outcome {
	case finding.PolicyDeleted:
		text = "inline policy " + f.Subject + " was deleted from role " + f.PhysicalID
	case finding.PolicyDetached:
		text = "policy " + f.Subject + " was detached from role " + f.PhysicalID
	case finding.PropertyUndeclared:
		text = "the template does not declare " + f.Property + ", so CloudFormation does not modify it: restore it by hand"
	case finding.CallFailed:
		text = r.Message
	}
	if f.LogicalID == "" {
		return f.Stack + ": " + text
	}
	return f.LogicalID + ": " + text
}
