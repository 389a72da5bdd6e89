package awserr_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/awserr"
)

// apiError returns an error as the SDK's client returns it.
func apiError(service, operation, code, message string) error {
	return &smithy.OperationError{
		ServiceID: service, OperationName: operation,
		Err: &smithy.GenericAPIError{Code: code, Message: message},
	}
}

// classes are the functions that classify errors.
var classes = map[string]func(error) bool{
	"throttled":          awserr.IsThrottled,
	"transient":          awserr.IsTransient,
	"not found":          awserr.IsNotFound,
	"denied":             awserr.IsDenied,
	"conflict":           awserr.IsConflict,
	"context done":       awserr.IsContextDone,
	"stack not found":    awserr.IsStackNotFound,
	"no update":          awserr.IsNoUpdate,
	"not assumable":      awserr.IsRoleNotAssumable,
	"drift unsupported":  awserr.IsDriftUnsupported,
	"stack busy":         awserr.IsStackBusy,
	"update in progress": awserr.IsUpdateInProgress,
	"nil and text error": func(err error) bool { return err == nil || err.Error() == "text" },
}

func cloudFormation(code, message string) error {
	return apiError("CloudFormation", "Any", code, message)
}

// TestClasses checks each class with the codes and messages that AWS returns, and
// that no error is in another class.
func TestClasses(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"nil":            {nil, []string{"nil and text error"}},
		"text":           {errors.New("text"), []string{"nil and text error"}},
		"Throttling":     {cloudFormation("Throttling", "Rate exceeded"), []string{"throttled", "transient"}},
		"SNS's own code": {apiError("SNS", "GetTopicAttributes", "Throttled", "Rate exceeded"), []string{"throttled"}},
		"ThrottlingException": {
			apiError("EventBridge", "ListRules", "ThrottlingException", "Rate exceeded"), []string{"throttled", "transient"},
		},
		"RequestTimeout": {cloudFormation("RequestTimeout", ""), []string{"transient"}},
		"NoSuchEntity": {
			apiError("IAM", "GetRole", "NoSuchEntity", "The role with name x cannot be found."), []string{"not found"},
		},
		"NotFound": {
			apiError("SNS", "GetTopicAttributes", "NotFound", "Topic does not exist"), []string{"not found"},
		},
		"NotFoundException": {apiError("SNS", "ListTagsForResource", "NotFoundException", ""), []string{"not found"}},
		"ResourceNotFoundException": {
			apiError("EventBridge", "DescribeRule", "ResourceNotFoundException", "Rule x does not exist on EventBus default."),
			[]string{"not found"},
		},
		"AccessDenied":          {cloudFormation("AccessDenied", "User: x is not authorized"), []string{"denied"}},
		"AccessDeniedException": {apiError("EventBridge", "ListRules", "AccessDeniedException", ""), []string{"denied"}},
		"AuthorizationError":    {apiError("SNS", "Publish", "AuthorizationError", ""), []string{"denied"}},
		"AuthorizationErrorException": {
			apiError("SNS", "TagResource", "AuthorizationErrorException", ""), []string{"denied"},
		},
		"UnauthorizedOperation": {apiError("EC2", "DescribeRegions", "UnauthorizedOperation", ""), []string{"denied"}},
		"AlreadyExistsException": {
			cloudFormation("AlreadyExistsException", "Stack [x] already exists"), []string{"conflict"},
		},
		"TokenAlreadyExistsException":  {cloudFormation("TokenAlreadyExistsException", ""), []string{"conflict"}},
		"OperationInProgressException": {cloudFormation("OperationInProgressException", ""), []string{"conflict"}},
		"deadline": {
			fmt.Errorf("wait: %w", context.DeadlineExceeded), []string{"context done", "transient"},
		},
		"canceled": {fmt.Errorf("wait: %w", context.Canceled), []string{"context done"}},
		"stack does not exist": {
			cloudFormation("ValidationError", "Stack with id x does not exist"), []string{"stack not found"},
		},
		"no updates": {cloudFormation("ValidationError", "No updates are to be performed."), []string{"no update"}},
		"role cannot be assumed": {
			cloudFormation("ValidationError", "Role arn:aws:iam::123456789012:role/x is invalid or cannot be assumed"),
			[]string{"not assumable"},
		},
		"drift not supported": {
			cloudFormation("ValidationError", "Resource type AWS::X::Y is not supported for drift detection"),
			[]string{"drift unsupported"},
		},
		"drift detection not supported": {
			cloudFormation("ValidationError", "Drift detection is not supported for resource type [AWS::X::Y]"),
			[]string{"drift unsupported"},
		},
		"stack in progress": {
			cloudFormation("ValidationError", "Drift detection cannot be performed on stack [x] "+
				"while it is in the following state(s): [UPDATE_IN_PROGRESS]"),
			[]string{"stack busy"},
		},
		"update in progress": {
			cloudFormation("ValidationError", "Stack:arn:aws:cloudformation:eu-central-1:123456789012:stack/x/1 "+
				"is in UPDATE_IN_PROGRESS state and can not be updated."),
			[]string{"update in progress"},
		},
		"another validation error": {cloudFormation("ValidationError", "Template format error"), nil},
		"the message with another code": {
			cloudFormation("AccessDenied", "Stack with id x does not exist"), []string{"denied"},
		},
		"wrapped": {
			fmt.Errorf("read role: %w", awserr.Concise(apiError("IAM", "GetRole", "NoSuchEntity", ""))), []string{"not found"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]bool{}
			for _, class := range tc.want {
				want[class] = true
			}
			for class, is := range classes {
				if got := is(tc.err); got != want[class] {
					t.Errorf("%s: got %v, want %v", class, got, want[class])
				}
			}
		})
	}
}

func TestDeniedAction(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"named by the message": {
			apiError("CloudFormation", "DetectStackResourceDrift", "AccessDenied",
				"User: arn:x is not authorized to perform: iam:GetRole on resource: role y"), "iam:GetRole",
		},
		"message in brackets": {
			apiError("CloudFormation", "Any", "AccessDenied", "not authorized to perform: [SNS:GetTopicAttributes]"),
			"sns:GetTopicAttributes",
		},
		"the operation itself": {apiError("SNS", "Publish", "AuthorizationError", "denied"), "sns:Publish"},
		"EventBridge":          {apiError("EventBridge", "ListRules", "AccessDeniedException", ""), "events:ListRules"},
		"service with a space": {apiError("Cost Explorer", "GetTags", "AccessDenied", ""), "costexplorer:GetTags"},
		"without an operation": {&smithy.GenericAPIError{Code: "AccessDenied"}, ""},
		"not a denial":         {apiError("IAM", "GetRole", "NoSuchEntity", "not authorized to perform: iam:GetRole"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := awserr.DeniedAction(tc.err); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestConcise(t *testing.T) {
	plain := errors.New("text")
	if got := awserr.Concise(plain); got != plain {
		t.Errorf("got %v, want the same error", got)
	}
	long := apiError("IAM", "GetRole", "NoSuchEntity", "no role")
	once := awserr.Concise(long)
	if twice := awserr.Concise(once); twice != once || !errors.Is(once, long) {
		t.Errorf("got %v, want an error that wraps %v once", twice, long)
	}
	if got := awserr.Message(plain); got != "text" {
		t.Errorf("got %q", got)
	}
}

func ExampleConcise() {
	err := apiError("IAM", "GetRole", "NoSuchEntity", "The role with name x cannot be found.")
	fmt.Println(err)
	fmt.Println(awserr.Concise(err), awserr.IsNotFound(awserr.Concise(err)))
	// Output:
	// operation error IAM: GetRole, api error NoSuchEntity: The role with name x cannot be found.
	// NoSuchEntity: The role with name x cannot be found. true
}
