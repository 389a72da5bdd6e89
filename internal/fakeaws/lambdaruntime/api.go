package lambdaruntime

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"permstack/internal/fakeaws/protocol"
)

// maxPayload is the largest response of a synchronous invocation in bytes, a
// little over 6 MB. Source: Lambda quotas; the error that Lambda sends names
// 6291556 bytes.
const maxPayload = 6_291_556

const unhandled = "Unhandled"

type response struct {
	payload       []byte
	functionError string
}

type invocation struct {
	id       string
	payload  []byte
	response chan response // has room for one
}

func newInvocation(payload []byte) *invocation {
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	return &invocation{id: protocol.NewUUID(), payload: payload, response: make(chan response, 1)}
}

// errorPayload returns the JSON that callers of a failed function receive.
func errorPayload(kind, message string) []byte {
	b, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	return b
}

// api serves the Runtime API to one process.
func (p *process) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", p.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", p.failure)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", p.initFailure)
	return mux
}

func (p *process) next(w http.ResponseWriter, r *http.Request) {
	var inv *invocation
	select {
	case inv = <-p.invocations:
	case <-p.done:
		return
	case <-r.Context().Done():
		return
	}
	p.mu.Lock()
	p.current = inv
	p.mu.Unlock()
	h := w.Header()
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(p.config.Clock().Add(p.config.Timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", p.config.FunctionARN)
	h.Set("Content-Type", "application/json")
	_, _ = w.Write(inv.payload)
}

// takeInvocation ends and returns the current invocation, or returns nil if it
// has another id.
func (p *process) takeInvocation(id string) *invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil || p.current.id != id {
		return nil
	}
	inv := p.current
	p.current = nil
	return inv
}

func (p *process) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	inv := p.takeInvocation(r.PathValue("id"))
	if inv == nil {
		writeError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	a := response{payload: body}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		a = response{
			errorPayload("Function.ResponseSizeTooLarge",
				fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload)),
			unhandled,
		}
	case err != nil:
		a = response{errorPayload("Runtime.TruncatedResponse", err.Error()), unhandled}
	case r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "":
		payload, _ := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		a = response{payload, unhandled}
	}
	inv.response <- a
	writeAccepted(w)
}

func (p *process) failure(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	inv := p.takeInvocation(r.PathValue("id"))
	if inv == nil {
		writeError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	inv.response <- response{body, unhandled}
	writeAccepted(w)
}

func (p *process) initFailure(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	select {
	case p.initError <- body:
	default:
	}
	writeAccepted(w)
}

func writeAccepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func writeError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(errorPayload(kind, message))
}
