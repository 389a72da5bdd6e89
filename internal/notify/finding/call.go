package finding

import "time"

// Call is a call of AWS's API that changed a resource, as CloudTrail recorded it.
type Call struct {
	ID        string    `json:"eventId"`   // CloudTrail's eventID
	Action    string    `json:"action"`    // iam:AttachRolePolicy
	Principal string    `json:"principal"` // ARN, or the name of an AWS service
	Time      time.Time `json:"time"`
	Source    string    `json:"sourceIp,omitempty"` // an address, or the AWS service that made the call for the principal
	Client    string    `json:"userAgent,omitempty"`
}
