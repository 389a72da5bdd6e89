package finding

// Reversals is what a revert did with each finding of a report, in the report's
// order.
type Reversals struct {
	Done   []Reversal `json:"done,omitempty"`
	Failed []Reversal `json:"failed,omitempty"`
}

// Reversal is the outcome of one finding.
type Reversal struct {
	Finding Finding `json:"finding"`
	Outcome Outcome `json:"outcome"`
	// Message is the error of CallFailed.
	Message string `json:"message,omitempty"`
	// Permission is the missing permission, if a call was denied.
	Permission string `json:"missingPermission,omitempty"`
}

// Outcome is what was done about a finding, or why nothing was.
type Outcome string

// Outcomes of findings that no longer exist.
const (
	PolicyDeleted  Outcome = "policy-deleted"
	PolicyDetached Outcome = "policy-detached"
	PolicyDeclared Outcome = "policy-declared" // nothing to do: the template declares the policy now
	PolicyRemoved  Outcome = "policy-removed"  // nothing to do: the policy no longer exists
	PolicyRestored Outcome = "policy-restored" // a topic's policy
	Restored       Outcome = "restored"        // by a drift-aware change set
	TopicRecreated Outcome = "topic-recreated" // with its policy, without subscriptions
	// The template of a permission stack is again what the catalogue defines.
	TemplateRestored Outcome = "template-restored"
	RoleDeleted      Outcome = "role-deleted"     // that no template declares
	SettingRestored  Outcome = "setting-restored" // by a call of the service
	StackUpdated     Outcome = "stack-updated"    // the parent, so that the provisioner restores the rest
)

// Outcomes of findings that still exist.
const (
	NotAttempted       Outcome = "not-attempted"         // the stack is not owned by the installation, or not stable
	NotInStack         Outcome = "not-in-stack"          // the stack no longer has the resource
	ValueUnknown       Outcome = "value-unknown"         // the expected value is known to CloudFormation alone
	PolicyNotDeclared  Outcome = "policy-not-declared"   // the template declares no policy for the topic
	PropertyUndeclared Outcome = "property-not-declared" // CloudFormation does not modify what a template omits
	TagOfStack         Outcome = "tag-of-stack"          // CloudFormation does not restore tags of the stack
	ParentStack        Outcome = "parent-stack"          // the parent stack is not modified
	StackMissing       Outcome = "stack-missing"         // only an update of the parent stack creates it
	NothingKnown       Outcome = "nothing-known"         // the property could not be read
	RoleReplaced       Outcome = "role-replaced"         // a role's path cannot be changed in place
	NotInChangeSet     Outcome = "not-in-change-set"     // CloudFormation found nothing to restore
	StackBusy          Outcome = "stack-busy"            // the stack is not stable
	ExternalIDUnknown  Outcome = "external-id-unknown"   // the deployed template has none, or several
	ByHand             Outcome = "by-hand"               // a person has to decide what to do
	CallFailed         Outcome = "call-failed"
)
