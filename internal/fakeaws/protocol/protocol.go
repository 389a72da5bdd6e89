// Package protocol is the interface between the embedded AWS's HTTP server and
// its services: one decoded API call in, one value or one AWS error out. The
// server handles transport and encoding, a service the meaning of its calls.
package protocol

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Protocol is the protocol by which clients call a service.
type Protocol int

const (
	// Query is the form-encoded request with an XML response (IAM, STS, SNS, CloudFormation).
	Query Protocol = iota
	// JSON is AWS JSON 1.0/1.1: X-Amz-Target names the action (EventBridge, SSM).
	JSON
	// REST is S3's: method, host, path and query select the action (Service.Route),
	// and the handler returns a *Response.
	REST
	// RESTJSON is REST with JSON in bodies and errors (Lambda).
	RESTJSON
)

// Response is the complete response of a REST call.
type Response struct {
	Status int // 0 is 200
	Header http.Header
	Body   []byte
}

// Handler runs one action. The server encodes its result: for Query a struct
// with xml tags that becomes the <ActionResult>, for JSON any value that
// encoding/json takes; nil is an empty result. An error that is not an *Error
// becomes InternalFailure.
type Handler func(ctx context.Context, call *Call) (any, error)

// Action is one action of a service: what runs it and what it requires.
type Action struct {
	Handle Handler
	// Permissions returns the permissions that a call requires. When a role
	// session makes the call, the server checks them before Handle. It must be
	// set: an action without Permissions fails with InternalFailure.
	Permissions Permissions
}

// Service describes one AWS service: its names in requests and its actions. An
// action that is not in Actions is refused with NotImplemented.
type Service struct {
	Name         string // as the SDK's endpoint and signing name have it: "iam"
	Protocol     Protocol
	Version      string    // Query API version, also in the XML namespace: "2010-05-08"
	Namespace    string    // XML namespace of a Query response
	TargetPrefix string    // JSON: the part of X-Amz-Target before the dot: "AWSEvents"
	CBOR         bool      // JSON: clients may also use Smithy RPC v2 with CBOR
	OldQuery     *OldQuery // JSON: older clients use the Query protocol; nil if there are none
	Actions      map[string]Action
	// Source is the file that declares Actions, for errors about a missing declaration.
	Source string
	// Route returns the action of a REST call.
	Route func(*http.Request) string
	// MaxBody is the largest request in bytes; 0 is the server's.
	MaxBody int64
}

// OldQuery translates calls of a JSON service that a client makes with the Query protocol.
type OldQuery struct {
	Namespace string // XML namespace of the response
	// Body returns the parameters as the body of the JSON protocol.
	Body func(*Call) (json.RawMessage, error)
	// Result returns a result that can be written as XML; nil for none.
	Result func(action string, result any) (any, error)
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

	// Authorizer checks one permission of the caller; nil allows everything.
	// The server sets it; services use Authorize.
	Authorizer func(Access) error
}

// Caller is the principal that signed the call. RoleName is empty for the
// account's own (unrestricted) credentials.
type Caller struct {
	AccessKeyID string
	ARN         string // arn:aws:iam::<account>:root or an assumed-role ARN
	RoleName    string // name of the role, for credentials from AssumeRole
	RoleARN     string // of the role, with its path, for credentials from AssumeRole
	RoleID      string // AROA… of the role when the session began
	SessionName string // name of the session, for credentials from AssumeRole
	FunctionARN string // unqualified, for credentials that Lambda issued to a function
}

// PrincipalARN returns the value of aws:PrincipalArn: for a session it is the ARN of the role (IAM User Guide, AWS
// global condition context keys).
func (c Caller) PrincipalARN() string { return cmp.Or(c.RoleARN, c.ARN) }

// Decode reads a JSON call's body into v.
func (c *Call) Decode(v any) error {
	if len(c.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.Body, v); err != nil {
		return Errorf("SerializationException", "read body of %s: %v", c.Action, err)
	}
	return nil
}
