package customresource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

// responseTransport records when responses are sent, on the bubble's fake clock.
type responseTransport struct {
	err    error // of every attempt
	bodies [][]byte
	times  []time.Time
}

func (r *responseTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.bodies, r.times = append(r.bodies, body), append(r.times, time.Now())
	if r.err != nil {
		return nil, r.err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}, Request: request}, nil
}

func invokeWithin(t *testing.T, limit time.Duration, f *Function, to *responseTransport) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	f.Sender = Sender{Client: &http.Client{Transport: to}}
	const event = `{"RequestType":"Create","StackId":"s","LogicalResourceId":"l","ResponseURL":"https://h/"}`
	_, err := f.Invoke(ctx, []byte(event))
	return err
}

// TestReserve checks that the handler's context ends before the function's
// deadline, so that time remains for the response.
func TestReserve(t *testing.T) {
	for _, tc := range []struct {
		limit, reserve, want time.Duration
	}{
		{limit: 15 * time.Minute, want: 20 * time.Second},
		{limit: time.Minute, want: 20 * time.Second},
		{limit: 30 * time.Second, want: 10 * time.Second}, // a third
		{limit: time.Minute, reserve: 5 * time.Second, want: 5 * time.Second},
	} {
		t.Run(fmt.Sprint(tc.limit, "/", tc.reserve), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				deadline := time.Now().Add(tc.limit)
				var got time.Duration
				f := &Function{Reserve: tc.reserve, Handle: func(ctx context.Context, _ *slog.Logger, _ cfn.Event) (Result, error) {
					end, _ := ctx.Deadline()
					got = deadline.Sub(end)
					return Result{}, nil
				}}
				if err := invokeWithin(t, tc.limit, f, &responseTransport{}); err != nil {
					t.Fatal(err)
				}
				if got != tc.want {
					t.Errorf("the handler's context ends %v before the deadline, want %v", got, tc.want)
				}
			})
		})
	}
}

// TestDeadline checks that CloudFormation receives a response before the
// function's deadline, whether the handler observes its context or not.
func TestDeadline(t *testing.T) {
	const limit = 15 * time.Minute
	for name, tc := range map[string]struct {
		stuck  bool
		reason string        // in addition to the activity
		sent   time.Duration // before the deadline
	}{
		"observes its context": {false, "it was UPDATE_IN_PROGRESS: context deadline exceeded", 20 * time.Second},
		"stuck":                {true, "", 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				deadline := time.Now().Add(limit)
				release := make(chan struct{})
				f := &Function{Handle: func(ctx context.Context, _ *slog.Logger, _ cfn.Event) (Result, error) {
					SetActivity(ctx, "waiting for stack parent-access")
					if tc.stuck {
						<-release
						return Result{}, nil
					}
					<-ctx.Done()
					return Result{}, fmt.Errorf("it was UPDATE_IN_PROGRESS: %w", ctx.Err())
				}}
				var to responseTransport
				err := invokeWithin(t, limit, f, &to)
				close(release)
				if err != nil || len(to.bodies) != 1 {
					t.Fatalf("got %d responses, %v", len(to.bodies), err)
				}
				var got cfn.Response
				if err := json.NewDecoder(bytes.NewReader(to.bodies[0])).Decode(&got); err != nil {
					t.Fatal(err)
				}
				const activity = "the function's time ran out while waiting for stack parent-access"
				if got.Status != cfn.StatusFailed || !strings.HasPrefix(got.Reason, activity) ||
					!strings.HasSuffix(got.Reason, tc.reason) {
					t.Errorf("got %s %q, want FAILED with %q … %q", got.Status, got.Reason, activity, tc.reason)
				}
				if before := deadline.Sub(to.times[0]); before != tc.sent {
					t.Errorf("the response was sent %v before the deadline, want %v", before, tc.sent)
				}
			})
		})
	}
}

// TestSenderStopsBeforeDeadline checks that a response that cannot be delivered is
// given up one second before the deadline, so that the failure can be logged.
func TestSenderStopsBeforeDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		f := &Function{Handle: func(context.Context, *slog.Logger, cfn.Event) (Result, error) { return Result{}, nil }}
		to := responseTransport{err: errors.New("connection refused")}
		err := invokeWithin(t, time.Minute, f, &to)
		if err == nil || !strings.Contains(err.Error(), "gave up after") {
			t.Errorf("got error %v, want one with the number of attempts", err)
		}
		if took := time.Since(began); took != 59*time.Second {
			t.Errorf("the last attempt ended after %v, want 59s", took)
		}
	})
}
