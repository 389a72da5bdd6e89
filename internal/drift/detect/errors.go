package detect

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// isThrottled: the SDK's own list of codes for "too fast".
func isThrottled(err error) bool {
	return err != nil && retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary
}

// isTransient: what the SDK itself would try again, such as a 5xx or a lost
// connection.
func isTransient(err error) bool {
	return err != nil && retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// isNotFound: the codes with which IAM, SNS and EventBridge say that something is
// not there.
func isNotFound(err error) bool {
	return hasCode(err, "NoSuchEntity", "NotFound", "NotFoundException", "ResourceNotFoundException")
}

// isDenied: AccessDenied (IAM, CloudFormation), AccessDeniedException
// (EventBridge), AuthorizationError (SNS).
func isDenied(err error) bool {
	return hasCode(err, "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "UnauthorizedOperation")
}

func hasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}

// CloudFormation answers quite different things with the one code
// ValidationError; its message is all there is to tell them apart.

// isStackNotFound: "Stack with id x does not exist".
func isStackNotFound(err error) bool { return isValidation(err, "does not exist") }

// isUnsupported: "Resource type AWS::X::Y is not supported for drift detection".
func isUnsupported(err error) bool { return isValidation(err, "not supported for drift detection") }

// isStackBusy: "Drift detection cannot be performed on stack [x] while it is in the
// following state(s): [UPDATE_IN_PROGRESS]".
func isStackBusy(err error) bool { return isValidation(err, "cannot be performed on stack") }

func isValidation(err error, message string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.Contains(strings.ToLower(api.ErrorMessage()), strings.ToLower(message))
}

// isContextDone: there was no time left, or somebody told the check to stop.
func isContextDone(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// apiMessage is an error of AWS in the words that matter to people: its code and
// message, without the SDK's account of the HTTP exchange.
func apiMessage(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// deniedAction finds the permission in AWS's refusal: "User: … is not
// authorized to perform: iam:GetRole on resource: …".
var deniedAction = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`not authorized to perform:? \[?([A-Za-z0-9-]+):([A-Za-z0-9]+)`)
})

// permissionIn reads the missing permission out of a refusal; "" where it names none.
func permissionIn(message string) string {
	m := deniedAction().FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	return strings.ToLower(m[1]) + ":" + m[2]
}

// permissionOf gives the permission that a denied call needed: the one that the
// refusal names, or else the operation's own.
func permissionOf(err error) string {
	if !isDenied(err) {
		return ""
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if p := permissionIn(api.ErrorMessage()); p != "" {
			return p
		}
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		prefix := map[string]string{"EventBridge": "events"}[operation.ServiceID]
		if prefix == "" {
			prefix = strings.ToLower(strings.ReplaceAll(operation.ServiceID, " ", ""))
		}
		return prefix + ":" + operation.OperationName
	}
	return ""
}
