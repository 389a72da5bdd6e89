package faultinjection

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"permstack/internal/awsapi/lambdaenv"
	"permstack/internal/fakeaws/protocol"
)

// faultHeader passes a fault from the transport to the server, which returns it in
// the form of the service.
const faultHeader = "Permstack-Fault"

var (
	errKilled = errors.New("the function was killed")
	errReset  = &url.Error{Op: "read", URL: "aws", Err: syscall.ECONNRESET}
)

// timeoutError is the error of a client that waited for a response in vain.
type timeoutError struct{}

func (timeoutError) Error() string { return "timeout awaiting response" }
func (timeoutError) Timeout() bool { return true }

// faultyTransport makes calls fail. Its invocation is the one that calls; nil for
// CloudFormation's own calls.
type faultyTransport struct {
	env        *environment
	caller     Caller
	invocation *invocation
	next       http.RoundTripper
}

// RoundTrip makes a call or fails it.
func (l *faultyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if l.invocation != nil && l.invocation.isKilled() {
		return nil, errKilled
	}
	action := apiAction(r, body)
	if l.caller == DriftCheck {
		action += requestTarget(r, body)
	}
	failure := l.env.injector.record(l.caller, action)
	switch failure {
	case Throttled, Denied, InternalError, NotAssumable:
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set(faultHeader, string(failure))
	case NoResponse:
		l.env.clock.Advance(lambdaenv.ResponseTimeout)
		return nil, timeoutError{}
	case OutOfTime:
		l.invocation.expire()
		return nil, context.DeadlineExceeded
	case KillBefore:
		l.invocation.kill()
		return nil, errKilled
	case KillDuring:
		if l.caller == StackRole {
			if err := l.killDuringOperation(r.Context()); err != nil {
				return nil, err
			}
			failure = ""
		}
	}
	res, err := l.call(r)
	if (l.caller == StackRole || l.caller == DriftCheck) && isWrite(action) {
		l.env.writes.Add(1)
		l.env.access.checkRoles(action)
	}
	switch failure {
	case ResponseLost:
		return nil, errReset
	case KillAfter, KillDuring:
		l.invocation.kill()
		return nil, errKilled
	}
	return res, err
}

// call makes a call. A function that is killed meanwhile does not wait for it.
func (l *faultyTransport) call(r *http.Request) (*http.Response, error) {
	if l.invocation == nil {
		return l.next.RoundTrip(r)
	}
	type response struct {
		res *http.Response
		err error
	}
	done := make(chan response, 1)
	go func() {
		res, err := l.next.RoundTrip(r)
		done <- response{res, err}
	}()
	select {
	case a := <-done:
		return a.res, a.err
	case <-l.invocation.killed:
		return nil, errKilled
	}
}

// isWrite reports whether an action may change the account.
func isWrite(action string) bool {
	_, verb, _ := strings.Cut(action, ":")
	return !strings.HasPrefix(verb, "Get") && !strings.HasPrefix(verb, "List") && !strings.HasPrefix(verb, "Describe")
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// apiAction returns the IAM action of a call, such as "iam:CreateRole", or
// "response" for a request to a response URL.
func apiAction(r *http.Request, body []byte) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(credential, "/")
	if len(parts) < 4 {
		return "response"
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return parts[3] + ":" + target[strings.LastIndexByte(target, '.')+1:]
	}
	form, _ := url.ParseQuery(string(body)) // written by the SDK
	return parts[3] + ":" + form.Get("Action")
}

// usesJSON reports whether a service uses the JSON protocol, whose error codes
// differ.
func usesJSON(service string) bool { return service == "events" || service == "ssm" }

// intercept is the server's part: it returns a fault as the service would.
func intercept(call *protocol.Call) error {
	service := call.Service
	switch Failure(call.HTTP.Header.Get(faultHeader)) {
	case Throttled:
		if usesJSON(service) {
			return protocol.Errorf("ThrottlingException", "Rate exceeded")
		}
		return protocol.Errorf("Throttling", "Rate exceeded")
	case Denied:
		message := "User: " + call.Caller.ARN + " is not authorized to perform: " + service + ":" + call.Action
		switch {
		case usesJSON(service):
			return protocol.Errorf("AccessDeniedException", "%s", message)
		case service == "sns":
			return protocol.Errorf("AuthorizationError", "%s", message).WithStatus(http.StatusForbidden)
		}
		return protocol.Errorf("AccessDenied", "%s", message).WithStatus(http.StatusForbidden)
	case InternalError:
		return protocol.Errorf("InternalFailure", "An internal error occurred.").
			WithStatus(http.StatusInternalServerError)
	case NotAssumable:
		return protocol.Errorf("ValidationError", "Role %s is invalid or cannot be assumed", call.Form.Get("RoleARN"))
	}
	return nil
}
