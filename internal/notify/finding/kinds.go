package finding

import "slices"

// kinds are all kinds of findings.
var kinds = []Kind{
	ResourceDeleted, InlinePolicyAdded, InlinePolicyRemoved, InlinePolicyChanged, AttachmentAdded,
	AttachmentRemoved, PolicyChanged, TrustChanged, BoundaryChanged, SessionChanged, TagsChanged,
	TopicPolicyChanged, RuleChanged, ProfileChanged, PropertyChanged, TemplateChanged, StackAdded, StackHeld,
	StackFailed, ChangeSetAdded,
	ChoiceChanged, StateLost, AttachedElsewhere, SubscriptionAdded, FunctionCodeChanged, FunctionChanged,
	FunctionPolicyChanged, FunctionTriggerAdded, QueuePolicyChanged, TopicChanged, ProfileAdded,
	PolicyVersionAdded, RoleIdentityChanged, RoleAdded, NotReadable, RoleUnowned, TrustsService, TrustsOwnRole,
	ResourcePolicyNames, KeyGrantAdded, StackOrphaned, ChangeUndone,
}

// Kinds returns every kind of finding.
func Kinds() []Kind { return slices.Clone(kinds) }
