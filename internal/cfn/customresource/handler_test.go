package customresource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

const (
	stackID    = "arn:aws:cloudformation:us-east-1:123456789012:stack/parent/11111111-2222-3333-4444-555555555555"
	externalID = "7b0c9a52-the-external-id"
)

// inbox is the response URL: it records the responses that it accepts.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	types  []string
	tries  int
	faults []http.HandlerFunc // one for each attempt, in order
}

func newInbox(t *testing.T, faults ...http.HandlerFunc) *inbox {
	in := &inbox{faults: faults}
	in.Server = httptest.NewServer(in)
	t.Cleanup(in.Close)
	return in
}

func (in *inbox) url() string {
	return in.URL + "/responses/of-a-stack?X-Amz-Signature=0123456789abcdef"
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	in.mu.Lock()
	in.types = append(in.types, strings.Join(r.Header["Content-Type"], ","))
	if in.tries++; in.tries <= len(in.faults) {
		fault := in.faults[in.tries-1]
		in.mu.Unlock()
		fault(w, r)
		return
	}
	defer in.mu.Unlock()
	in.bodies = append(in.bodies, body)
}

// response returns the only response that was received.
func (in *inbox) response(t *testing.T) cfn.Response {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.bodies) != 1 {
		t.Fatalf("got %d responses, want 1", len(in.bodies))
	}
	if len(in.bodies[0]) > maxBody {
		t.Errorf("the response has %d bytes", len(in.bodies[0]))
	}
	if strings.Contains(string(in.bodies[0]), externalID) ||
		strings.Contains(string(in.bodies[0]), "0123456789abcdef") {
		t.Errorf("the response contains a secret: %s", in.bodies[0])
	}
	var out cfn.Response
	if err := json.Unmarshal(in.bodies[0], &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func payload(t *testing.T, in *inbox, edit func(*cfn.Event)) []byte {
	t.Helper()
	event := cfn.Event{
		RequestType: cfn.RequestCreate, RequestID: "request-1", ResponseURL: in.url(),
		ResourceType: "Custom::Permissions", LogicalResourceID: "Permissions", StackID: stackID,
		ResourceProperties: map[string]any{"ExternalId": externalID},
	}
	if edit != nil {
		edit(&event)
	}
	data, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func function(logs io.Writer, handle Handle) *Function {
	return &Function{
		Handle:     handle,
		Log:        logs,
		PhysicalID: func(e cfn.Event) string { return "made-for-" + e.LogicalResourceID },
		Secrets:    func(e cfn.Event) []string { return []string{fmt.Sprint(e.ResourceProperties["ExternalId"])} },
		Sender: Sender{
			FirstPause:   time.Millisecond,
			TryTimeout:   200 * time.Millisecond,
			TotalTimeout: 5 * time.Second,
		},
	}
}

// TestResponses covers request type × outcome × physical id.
func TestResponses(t *testing.T) {
	outcomes := map[string]struct {
		handle Handle
		status cfn.StatusType
		reason string
	}{
		"success": {func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
			return Result{Data: map[string]any{"RoleArn": "arn"}}, nil
		}, cfn.StatusSuccess, ""},
		"error": {func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
			return Result{}, errors.New("create role x: denied")
		}, cfn.StatusFailed, "create role x: denied"},
		"error without text": {func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
			return Result{}, errors.New("")
		}, cfn.StatusFailed, "without a reason"},
		"panic": {func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
			panic("nil map, " + externalID)
		}, cfn.StatusFailed, "panic: nil map, [hidden]"},
		"exit": {func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
			runtime.Goexit()
			return Result{}, nil
		}, cfn.StatusFailed, "ended without a result"},
		"secret in an error": {func(_ context.Context, _ *slog.Logger, e cfn.Event) (Result, error) {
			return Result{}, fmt.Errorf("put %q with %q: %w", e.ResponseURL, externalID, errors.New("x"))
		}, cfn.StatusFailed, `put "[hidden]" with "[hidden]": x`},
	}
	for _, request := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete} {
		for name, want := range outcomes {
			for _, physical := range []string{"", "older-id"} {
				t.Run(fmt.Sprint(request, "/", name, "/", physical), func(t *testing.T) {
					in := newInbox(t)
					var logs bytes.Buffer
					_, err := function(&logs, want.handle).Invoke(t.Context(), payload(t, in, func(e *cfn.Event) {
						e.RequestType, e.PhysicalResourceID = request, physical
					}))
					if err != nil {
						t.Fatal(err)
					}
					got := in.response(t)
					id := physical
					if id == "" {
						id = "made-for-Permissions"
					}
					if got.Status != want.status || got.PhysicalResourceID != id ||
						!strings.Contains(got.Reason, want.reason) {
						t.Errorf("got %+v", got)
					}
					if got.RequestID != "request-1" || got.StackID != stackID ||
						got.LogicalResourceID != "Permissions" {
						t.Errorf("the response is for another event: %+v", got)
					}
					if hasData := got.Data != nil; hasData != (want.status == cfn.StatusSuccess && request != cfn.RequestDelete) {
						t.Errorf("data: %v", got.Data)
					}
					if in.types[0] != "" {
						t.Errorf("content type %q would invalidate the signature", in.types[0])
					}
					checkNoSecrets(t, logs.String())
				})
			}
		}
	}
}

func checkNoSecrets(t *testing.T, logs string) {
	t.Helper()
	for _, secret := range []string{externalID, "0123456789abcdef", "/responses/of-a-stack"} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log contains %q:\n%s", secret, logs)
		}
	}
}

func fail(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// drop closes the connection without a response.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestResponseDelivery(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	redirect := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(302)
	}
	for name, tc := range map[string]struct {
		faults []http.HandlerFunc
		lost   bool
	}{
		"500, then taken":     {[]http.HandlerFunc{fail(500), fail(503)}, false},
		"dropped, then taken": {[]http.HandlerFunc{drop, drop}, false},
		"400, then taken":     {[]http.HandlerFunc{fail(400)}, false},
		"302, then taken":     {[]http.HandlerFunc{redirect}, false},
		"403 for good":        {[]http.HandlerFunc{fail(403), fail(403), fail(403)}, true},
		"hanging, then taken": {[]http.HandlerFunc{hang}, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbox(t, tc.faults...)
			var logs bytes.Buffer
			calls := 0
			_, err := function(&logs, func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
				calls++
				return Result{}, nil
			}).Invoke(t.Context(), payload(t, in, nil))
			if lost := err != nil; lost != tc.lost {
				t.Fatalf("got lost %v, want %v: %v", lost, tc.lost, err)
			}
			if calls != 1 {
				t.Errorf("the handler was called %d times", calls)
			}
			if !tc.lost {
				in.response(t)
			}
			checkNoSecrets(t, logs.String()+fmt.Sprint(err))
		})
	}
}

func TestUnreachableInbox(t *testing.T) {
	in := newInbox(t)
	event := payload(t, in, nil)
	in.Close()
	var logs bytes.Buffer
	f := function(&logs, func(context.Context, *slog.Logger, cfn.Event) (Result, error) { return Result{}, nil })
	f.Sender.TotalTimeout = 20 * time.Millisecond
	_, err := f.Invoke(t.Context(), event)
	if err == nil || !strings.Contains(err.Error(), "gave up after") {
		t.Errorf("got %v", err)
	}
	checkNoSecrets(t, logs.String()+fmt.Sprint(err))
}

func TestLongReasonKeepsBothEnds(t *testing.T) {
	for name, filler := range map[string]string{"letters": "x", "escapes": "\x01\"<", "runes": "é漢"} {
		t.Run(name, func(t *testing.T) {
			in := newInbox(t)
			long := "create role R: " + strings.Repeat(filler, 4000) + ": access denied"
			_, err := function(nil, func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
				return Result{}, errors.New(long)
			}).Invoke(t.Context(), payload(t, in, nil))
			if err != nil {
				t.Fatal(err)
			}
			got := in.response(t)
			if !strings.HasPrefix(got.Reason, "create role R: ") || !strings.HasSuffix(got.Reason, ": access denied") {
				t.Errorf("reason %.40s … %s", got.Reason, got.Reason[len(got.Reason)-20:])
			}
			if size := len(in.bodies[0]); size < maxBody-32 {
				t.Errorf("got %d bytes, want nearly %d", size, maxBody)
			}
			if strings.ContainsRune(got.Reason, '\uFFFD') {
				t.Error("a character was cut in two")
			}
		})
	}
}

func TestDataThatDoesNotFit(t *testing.T) {
	for name, tc := range map[string]struct {
		data   map[string]any
		reason string
	}{
		"too long":      {map[string]any{"Huge": strings.Repeat("x", 5000), "Arn": "a"}, "its data (Arn, Huge) does not fit"},
		"not encodable": {map[string]any{"Odd": make(chan int)}, "encode the data of the response"},
	} {
		handle := func(context.Context, *slog.Logger, cfn.Event) (Result, error) { return Result{Data: tc.data}, nil }
		t.Run(name, func(t *testing.T) {
			in := newInbox(t)
			if _, err := function(nil, handle).Invoke(t.Context(), payload(t, in, nil)); err != nil {
				t.Fatal(err)
			}
			if got := in.response(t); got.Status != cfn.StatusFailed || !strings.Contains(got.Reason, tc.reason) {
				t.Errorf("got %+v, want FAILED with %q", got, tc.reason)
			}
		})
		t.Run(name+"/Delete", func(t *testing.T) { // Delete sends no data, so nothing fails
			in := newInbox(t)
			event := payload(t, in, func(e *cfn.Event) { e.RequestType = cfn.RequestDelete })
			if _, err := function(nil, handle).Invoke(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			if got := in.response(t); got.Status != cfn.StatusSuccess {
				t.Errorf("got %+v, want SUCCESS", got)
			}
		})
	}
}

// TestMalformedEvents checks that every event with a response URL gets a response,
// and that the handler is not called for it.
func TestMalformedEvents(t *testing.T) {
	never := func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
		t.Error("the handler was called")
		return Result{}, nil
	}
	for name, tc := range map[string]struct {
		edit   map[string]any
		reason string
	}{
		"request type":        {map[string]any{"RequestType": "Renew"}, `request type "Renew"`},
		"properties a string": {map[string]any{"ResourceProperties": "x"}, "ResourceProperties cannot be a string"},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbox(t)
			event := map[string]any{}
			if err := json.Unmarshal(payload(t, in, nil), &event); err != nil {
				t.Fatal(err)
			}
			maps.Copy(event, tc.edit)
			data, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := function(nil, never).Invoke(t.Context(), data); err != nil {
				t.Fatal(err)
			}
			got := in.response(t)
			if got.Status != cfn.StatusFailed || !strings.Contains(got.Reason, tc.reason) || got.StackID != stackID {
				t.Errorf("got %+v, want FAILED with %q", got, tc.reason)
			}
		})
	}
	for _, event := range []string{`{}`, `[]`, `nonsense`, ``} {
		t.Run("without a response URL "+event, func(t *testing.T) {
			if _, err := function(nil, never).Invoke(t.Context(), []byte(event)); err == nil {
				t.Error("got no error")
			}
		})
	}
}
