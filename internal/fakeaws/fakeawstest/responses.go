package fakeawstest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
)

// maxResponse is CloudFormation's limit for a response of a custom resource, in
// bytes (CloudFormation User Guide, "Custom resource response objects").
const maxResponse = 4096

// Responses receives what a function sends to the ResponseURL of a custom
// resource's event, in CloudFormation's place.
type Responses struct {
	URL string // for ResponseURL; anything may be appended

	mu       sync.Mutex
	received []cfn.Response
}

// NewResponses listens until the test ends. A response that is no JSON or longer
// than CloudFormation accepts fails the test.
func NewResponses(t testing.TB) *Responses {
	t.Helper()
	r := &Responses{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Errorf("read the response of a custom resource: %v", err)
		}
		var response cfn.Response
		if err := json.Unmarshal(body, &response); err != nil || len(body) > maxResponse {
			t.Errorf("response of a custom resource: %d bytes, %v: %s", len(body), err, body)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.received = append(r.received, response)
	}))
	t.Cleanup(server.Close)
	r.URL = server.URL + "/"
	return r
}

// Take returns the responses to a request and forgets them.
func (r *Responses) Take(requestID string) []cfn.Response {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []cfn.Response
	r.received = slices.DeleteFunc(r.received, func(response cfn.Response) bool {
		if response.RequestID != requestID {
			return false
		}
		out = append(out, response)
		return true
	})
	return out
}
