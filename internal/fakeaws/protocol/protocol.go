// Package wire is the seam between the embedded AWS's HTTP server and its
// services: one decoded API call in, one value or one AWS error out. A service
// knows nothing of HTTP, and the server knows nothing of a service's meaning.
package protocol

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// Protocol is how a service speaks on the wire.
type Protocol int

const (
	// Query is the form-encoded request with an XML answer (IAM, STS, SNS, CloudFormation).
	Query Protocol = iota
	// JSON is AWS JSON 1.0/1.1: X-Amz-Target names the action (EventBridge, SSM).
	JSON
	// REST is S3's: method, host, path and query name the action (Service.Route),
	// and the handler answers with a *Response.
	REST
)

// Response is the whole answer of a REST call.
type Response struct {
	Status int // 0 is 200
	Header http.Header
	Body   []byte
}

// Handler answers one action. What it returns is encoded by the server: for
// Query a struct with xml tags that becomes the <ActionResult>, for JSON any
// value that encoding/json takes; nil is an empty result. An error that is not
// an *Error becomes InternalFailure.
type Handler func(ctx context.Context, call *Call) (any, error)

// Service is one AWS service: its names on the wire and the actions it has.
// An action that is not in Actions is refused by name with NotImplemented.
type Service struct {
	Name         string // as the SDK's endpoint and signing name have it: "iam"
	Protocol     Protocol
	Version      string // Query API version, also in the XML namespace: "2010-05-08"
	Namespace    string // XML namespace of a Query answer
	TargetPrefix string // JSON: what stands before the dot in X-Amz-Target: "AWSEvents"
	Actions      map[string]Handler

	// Access says which permissions a call needs; the server asks for them
	// before the handler runs, when a role session makes the call. Where it is
	// nil, or answers nil for an action, the call needs <Name>:<Action> on "*". An
	// empty slice means that the handler asks for itself with Call.Authorize.
	Access func(*Call) []Access
	// Route names the action of a REST call.
	Route func(*http.Request) string
	// MaxBody is the largest request in bytes; 0 is the server's.
	MaxBody int64
}

// Call is one API call, decoded and attributed to an account and a Region.
type Call struct {
	Service   string
	Action    string
	RequestID string
	Partition string // aws, aws-us-gov, aws-cn: follows from Region
	Region    string
	Account   string // 12 digits
	Caller    Caller
	Form      url.Values      // Query: the parameters, Action and Version included
	Body      json.RawMessage // JSON and REST: the request body
	HTTP      *http.Request

	// Authorizer judges one permission for the caller; nil allows everything.
	// The server sets it; services ask through Authorize.
	Authorizer func(Access) error
}

// Caller is who signed the call. Role is empty for the account's own
// (unrestricted) credentials.
type Caller struct {
	AccessKeyID string
	ARN         string // arn:aws:iam::<account>:root or an assumed-role ARN
	RoleName    string // name of the role, for credentials that AssumeRole gave
	RoleID      string // AROA… of the role when the session began
	SessionName string // name of the session, for credentials that AssumeRole gave
}

// Decode reads a JSON call's body into v.
func (c *Call) Decode(v any) error {
	if len(c.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.Body, v); err != nil {
		return &Error{Code: "SerializationException", Message: fmt.Sprintf("read body of %s: %v", c.Action, err)}
	}
	return nil
}

// Error is an error as AWS sends it.
type Error struct {
	Code    string // "NoSuchEntity"
	Message string
	Status  int // HTTP status; 0 is 400
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an Error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithStatus sets the HTTP status and returns e.
func (e *Error) WithStatus(status int) *Error { e.Status = status; return e }
