package finding

// Direction reports which way access changed.
type Direction string

const (
	GrantsMore Direction = "grants-more" // a security matter
	GrantsLess Direction = "grants-less" // backups or restores will fail
	Changed    Direction = "changed"     // no proven gain: neither, or undecided
	Monitoring Direction = "monitoring"  // the check itself, its notifications or their recipients
	Unreadable Direction = "unreadable"  // could not be read: neither in sync nor drifted
)

// Source is how a difference was detected.
type Source string

const (
	CloudFormation Source = "cloudformation" // CloudFormation's drift detection
	Live           Source = "live"           // comparison of the template with the services' APIs
)

// Kind is what differs.
type Kind string

const (
	ResourceDeleted     Kind = "resource-deleted"
	InlinePolicyAdded   Kind = "inline-policy-added"
	InlinePolicyRemoved Kind = "inline-policy-removed"
	InlinePolicyChanged Kind = "inline-policy-changed"
	AttachmentAdded     Kind = "attachment-added"
	AttachmentRemoved   Kind = "attachment-removed"
	PolicyChanged       Kind = "policy-changed" // the default version of a managed policy
	TrustChanged        Kind = "trust-changed"
	BoundaryChanged     Kind = "boundary-changed"
	SessionChanged      Kind = "session-length-changed"
	TagsChanged         Kind = "tags-changed"
	TopicPolicyChanged  Kind = "topic-policy-changed"
	RuleChanged         Kind = "rule-changed"
	ProfileChanged      Kind = "instance-profile-changed"
	PropertyChanged     Kind = "property-changed"          // any other property
	TemplateChanged     Kind = "template-changed"          // of a permission stack, not by the provisioner
	StackAdded          Kind = "stack-added"               // named like a permission stack, and not one of them
	StackHeld           Kind = "stack-held"                // it remains in progress
	StackFailed         Kind = "stack-failed"              // an operation failed: the status ends with _FAILED
	ChangeSetAdded      Kind = "change-set-added"          // not executed yet, and not by the check
	ChoiceChanged       Kind = "choice-changed"            // in the parent stack; reported once
	StateLost           Kind = "state-lost"                // what the check remembers was written by somebody else
	AttachedElsewhere   Kind = "policy-attached-elsewhere" // to what no template of the installation declares
	SubscriptionAdded   Kind = "subscription-added"

	FunctionCodeChanged   Kind = "function-code-changed" // the hash of the package
	FunctionChanged       Kind = "function-changed"      // a setting
	FunctionPolicyChanged Kind = "function-policy-changed"
	FunctionTriggerAdded  Kind = "function-trigger-added" // a URL, event source, version or alias
	QueuePolicyChanged    Kind = "queue-policy-changed"

	TopicChanged        Kind = "topic-changed"          // an attribute, or the filter of a subscription
	ProfileAdded        Kind = "instance-profile-added" // with a role of the installation
	PolicyVersionAdded  Kind = "policy-version-added"   // not the default version
	RoleIdentityChanged Kind = "role-identity-changed"  // another role has the name
	RoleAdded           Kind = "role-added"             // under the installation's path, in none of its stacks
	NotReadable         Kind = "not-readable"

	// Of the account audit.
	RoleUnowned         Kind = "role-unowned"          // under our path or names, in no stack
	TrustsService       Kind = "role-trusts-service"   // the backup service's principals
	TrustsOwnRole       Kind = "role-trusts-own-role"  // a role of the installation
	ResourcePolicyNames Kind = "resource-policy-names" // of a key, bucket, topic or queue
	KeyGrantAdded       Kind = "key-grant-added"
	StackOrphaned       Kind = "stack-orphaned" // a permission stack without a parent
	// ChangeUndone is a change that was undone before the check; reported once.
	ChangeUndone Kind = "change-undone"
)

// Reason explains a finding where kind, property and direction do not.
type Reason string

const (
	// A document could not be parsed, so the documents are not compared.
	DocumentInvalid Reason = "document-invalid"
	// The other policies of the role make up for the difference.
	EffectiveAccessSame Reason = "effective-access-same"
	// The document of an attached policy could not be read.
	PolicyUnreadable Reason = "policy-unreadable"
	// The document of one of two permissions boundaries could not be read.
	BoundaryUnreadable Reason = "boundary-unreadable"
	// The role was deleted and another one of this name was created.
	RoleRecreated Reason = "role-recreated"
	// The principal of another account was deleted, or deleted and created again.
	PrincipalRecreated Reason = "principal-recreated"
	// The expected value is known to CloudFormation alone.
	ExpectedUnknown Reason = "expected-unknown"
	// In the stack's status its template does not describe what is deployed.
	StackNotStable Reason = "stack-not-stable"
	// The deployed template cannot be evaluated.
	TemplateInvalid Reason = "template-invalid"
	// AWS denied the call.
	AccessDenied Reason = "access-denied"
	// AWS throttled the call until attempts or time ran out.
	Throttled Reason = "throttled"
	// The call failed for another reason.
	ReadFailed Reason = "read-failed"
)
