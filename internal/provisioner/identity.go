package provisioner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
)

// PhysicalID names the custom resource. It depends on the event's stack and
// logical id alone, so a Create that failed, even one without valid properties,
// and the Delete that follows it agree.
func PhysicalID(event cfn.Event) string {
	return "permstack-" + digest(event.StackID, event.LogicalResourceID)[:32]
}

// clientToken makes a repeated request harmless: the same event requests the
// same operation with the same token (at most 128 characters).
func clientToken(requestID, action, stack string, attempt int) string {
	return "permstack-" + action + "-" + digest(requestID, action, stack, fmt.Sprint(attempt))[:32]
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}
