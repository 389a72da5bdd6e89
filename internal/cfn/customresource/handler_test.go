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

// inbox is CloudFormation's end: it keeps the answers that it took.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	types  []string
	tries  int
	faults []http.HandlerFunc // one a try, in order
}

func newInbox(t *testing.T, faults ...http.HandlerFunc) *inbox {
	in := &inbox{faults: faults}
	in.Server = httptest.NewServer(in)
	t.Cleanup(in.Close)
	return in
}

func (in *inbox) url() string { return in.URL + "/answers/of-a-stack?X-Amz-Signature=0123456789abcdef" }

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

// response is the one answer that arrived.
func (in *inbox) response(t *testing.T) cfn.Response {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.bodies) != 1 {
		t.Fatalf("%d answers arrived, want 1", len(in.bodies))
	}
	if len(in.bodies[0]) > maxBody {
		t.Errorf("the answer has %d bytes", len(in.bodies[0]))
	}
	if strings.Contains(string(in.bodies[0]), externalID) || strings.Contains(string(in.bodies[0]), "0123456789abcdef") {
		t.Errorf("the answer holds a secret: %s", in.bodies[0])
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
		Sender:     Sender{FirstPause: time.Millisecond, TryTimeout: 200 * time.Millisecond, TotalTimeout: 5 * time.Second},
	}
}

// TestResponses is request type × outcome × physical id.
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
		"error without words": {func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
			return Result{}, errors.New("")
		}, cfn.StatusFailed, "without a reason"},
		"panic": {func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
			panic("nil map, " + externalID)
		}, cfn.StatusFailed, "panic: nil map, [hidden]"},
		"exit": {func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
			runtime.Goexit()
			return Result{}, nil
		}, cfn.StatusFailed, "ended without an answer"},
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
					if got.Status != want.status || got.PhysicalResourceID != id || !strings.Contains(got.Reason, want.reason) {
						t.Errorf("have %+v", got)
					}
					if got.RequestID != "request-1" || got.StackID != stackID || got.LogicalResourceID != "Permissions" {
						t.Errorf("the answer is for another event: %+v", got)
					}
					if hasData := got.Data != nil; hasData != (want.status == cfn.StatusSuccess && request != cfn.RequestDelete) {
						t.Errorf("data: %v", got.Data)
					}
					if in.types[0] != "" {
						t.Errorf("content type %q would break the signature", in.types[0])
					}
					checkNoSecrets(t, logs.String())
				})
			}
		}
	}
}

func checkNoSecrets(t *testing.T, logs string) {
	t.Helper()
	for _, secret := range []string{externalID, "0123456789abcdef", "/answers/of-a-stack"} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log holds %q:\n%s", secret, logs)
		}
	}
}

func fail(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// drop closes the connection without an answer.
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
				t.Fatalf("lost %v, want %v: %v", lost, tc.lost, err)
			}
			if calls != 1 {
				t.Errorf("the work was done %d times", calls)
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
		t.Errorf("have %v", err)
	}
	checkNoSecrets(t, logs.String()+fmt.Sprint(err))
}

// TestDeadline answers in time, whether the handler heeds its context or not.
func TestDeadline(t *testing.T) {
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	for name, wait := range map[string]func(context.Context) error{
		"heeds": func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("it was UPDATE_IN_PROGRESS: %w", ctx.Err())
		},
		"stuck": func(context.Context) error { <-stuck; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInbox(t)
			// A twelfth of it is left between the handler's time and the answer.
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
			defer cancel()
			_, err := function(nil, func(ctx context.Context, _ *slog.Logger, _ cfn.Event) (Result, error) {
				SetActivity(ctx, "waiting for stack parent-access")
				return Result{}, wait(ctx)
			}).Invoke(ctx, payload(t, in, nil))
			if err != nil || ctx.Err() != nil {
				t.Fatalf("%v, %v", err, ctx.Err())
			}
			got := in.response(t)
			if got.Status != cfn.StatusFailed || !strings.Contains(got.Reason, "time is nearly spent while waiting for stack parent-access") {
				t.Errorf("have %+v", got)
			}
			if name == "heeds" && !strings.Contains(got.Reason, "UPDATE_IN_PROGRESS") {
				t.Errorf("the handler's own words are lost: %s", got.Reason)
			}
		})
	}
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
				t.Errorf("only %d of %d bytes are used", size, maxBody)
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
		"too long":  {map[string]any{"Huge": strings.Repeat("x", 5000), "Arn": "a"}, "its data (Arn, Huge) does not fit"},
		"unwritten": {map[string]any{"Odd": make(chan int)}, "write the answer's data"},
	} {
		in := newInbox(t)
		handle := func(context.Context, *slog.Logger, cfn.Event) (Result, error) { return Result{Data: tc.data}, nil }
		if _, err := function(nil, handle).Invoke(t.Context(), payload(t, in, nil)); err != nil {
			t.Fatal(err)
		}
		if got := in.response(t); got.Status != cfn.StatusFailed || !strings.Contains(got.Reason, tc.reason) {
			t.Errorf("%s: have %+v", name, got)
		}
		in = newInbox(t) // Delete sends no data, so nothing fails
		event := payload(t, in, func(e *cfn.Event) { e.RequestType = cfn.RequestDelete })
		if _, err := function(nil, handle).Invoke(t.Context(), event); err != nil || in.response(t).Status != cfn.StatusSuccess {
			t.Errorf("%s: Delete: %v, %+v", name, err, in.response(t))
		}
	}
}

// TestMalformedEvents answers whoever can be answered.
func TestMalformedEvents(t *testing.T) {
	never := func(context.Context, *slog.Logger, cfn.Event) (Result, error) {
		t.Error("the handler ran")
		return Result{}, nil
	}
	for name, tc := range map[string]struct {
		edit   map[string]any
		reason string
	}{
		"request type":        {map[string]any{"RequestType": "Renew"}, `request type "Renew"`},
		"properties a string": {map[string]any{"ResourceProperties": "x"}, "ResourceProperties cannot be a string"},
	} {
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
		if got := in.response(t); got.Status != cfn.StatusFailed || !strings.Contains(got.Reason, tc.reason) || got.StackID != stackID {
			t.Errorf("%s: have %+v", name, got)
		}
	}
	for _, event := range []string{`{}`, `[]`, `nonsense`, ``} {
		if _, err := function(nil, never).Invoke(t.Context(), []byte(event)); err == nil {
			t.Errorf("event %s: no error", event)
		}
	}
}
