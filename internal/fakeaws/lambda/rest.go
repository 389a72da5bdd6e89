package lambda

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"permstack/internal/fakeaws/protocol"
)

// Prefix is the path under which the server mounts Handler.
const Prefix = "/2015-03-31/functions/"

// Handler serves Invoke of the REST API, unsigned calls included. No permissions are
// checked. A name without an ARN is of the account and Region that scope returns.
func (r *Registry) Handler(scope func(*http.Request) (account, region string)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Prefix+"{name}/invocations", func(w http.ResponseWriter, q *http.Request) {
		account, region := scope(q)
		arn := Resolve(account, region, q.PathValue("name"))
		payload, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxSync+1))
		if err != nil {
			writeError(w, protocol.Errorf("RequestEntityTooLargeException", "read payload: %v", err).WithStatus(413))
			return
		}
		switch q.Header.Get("X-Amz-Invocation-Type") {
		case "Event":
			if err := r.InvokeAsync(arn, payload); err != nil {
				writeError(w, err)
				return
			}
			w.WriteHeader(http.StatusAccepted)
		case "DryRun":
			if _, err := r.Get(arn); err != nil {
				writeError(w, err)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		default:
			result, err := r.Invoke(q.Context(), arn, payload)
			if err != nil {
				writeError(w, err)
				return
			}
			w.Header().Set("X-Amz-Executed-Version", "$LATEST")
			if result.FunctionError != "" {
				w.Header().Set("X-Amz-Function-Error", result.FunctionError)
			}
			_, _ = w.Write(result.Payload)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		writeError(w, protocol.NotImplemented("lambda %s %s (here it has Invoke)", q.Method, q.URL.Path))
	})
	return mux
}

func writeError(w http.ResponseWriter, err error) {
	var e *protocol.Error
	if !errors.As(err, &e) {
		e = protocol.Errorf("ServiceException", "%v", err).WithStatus(http.StatusInternalServerError)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.WriteHeader(e.HTTPStatus())
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": "User", "Message": e.Message})
}
