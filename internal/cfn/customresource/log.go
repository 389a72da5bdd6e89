package customresource

// Log messages; docs/logs.md lists each with its meaning and what to do.
const (
	logReceived      = "event received"
	logNoResponseURL = "event without response URL"
	logSending       = "sending response"
	logNotAccepted   = "response not accepted"
	logNotDelivered  = "response not delivered"
	logPanic         = "panic"
)
