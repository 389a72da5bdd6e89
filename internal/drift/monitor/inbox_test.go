package monitor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/drift/changeevent"
	"permstack/internal/drift/monitor"
	"permstack/internal/fakeaws"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// lossyClient loses the first response that has messages of a run: those hidden for longer than a second.
type lossyClient struct {
	aws.HTTPClient
	lost bool
}

func (c *lossyClient) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	response, err := c.HTTPClient.Do(r)
	if err == nil && !c.lost && strings.Contains(string(body), `"VisibilityTimeout":50`) {
		c.lost = true
		return nil, &connectionLostError{}
	}
	return response, err
}

// connectionLostError is an error that the SDK retries.
type connectionLostError struct{}

func (*connectionLostError) Error() string         { return "connection reset" }
func (*connectionLostError) ConnectionError() bool { return true }

// TestLostResponse checks that events whose response from SQS was lost are reported by the same invocation, when
// the queue shows them again.
func TestLostResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // SQS waits for messages
		b := newEnvironment(t)
		b.cloud = fakeaws.New(fakeaws.Options{Clock: func() time.Time { return b.now }})
		cfg := b.cloud.Config("123456789012", "eu-central-1")
		queue, err := sqs.NewFromConfig(cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("events")})
		if err != nil {
			t.Fatal(err)
		}
		client := &lossyClient{HTTPClient: cfg.HTTPClient}
		cfg.HTTPClient = client
		b.run.Inbox = &monitor.Inbox{Client: sqs.NewFromConfig(cfg), QueueURL: *queue.QueueUrl}
		b.run.Sleep = func(_ context.Context, d time.Duration) error {
			b.now = b.now.Add(d)
			return nil
		}
		reported := map[string]bool{}
		b.run.Check = func(
			_ context.Context, _ notify.State, events []changeevent.Event, _ bool,
		) (finding.Report, error) {
			for _, e := range events {
				reported[e.Call.ID] = true
			}
			return b.report, nil
		}
		event := `{"detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":{"eventID":"%d",` +
			`"eventSource":"iam.amazonaws.com","eventName":"AttachRolePolicy","requestParameters":{"roleName":"r"}}}`
		lease, err := b.run.Store.Begin(t.Context(), "other", b.now, b.now.Add(time.Minute))
		if err != nil && !errors.Is(err, monitor.ErrBusy) {
			t.Fatal(err)
		}
		for i := range 3 { // another run is in progress
			if result, err := b.run.Do(t.Context(), fmt.Sprint(i), fmt.Appendf(nil, event, i)); err != nil ||
				result.Status != monitor.Queued {
				t.Fatalf("event %d: %+v, %v", i, result, err)
			}
		}
		if err := b.run.Store.End(t.Context(), lease); err != nil {
			t.Fatal(err)
		}
		if _, err := b.run.Do(t.Context(), "last", fmt.Appendf(nil, event, 3)); err != nil {
			t.Fatal(err)
		}
		if !client.lost || len(reported) != 4 {
			t.Errorf("lost response: %v; reported events: %v, want 4", client.lost, reported)
		}
	})
}
