package provisioner

// Log messages. docs/logs.md lists each with its meaning and what to do; a test
// compares the two.
const (
	logSynthesized         = "permissions synthesized"
	logPlanned             = "permission stack planned"
	logRestoreWindow       = "restores are limited to a time"
	logScope               = "access is narrowed to a scope"
	logTransition          = "deploying both scopes before the new one"
	logNoTransition        = "scopes are replaced policy by policy: both do not fit"
	logBoundaryChecked     = "permissions boundary checked"
	logBoundary            = "permissions boundary does not allow what is deployed, or cannot be read"
	logWeakExternalID      = "external id can be guessed"
	logCreating            = "creating permission stack"
	logUpdating            = "updating permission stack"
	logDeleting            = "deleting permission stack"
	logStripping           = "stripping removed roles"
	logTrusting            = "setting trust policies of roles"
	logUnusable            = "deleting unusable permission stack"
	logContinuing          = "continuing failed rollback"
	logStatus              = "permission stack status"
	logUpToDate            = "permission stack is up to date"
	logNotAssumable        = "stack role cannot be assumed yet"
	logDenied              = "call is denied, possibly because a permission is new"
	logDeniedStack         = "stack operation was denied, possibly because a permission is new"
	logNotConfirmed        = "event is not confirmed yet"
	logUnconfirmed         = "event is not confirmed: STACK_ID is not set"
	logForeign             = "permission stack of another owner is not modified"
	logNotStripped         = "removed roles are not stripped before deletion"
	logEventsUnread        = "stack events cannot be read"
	logAnnounced           = "access change announced"
	logNotAnnounced        = "access change is not announced"
	logBeforeUnknown       = "access change is not announced: earlier access is unknown"
	logNotAnnouncedRemoval = "removal of access is not announced"

	// LogLeftBehind reports a resource that CloudFormation could not delete.
	LogLeftBehind = "resource left behind"
	// LogLeftoversUnknown reports that such resources cannot be listed.
	LogLeftoversUnknown = "leftovers are unknown: stack events cannot be read"
)
