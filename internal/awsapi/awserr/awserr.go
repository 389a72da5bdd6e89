// Package awserr classifies the errors that AWS's APIs return. It is the only
// package that compares error codes and message texts.
package awserr

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

// IsThrottled reports whether the service rejected the request because of its rate,
// by the SDK's list of codes. SNS has a code of its own (API reference, Publish:
// "Throttled").
func IsThrottled(err error) bool {
	return err != nil && (hasCode(err, "Throttled") ||
		retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary)
}

// IsTransient reports whether the SDK itself would retry the request: after
// throttling, a 5xx status, a timeout or a lost connection.
func IsTransient(err error) bool {
	return err != nil && retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// IsNotFound reports whether the resource does not exist, by the codes of IAM
// (NoSuchEntity), SNS (NotFound, NotFoundException, ResourceNotFound), EventBridge and
// Lambda (ResourceNotFoundException), SQS (QueueDoesNotExist and the code of its Query
// protocol) and S3 (NoSuchBucket). For stacks, see IsStackNotFound.
func IsNotFound(err error) bool {
	return hasCode(err, "NoSuchEntity", "NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException",
		"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "NoSuchBucket")
}

// HasNoTags reports whether a bucket has no tags (S3 API reference, GetBucketTagging).
func HasNoTags(err error) bool { return hasCode(err, "NoSuchTagSet") }

// IsDenied reports whether the caller lacks a permission: AccessDenied (IAM,
// CloudFormation), AccessDeniedException (EventBridge), AuthorizationError
// (SNS), UnauthorizedOperation (EC2).
func IsDenied(err error) bool {
	return hasCode(err, "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException",
		"UnauthorizedOperation")
}

// IsExplicitlyDenied reports whether a policy denies a call explicitly, or an SCP,
// RCP, boundary or session policy does not allow it. Unlike a permission that is
// new, that does not pass.
func IsExplicitlyDenied(err error) bool {
	return IsDenied(err) && isLastingDenial(Message(err))
}

// isLastingDenial reports whether the text of a denial names a cause that does not
// pass: "with an explicit deny in …", "because no service control policy allows the
// … action" (IAM user guide, "Troubleshoot access denied error messages").
func isLastingDenial(message string) bool {
	for _, cause := range []string{
		"with an explicit deny", "no service control policy allows", "no resource control policy allows",
		"no permissions boundary allows", "no session policy allows",
	} {
		if strings.Contains(message, cause) {
			return true
		}
	}
	return false
}

// IsPassingDenial reports whether the reason of a failed resource in a stack is a
// denial that may pass: the role with which CloudFormation calls lacks a
// permission, which may be new. Resource handlers return the service's text, or
// only the code: "HandlerErrorCode: AccessDenied".
func IsPassingDenial(reason string) bool {
	denied := strings.Contains(reason, "is not authorized to perform") ||
		strings.Contains(reason, "HandlerErrorCode: AccessDenied")
	return denied && !isLastingDenial(reason)
}

// IsConflict reports whether another request started or completed the same
// CloudFormation operation first.
func IsConflict(err error) bool {
	return hasCode(err, "AlreadyExistsException", "TokenAlreadyExistsException", "OperationInProgressException")
}

// IsContextDone reports whether the context ended the call: deadline or
// cancellation.
func IsContextDone(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// CloudFormation returns the code ValidationError for several unrelated
// conditions; only the message distinguishes them.

// IsStackNotFound reports "Stack with id x does not exist".
func IsStackNotFound(err error) bool { return isValidation(err, "does not exist") }

// IsResourceNotFound reports "Resource x does not exist for stack y" or "Stack 'y'
// does not exist", the answers of DescribeStackResource.
func IsResourceNotFound(err error) bool { return isValidation(err, "does not exist") }

// IsNoUpdate reports "No updates are to be performed."
func IsNoUpdate(err error) bool { return isValidation(err, "No updates are to be performed") }

// IsUpdateInProgress reports "Stack:arn:… is in UPDATE_IN_PROGRESS state and can not be updated."
func IsUpdateInProgress(err error) bool { return isValidation(err, "_IN_PROGRESS state") }

// IsRoleNotAssumable reports "Role arn:… is invalid or cannot be assumed", as
// CloudFormation answers for a role that was created moments ago.
func IsRoleNotAssumable(err error) bool { return isValidation(err, "is invalid or cannot be assumed") }

// IsDriftUnsupported reports that a resource's type has no drift detection. No
// document has the text; "Resource type AWS::X::Y is not supported for drift
// detection" and "Drift detection is not supported for resource type [AWS::X::Y]"
// are in use.
func IsDriftUnsupported(err error) bool {
	return isValidation(err, "drift detection") && isValidation(err, "not supported")
}

// IsStackBusy reports "Drift detection cannot be performed on stack [x] while
// it is in the following state(s): [UPDATE_IN_PROGRESS]".
func IsStackBusy(err error) bool { return isValidation(err, "cannot be performed on stack") }

func isValidation(err error, message string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError" &&
		strings.Contains(strings.ToLower(api.ErrorMessage()), strings.ToLower(message))
}

func hasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}

// Message returns the code and message of an AWS error without the SDK's
// description of the HTTP exchange, and the text of any other error.
func Message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// Concise returns an error whose text is Message(err) and which wraps err. An
// error that is already concise, or not from AWS, is returned unchanged.
func Concise(err error) error {
	var api smithy.APIError
	var already *conciseError
	if errors.As(err, &already) || !errors.As(err, &api) {
		return err
	}
	return &conciseError{Message(err), err}
}

type conciseError struct {
	text string
	err  error
}

func (e *conciseError) Error() string { return e.text }
func (e *conciseError) Unwrap() error { return e.err }

// deniedAction matches the permission in AWS's denial: "User: … is not
// authorized to perform: iam:GetRole on resource: …".
var deniedAction = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`not authorized to perform:? \[?([A-Za-z0-9-]+):([A-Za-z0-9]+)`)
})

// ActionInMessage returns the action that the text of a denial names, such as
// "iam:GetRole"; "" if it names none.
func ActionInMessage(message string) string {
	m := deniedAction().FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	return strings.ToLower(m[1]) + ":" + m[2]
}

// DeniedAction returns the action that a denied call needed: the one that the
// message names, or else the operation itself. It returns "" if err is not a
// denial.
func DeniedAction(err error) string {
	if !IsDenied(err) {
		return ""
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if p := ActionInMessage(api.ErrorMessage()); p != "" {
			return p
		}
	}
	var operation *smithy.OperationError
	if !errors.As(err, &operation) {
		return ""
	}
	prefix := map[string]string{"EventBridge": "events"}[operation.ServiceID]
	if prefix == "" {
		prefix = strings.ToLower(strings.ReplaceAll(operation.ServiceID, " ", ""))
	}
	return prefix + ":" + operation.OperationName
}
