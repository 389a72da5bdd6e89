package faults

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"permstack/internal/lambdaenv"
	"permstack/internal/localaws/wire"
)

// faultHeader carries a fault from the wire to the server, which knows in what
// form each service says it.
const faultHeader = "Permstack-Fault"

var (
	errKilled = errors.New("the function was killed")
	errReset  = &url.Error{Op: "read", URL: "aws", Err: syscall.ECONNRESET}
)

// silentError is what a client says that waited in vain.
type silentError struct{}

func (silentError) Error() string { return "timeout awaiting response" }
func (silentError) Timeout() bool { return true }

// line is a wire on which calls break. inv is the invocation that calls; nil for
// CloudFormation's own calls.
type line struct {
	w    *world
	side Side
	inv  *invocation
	next http.RoundTripper
}

// RoundTrip makes a call, or breaks it.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if l.inv != nil && l.inv.dead() {
		return nil, errKilled
	}
	action := actionOf(r, body)
	doomed := l.w.tape.next(l.side, action)
	switch doomed {
	case Throttled, Denied, Failing, NotYet:
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set(faultHeader, string(doomed))
	case Silent:
		l.w.clock.Advance(lambdaenv.Silence)
		return nil, silentError{}
	case Expired:
		l.inv.expire()
		return nil, context.DeadlineExceeded
	case Kill:
		l.inv.kill()
		return nil, errKilled
	case KillSoon:
		if l.side == Stacks {
			if err := l.holdUp(r.Context()); err != nil {
				return nil, err
			}
			doomed = ""
		}
	}
	res, err := l.next.RoundTrip(r)
	if l.side == Stacks && writes(action) {
		l.w.writes.Add(1)
		l.w.guard.look(action)
	}
	switch doomed {
	case Lost:
		return nil, errReset
	case KillAfter, KillSoon:
		l.inv.kill()
		return nil, errKilled
	}
	return res, err
}

// writes tells whether a call of CloudFormation may change the account.
func writes(action string) bool {
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

// actionOf names a call as IAM does: "iam:CreateRole".
func actionOf(r *http.Request, body []byte) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return "events:" + target[strings.LastIndexByte(target, '.')+1:]
	}
	form, _ := url.ParseQuery(string(body))
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	service := "answer"
	if parts := strings.Split(credential, "/"); len(parts) > 3 {
		service = parts[3]
	}
	if action := form.Get("Action"); action != "" {
		return service + ":" + action
	}
	return service
}

// intercept is the server's part: it says a fault as the service would.
func intercept(call *wire.Call) error {
	service := call.Service
	switch Break(call.HTTP.Header.Get(faultHeader)) {
	case Throttled:
		if service == "events" {
			return wire.Errorf("ThrottlingException", "Rate exceeded")
		}
		return wire.Errorf("Throttling", "Rate exceeded")
	case Denied:
		message := "User: " + call.Caller.ARN + " is not authorized to perform: " + service + ":" + call.Action
		switch service {
		case "events":
			return wire.Errorf("AccessDeniedException", "%s", message)
		case "sns":
			return wire.Errorf("AuthorizationError", "%s", message).WithStatus(http.StatusForbidden)
		}
		return wire.Errorf("AccessDenied", "%s", message).WithStatus(http.StatusForbidden)
	case Failing:
		return wire.Errorf("InternalFailure", "An internal error occurred.").WithStatus(http.StatusInternalServerError)
	case NotYet:
		return wire.Errorf("ValidationError", "Role %s is invalid or cannot be assumed", call.Form.Get("RoleARN"))
	}
	return nil
}
