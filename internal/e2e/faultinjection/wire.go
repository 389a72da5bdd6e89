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
	if l.side == Check {
		action += whatOf(r, body)
	}
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
	res, err := l.call(r)
	if (l.side == Stacks || l.side == Check) && writes(action) {
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

// call makes a call. A function that is killed meanwhile does not wait for it.
func (l *line) call(r *http.Request) (*http.Response, error) {
	if l.inv == nil {
		return l.next.RoundTrip(r)
	}
	type answer struct {
		res *http.Response
		err error
	}
	done := make(chan answer, 1)
	go func() {
		res, err := l.next.RoundTrip(r)
		done <- answer{res, err}
	}()
	select {
	case a := <-done:
		return a.res, a.err
	case <-l.inv.killed:
		return nil, errKilled
	}
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

// actionOf names a call as IAM does: "iam:CreateRole". What is put to a response
// URL is "answer".
func actionOf(r *http.Request, body []byte) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(credential, "/")
	if len(parts) < 4 {
		return "answer"
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return parts[3] + ":" + target[strings.LastIndexByte(target, '.')+1:]
	}
	form, _ := url.ParseQuery(string(body)) // the SDK's own
	return parts[3] + ":" + form.Get("Action")
}

// speaksJSON tells whether a service has other codes than the older ones.
func speaksJSON(service string) bool { return service == "events" || service == "ssm" }

// intercept is the server's part: it says a fault as the service would.
func intercept(call *protocol.Call) error {
	service := call.Service
	switch Break(call.HTTP.Header.Get(faultHeader)) {
	case Throttled:
		if speaksJSON(service) {
			return protocol.Errorf("ThrottlingException", "Rate exceeded")
		}
		return protocol.Errorf("Throttling", "Rate exceeded")
	case Denied:
		message := "User: " + call.Caller.ARN + " is not authorized to perform: " + service + ":" + call.Action
		switch {
		case speaksJSON(service):
			return protocol.Errorf("AccessDeniedException", "%s", message)
		case service == "sns":
			return protocol.Errorf("AuthorizationError", "%s", message).WithStatus(http.StatusForbidden)
		}
		return protocol.Errorf("AccessDenied", "%s", message).WithStatus(http.StatusForbidden)
	case Failing:
		return protocol.Errorf("InternalFailure", "An internal error occurred.").WithStatus(http.StatusInternalServerError)
	case NotYet:
		return protocol.Errorf("ValidationError", "Role %s is invalid or cannot be assumed", call.Form.Get("RoleARN"))
	}
	return nil
}
