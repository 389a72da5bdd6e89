package cloudformation

import (
	"io"
	"net/http"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// ResponsePrefix is the path of ResponseHandler, to which functions send the
// responses of custom resources.
const ResponsePrefix = "/cloudformation-custom-resource-response/"

// callback is one expected response. The token in its URL accepts one PUT.
type callback struct {
	token string
	body  chan []byte
}

// newCallback adds a callback and sets the ResponseURL of a request.
func (e *Engine) newCallback(ev *customEvent) *callback {
	cb := &callback{token: protocol.NewUUID(), body: make(chan []byte, 1)}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.callbacks[cb.token] = cb
	ev.ResponseURL = strings.TrimSuffix(e.d.Endpoint(), "/") + ResponsePrefix + cb.token
	return cb
}

func (e *Engine) dropCallback(cb *callback) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.callbacks, cb.token)
}

// ResponseHandler receives the responses of custom resources. Like S3 with a
// presigned URL, it accepts the first PUT and refuses others.
func (e *Engine) ResponseHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			http.Error(w, "only PUT is served here", http.StatusMethodNotAllowed)
			return
		}
		token := strings.TrimPrefix(r.URL.Path, ResponsePrefix)
		body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if e.receiveSignal(w, token, body) {
			return
		}
		e.mu.Lock()
		cb := e.callbacks[token]
		delete(e.callbacks, token)
		e.mu.Unlock()
		if cb == nil {
			e.d.Logger.Warn("unexpected response to a custom resource request", "body", string(body))
			http.Error(w, "Request has expired", http.StatusForbidden)
			return
		}
		cb.body <- body
	})
}
