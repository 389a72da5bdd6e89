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

// FuzzEvent: whatever arrives as an event, there is no panic and at most one
// response; an event that says where to answer gets exactly one, within the limits,
// for the event that it was, without the secret.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"RequestType":"Create","StackId":"s","LogicalResourceId":"l","ResourceProperties":{"ExternalId":"`+externalID+`"}}`), false)
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
		for name := range event { // encoding/json reads names without regard to case
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
					return Result{}, errors.New("it failed with " + externalID + string(payload))
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
			t.Fatalf("%d answers to %s", len(bodies), data)
		}
		var answer cfn.Response
		if err := json.Unmarshal(bodies[0], &answer); err != nil {
			t.Fatalf("%s: %v", bodies[0], err)
		}
		if answer.Status == cfn.StatusFailed && (answer.Reason == "" || strings.Contains(answer.Reason, externalID)) {
			t.Errorf("reason %q", answer.Reason)
		}
		if id, ok := event["RequestId"].(string); ok && len(event) == 2 && answer.RequestID != strings.ToValidUTF8(id, "\uFFFD") {
			t.Errorf("answers %q, not %q", answer.RequestID, id)
		}
	})
}
