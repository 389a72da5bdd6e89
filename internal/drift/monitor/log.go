package monitor

// Log messages of a run. docs/drift.md lists them with what to do.
const (
	logCompleted         = "drift check completed"
	logFailed            = "drift check failed"
	logFinding           = "drift found"
	logResolved          = "drift resolved"
	logNoSubscriber      = "alert topic has no confirmed subscriber"
	logNotified          = "notification sent"
	logHubNotified       = "notification of the Organization sent"
	logHubFailed         = "notification of the Organization failed"
	logReverted          = "drift reverted"
	logRevertFailed      = "drift revert failed"
	logAnnounced         = "access change announced"
	logRestoreEnded      = "end of restore window announced"
	logAnnounceFailed    = "access change announcement failed"
	logGrantedUnreadable = "granted access unreadable"
	logStateLost         = "drift state lost"
	logStateUnavailable  = "drift state unavailable"
	logStateNotSaved     = "drift state not saved"
	logLeaseNotReleased  = "drift state lease not released"
	logMetricsFailed     = "metrics not written"
	logLookUpFailed      = "callers not looked up"
	logEventQueued       = "event queued for the run in progress"
	logEventIgnored      = "event of a failed call ignored"
	logInboxFailed       = "queued events not read"
)
