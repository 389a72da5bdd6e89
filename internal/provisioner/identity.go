package provisioner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
)

// PhysicalID returns the physical id of the custom resource. It depends only on
// the event's stack and logical id, so that a failed Create, even one without
// valid properties, and the Delete that follows it use the same id.
func PhysicalID(event cfn.Event) string {
	return "permstack-" + digest(event.StackID, event.LogicalResourceID)[:32]
}

// clientToken returns a ClientRequestToken (at most 128 characters) that is the
// same when the same event requests the same operation again, which makes
// CloudFormation ignore the repetition.
func clientToken(requestID, action, stack string, attempt int) string {
	return "permstack-" + action + "-" + digest(requestID, action, stack, fmt.Sprint(attempt))[:32]
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}
