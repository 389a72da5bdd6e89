package customresource

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

// FuzzEvent checks that no payload causes a panic, and that an event with a
// response URL gets exactly one response: within the limits, for that event,
// without the secret.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"RequestType":"Create","StackId":"s","LogicalResourceId":"l",`+
		`"ResourceProperties":{"ExternalId":"`+externalID+`"}}`), false)
	f.Add([]byte(`{"RequestType":"Delete","PhysicalResourceId":"p","ResourceProperties":[]}`), true)
	f.Add([]byte(`{"RequestType":7,"ResponseURL":null}`), true)
	f.Add([]byte(`[{"RequestType":"Update"}]`), false)
	f.Add([]byte("{\"LogicalResourceId\":\"\\u0000\\ud800\",\"StackId\":\"\xff\"}"), true)
	var mu sync.Mutex
	var bodies [][]byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, body)
	}))
	f.Cleanup(server.Close)
	f.Fuzz(func(t *testing.T, payload []byte, fails bool) {
		var event map[string]any
		if json.Unmarshal(payload, &event) != nil || event == nil || len(payload) > 2000 {
			return
		}
		for name := range event { // encoding/json matches names case-insensitively
			if strings.EqualFold(name, "ResponseURL") {
				delete(event, name)
			}
		}
		event["ResponseURL"] = server.URL + "/x?X-Amz-Signature=0123456789abcdef"
		data, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		function := &Function{
			Handle: func(_ context.Context, _ *slog.Logger, e cfn.Event) (Result, error) {
				if fails {
					return Result{}, errors.New("failed with " + externalID + string(payload))
				}
				return Result{Data: e.ResourceProperties}, nil
			},
			Secrets: func(cfn.Event) []string { return []string{externalID} },
			Sender:  Sender{FirstPause: time.Millisecond, TryTimeout: time.Second, TotalTimeout: 3 * time.Second},
		}
		mu.Lock()
		bodies = nil
		mu.Unlock()
		if _, err := function.Invoke(t.Context(), data); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(bodies) != 1 || len(bodies[0]) > maxBody {
			t.Fatalf("got %d responses to %s", len(bodies), data)
		}
		var response cfn.Response
		if err := json.Unmarshal(bodies[0], &response); err != nil {
			t.Fatalf("%s: %v", bodies[0], err)
		}
		if response.Status == cfn.StatusFailed && (response.Reason == "" || strings.Contains(response.Reason, externalID)) {
			t.Errorf("reason %q", response.Reason)
		}
		if id, ok := event["RequestId"].(string); ok && len(event) == 2 &&
			response.RequestID != strings.ToValidUTF8(id, "\uFFFD") {
			t.Errorf("got a response to %q, want %q", response.RequestID, id)
		}
	})
}
