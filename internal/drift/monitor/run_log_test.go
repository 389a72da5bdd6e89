package monitor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/drift/changeevent"
	"permstack/internal/drift/monitor"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// attachEvent is CloudTrail's event of a call that changes a role.
const attachEvent = `{"detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":{"eventID":"1",` +
	`"eventSource":"iam.amazonaws.com","eventName":"AttachRolePolicy","requestParameters":{"roleName":"r"}}}`

// logged does one run for an event, nil for the schedule, and returns the messages of its log.
func (b *environment) logged(event []byte) (messages []string, result monitor.Result, err error) {
	b.t.Helper()
	var log bytes.Buffer
	b.run.Log = slog.New(slog.NewJSONHandler(&log, nil))
	b.metrics.Reset()
	b.now = b.now.Add(24 * time.Hour)
	result, err = b.run.Do(b.t.Context(), b.now.String(), event)
	for _, line := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			b.t.Fatalf("log line %q: %v", line, err)
		}
		messages = append(messages, entry.Level+" "+entry.Msg)
	}
	return messages, result, err
}

// addInbox adds an empty queue of events.
func (b *environment) addInbox() {
	b.t.Helper()
	client := sqs.NewFromConfig(b.cloud.Config("123456789012", "eu-central-1"))
	queue, err := client.CreateQueue(b.t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("events")})
	if err != nil {
		b.t.Fatal(err)
	}
	b.run.Inbox = &monitor.Inbox{Client: client, QueueURL: *queue.QueueUrl}
	b.run.Sleep = func(context.Context, time.Duration) error { return nil }
}

// failingWriter is a destination of metrics that cannot be written.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("closed") }

// TestLogOfRun checks which messages a run logs: an error that does not fail it, and nothing else.
func TestLogOfRun(t *testing.T) {
	changed := func(context.Context) (monitor.Deployed, error) {
		return monitor.Deployed{Granted: "new", Announced: "old",
			Changes: func(context.Context) ([]notify.AccessChange, error) { return nil, nil }}, nil
	}
	for name, tc := range map[string]struct {
		arrange  func(*environment)
		want     []string
		notified int
		complete bool
	}{
		"in sync": {func(*environment) {}, []string{"INFO drift check completed"}, 0, true},
		"drift": {func(b *environment) { b.report.Findings = []finding.Finding{rogue} },
			[]string{"WARN drift found", "INFO notification sent", "INFO drift check completed"}, 1, true},
		"no metrics": {func(b *environment) { b.run.Metrics = failingWriter{} },
			[]string{"ERROR metrics not written", "INFO drift check completed"}, 0, true},
		"access announced": {func(b *environment) { b.run.Deployed = changed },
			[]string{"INFO access change announced", "INFO drift check completed"}, 1, true},
		"access announced, and drift": {func(b *environment) {
			b.run.Deployed, b.report.Findings = changed, []finding.Finding{rogue}
		}, []string{
			"INFO access change announced", "WARN drift found", "INFO notification sent", "INFO drift check completed",
		},
			2, true},
		"access unreadable": {func(b *environment) {
			b.run.Deployed = func(context.Context) (monitor.Deployed, error) { return monitor.Deployed{}, errors.New("no") }
		}, []string{"ERROR access change announcement failed", "INFO drift check completed"}, 0, true},
		"no subscriber": {func(b *environment) { b.report.NoSubscriber = true },
			[]string{"WARN alert topic has no confirmed subscriber", "INFO drift check completed"}, 0, false},
		"no subscriber, but an Organization's topic": {func(b *environment) {
			b.report.NoSubscriber, b.run.Hub = true, b.run.Sender
		}, []string{"INFO drift check completed"}, 0, true},
		"revert": {func(b *environment) {
			b.report.Findings = []finding.Finding{rogue}
			b.run.Revert = func(context.Context, finding.Report) (finding.Reversals, error) { return deletedRogue, nil }
		}, []string{
			"INFO drift reverted", "WARN drift found", "INFO notification sent", "INFO drift check completed",
		}, 1, true},
		"end of a restore window": {func(b *environment) { b.report.RestoreUntil = b.now },
			[]string{"INFO end of restore window announced", "INFO drift check completed"}, 1, true},
		"with a queue": {(*environment).addInbox, []string{"INFO drift check completed"}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // SQS waits for messages
				b := newEnvironment(t)
				tc.arrange(b)
				got, result, err := b.logged(nil)
				if err != nil || !slices.Equal(got, tc.want) {
					t.Errorf("logged %q, %v; want %q", got, err, tc.want)
				}
				if result.Notified != tc.notified || result.Completed != tc.complete {
					t.Errorf("%d messages, completed: %v; want %d, %v", result.Notified, result.Completed, tc.notified,
						tc.complete)
				}
			})
		})
	}
}

// TestLogOfFailedRun checks that a failed check is logged as such and releases the lease, and that an event which
// waits for another run is no failure.
func TestLogOfFailedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // SQS waits for messages
		b := newEnvironment(t)
		b.addInbox()
		check := b.run.Check
		b.run.Check = func(context.Context, notify.State, []changeevent.Event, bool) (finding.Report, error) {
			return finding.Report{}, errors.New("denied")
		}
		if got, _, err := b.logged(nil); err == nil || !slices.Equal(got, []string{"ERROR drift check failed"}) {
			t.Errorf("failed check: logged %q, %v", got, err)
		}
		next := b.now.Add(24 * time.Hour)
		if _, err := b.run.Store.Begin(t.Context(), "other", next, next.Add(10*time.Minute)); err != nil {
			t.Fatalf("the lease was not released: %v", err)
		}
		b.run.Check = check
		got, result, err := b.logged([]byte(attachEvent))
		if err != nil || result.Status != monitor.Queued || b.metrics.Len() > 0 ||
			!slices.Equal(got, []string{"INFO event queued for the run in progress"}) {
			t.Errorf("event during another run: logged %q, %+v, metrics %q, %v", got, result, b.metrics.String(), err)
		}
	})
}

// TestRevertOfNothing checks that a run without findings calls nothing for the revert.
func TestRevertOfNothing(t *testing.T) {
	b := newEnvironment(t)
	writes := 0
	b.cloud.SetIntercept(func(c *protocol.Call) error {
		if c.Action == "PutParameter" {
			writes++
		}
		return nil
	})
	b.run.Revert = func(context.Context, finding.Report) (finding.Reversals, error) {
		t.Error("Revert was called")
		return finding.Reversals{}, nil
	}
	if _, _, err := b.logged(nil); err != nil || writes != 2 {
		t.Errorf("the state was written %d times, want 2: lease and end; %v", writes, err)
	}
}

// TestProfileOfReport checks that a message names the profile of the report, or that of the parent stack.
func TestProfileOfReport(t *testing.T) {
	for reported, want := range map[string]string{"clumio": "clumio", "": "cpm"} {
		t.Run("reported "+reported, func(t *testing.T) {
			b := newEnvironment(t)
			b.run.Origin.Profile, b.report.Profile, b.report.Findings = "cpm", reported, []finding.Finding{rogue}
			if _, _, err := b.logged(nil); err != nil {
				t.Fatal(err)
			}
			if body := b.cloud.SNS().Messages("")[0].Body; !strings.Contains(body, "Profile  "+want) {
				t.Errorf("want profile %q in the message: %s", want, body)
			}
		})
	}
}

// TestMetricsOfLimitedRun checks that a run of an event writes metrics only if it found something, with the open
// differences that it did not check, and does not count as the heartbeat.
func TestMetricsOfLimitedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // SQS waits for messages
		b := newEnvironment(t)
		b.addInbox()
		other := rogue
		other.ID, other.LogicalID, other.Direction = "2", "Other", finding.Monitoring
		b.report.Findings = []finding.Finding{rogue, other}
		if _, _, err := b.logged(nil); err != nil {
			t.Fatal(err)
		}
		var limited []bool
		b.run.Check = func(
			_ context.Context, _ notify.State, _ []changeevent.Event, l bool,
		) (finding.Report, error) {
			limited = append(limited, l)
			return b.report, nil
		}
		b.report.Scope = []string{"backup-permstack-access/Other"}
		b.report.Findings = []finding.Finding{other}
		if _, result, err := b.logged([]byte(attachEvent)); err != nil || result.Completed {
			t.Errorf("limited run: %+v, %v", result, err)
		}
		for _, want := range []string{`"Drifted":2`, `"Monitoring":1`, `"GrantsMore":0`, `"Completed":0`} {
			if !strings.Contains(b.metrics.String(), want) {
				t.Errorf("metrics %s, want %s", b.metrics.String(), want)
			}
		}
		b.report.Findings = nil
		if _, _, err := b.logged([]byte(attachEvent)); err != nil || b.metrics.Len() > 0 {
			t.Errorf("metrics of a limited run without findings: %s, %v", b.metrics.String(), err)
		}
		if fmt.Sprint(limited) != "[true true]" {
			t.Errorf("limited runs: %v, want two", limited)
		}
	})
}

// TestEventAfterLostState checks that the run of an event checks everything if the state was lost, and reports that.
func TestEventAfterLostState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // SQS waits for messages
		b := newEnvironment(t)
		b.addInbox()
		client := ssm.NewFromConfig(b.cloud.Config("123456789012", "eu-central-1"))
		if _, err := client.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("state"), Value: aws.String("garbage"), Overwrite: aws.Bool(true),
		}); err != nil {
			t.Fatal(err)
		}
		b.run.Check = func(
			_ context.Context, _ notify.State, _ []changeevent.Event, limited bool,
		) (finding.Report, error) {
			if limited {
				t.Error("the check is limited")
			}
			return b.report, nil
		}
		got, result, err := b.logged([]byte(attachEvent))
		if err != nil || !slices.Contains(got, "WARN drift state lost") || !result.Completed {
			t.Errorf("logged %q, %+v, %v", got, result, err)
		}
		if sent := b.cloud.SNS().Messages(""); len(sent) != 1 || !strings.Contains(sent[0].Body, string(finding.StateLost)) {
			t.Errorf("sent %+v", sent)
		}
		if !strings.Contains(b.metrics.String(), `"Drifted":0`) || !strings.Contains(b.metrics.String(), `"Monitoring":1`) {
			t.Errorf("metrics %s", b.metrics.String())
		}
	})
}
