package fakeaws

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"sort"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// maxBody is the largest request in bytes. The largest requests of SDK clients
// to these services are SNS messages and templates of 51,200 bytes,
// form-encoded; 2 MiB is ample.
const maxBody = 2 << 20

// serve handles one request: a mounted path or an API call.
func (c *Cloud) serve(w http.ResponseWriter, r *http.Request) {
	if h := c.mounted(r.URL.Path); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Date", c.clock().UTC().Format(http.TimeFormat)) // clients correct their clocks by it
	requestID := protocol.NewUUID()
	call, format, err := c.decode(w, r, requestID)
	var result any
	if err == nil {
		result, err = c.run(r, call)
	}
	c.calls.add(c.clock(), call, err)
	c.logCall(call, err)
	c.trail(call, err)
	if err != nil {
		format.writeError(w, requestID, protocol.AsError(err))
		return
	}
	format.writeResult(w, requestID, call.Action, result)
}

// decode parses the request into a call. The format is always valid, for sending
// the error.
func (c *Cloud) decode(w http.ResponseWriter, r *http.Request, requestID string) (*protocol.Call, format, error) {
	call := &protocol.Call{RequestID: requestID, HTTP: r}
	query := r.URL.Query()
	most := c.bodyLimit(r, query)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	form, formErr := query, error(nil)
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if contentType == "application/x-www-form-urlencoded" {
		var posted url.Values
		posted, formErr = url.ParseQuery(string(body))
		for k, v := range posted {
			form[k] = v
		}
	}
	format := clientFormat(r, contentType)

	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return call, format, protocol.Errorf("RequestEntityTooLarge", "the request has more than %d bytes", most).
			WithStatus(http.StatusRequestEntityTooLarge)
	}
	if err != nil {
		return call, format, protocol.Errorf("IncompleteBody", "read request: %v", err)
	}
	s, scopeErr := readScope(r, query)
	if scopeErr != nil {
		return call, format, scopeErr
	}
	if formErr != nil {
		return call, format, protocol.Errorf("MalformedQueryString", "read request: %v", formErr)
	}
	call.Service, call.Region, call.Partition = s.service, s.region, protocol.Partition(s.region)
	call.Form, call.Body = form, body

	service, ok := c.service(s.service)
	call.Action = requestAction(r, form)
	if !ok {
		format.service = s.service
		return call, format, protocol.NotImplemented("%s:%s (it has the services: %s)",
			s.service, call.Action, strings.Join(c.serviceNames(), ", "))
	}
	format = serviceFormat(service)
	if service.Protocol == protocol.REST || service.Protocol == protocol.RESTJSON {
		call.Action = service.Route(r)
	}
	var callerErr *protocol.Error
	if call.Caller, call.Account, callerErr = c.caller(s); callerErr != nil {
		return call, format, callerErr
	}
	if service.CBOR && isRPC(r) {
		format.dialect = cborRPC
		if call.Body, err = jsonFromCBOR(body); err != nil {
			return call, format, protocol.Errorf("SerializationException", "read body of %s: %v", call.Action, err)
		}
		return call, format, nil
	}
	if old := service.OldQuery; old != nil && r.Header.Get("X-Amz-Target") == "" && form.Has("Action") {
		format.dialect, format.namespace, format.query = queryXML, old.Namespace, old
		call.Body, err = old.Body(call)
		return call, format, err
	}
	if service.Protocol == protocol.JSON {
		// Botocore has a Java package before CloudTrail's prefix, other SDKs do not.
		prefix, action, found := cutLast(r.Header.Get("X-Amz-Target"))
		if !found || prefix != service.TargetPrefix && !strings.HasSuffix(prefix, "."+service.TargetPrefix) {
			return call, format, protocol.Errorf("UnknownOperationException",
				"X-Amz-Target %q does not name an operation of %s", r.Header.Get("X-Amz-Target"), service.Name)
		}
		call.Action = action
	}
	return call, format, nil
}

// cutLast cuts a text at its last dot.
func cutLast(text string) (before, after string, found bool) {
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// bodyLimit returns the largest request in bytes that the service accepts.
func (c *Cloud) bodyLimit(r *http.Request, query url.Values) int64 {
	if s, err := readScope(r, query); err == nil {
		if service, ok := c.service(s.service); ok && service.MaxBody > 0 {
			return service.MaxBody
		}
	}
	return maxBody
}

// run executes a decoded call. A panic in a handler becomes InternalFailure and
// is logged with its stack.
func (c *Cloud) run(r *http.Request, call *protocol.Call) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("handler panicked", "call", call.Service+":"+call.Action, "panic", fmt.Sprint(p), "stack",
				string(debug.Stack()))
			result, err = nil, protocol.InternalFailure("panic in %s:%s: %v", call.Service, call.Action, p)
		}
	}()
	service, _ := c.service(call.Service)
	action, ok := service.Actions[call.Action]
	if !ok {
		return nil, protocol.NotImplemented("%s:%s (it has: %s)",
			call.Service, call.Action, strings.Join(actionNames(service), ", "))
	}
	if f := c.intercept.Load(); f != nil {
		if err := (*f)(call); err != nil {
			return nil, err
		}
	}
	if err := c.authorize(service, action, call); err != nil {
		return nil, err
	}
	return action.Handle(r.Context(), call)
}

func (c *Cloud) logCall(call *protocol.Call, err error) {
	level, attrs := slog.LevelDebug, []any{
		"call",
		call.Service + ":" + call.Action,
		"account",
		call.Account,
		"region",
		call.Region,
		"caller",
		call.Caller.ARN,
	}
	if err != nil {
		level, attrs = slog.LevelInfo, append(attrs, "error", err.Error())
	}
	c.log.Log(call.HTTP.Context(), level, "aws call", attrs...)
}

// requestAction returns the name of the action, in whatever place the client's
// protocol has it.
func requestAction(r *http.Request, form url.Values) string {
	if a := form.Get("Action"); a != "" {
		return a
	}
	if _, a, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return a
	}
	if _, a, ok := strings.Cut(r.URL.Path, "/operation/"); ok { // Smithy RPC v2
		return a
	}
	return r.Method + " " + r.URL.Path
}

func actionNames(s protocol.Service) []string {
	names := make([]string, 0, len(s.Actions))
	for n := range s.Actions {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
