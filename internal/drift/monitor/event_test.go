package monitor_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"permstack/internal/drift/changeevent"
	"permstack/internal/drift/monitor"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// queue is a queue of events that answers at once.
type queue struct {
	events   []string
	received int
	failure  error // of deleting
	asked    int   // how often a run looked whether there are events, after another one
}

func (q *queue) SendMessage(
	_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options),
) (*sqs.SendMessageOutput, error) {
	q.events = append(q.events, *in.MessageBody)
	return &sqs.SendMessageOutput{}, nil
}

func (q *queue) ReceiveMessage(
	_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options),
) (*sqs.ReceiveMessageOutput, error) {
	out := &sqs.ReceiveMessageOutput{}
	if in.MaxNumberOfMessages == 1 { // it is visible again before the next run reads
		q.asked++
		for _, e := range q.events[:min(1, len(q.events))] {
			out.Messages = append(out.Messages, types.Message{Body: &e, ReceiptHandle: &e})
		}
		return out, nil
	}
	for _, e := range q.events {
		q.received++
		receipt := strconv.Itoa(q.received)
		out.Messages = append(out.Messages, types.Message{Body: &e, ReceiptHandle: &receipt})
	}
	q.events = nil
	return out, nil
}

func (q *queue) DeleteMessage(
	context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options),
) (*sqs.DeleteMessageOutput, error) {
	return &sqs.DeleteMessageOutput{}, q.failure
}

// TestRunsOfInvocation checks that an invocation makes at most ten more runs for the events that arrive meanwhile, each
// with a lease of its own.
func TestRunsOfInvocation(t *testing.T) {
	for _, arriving := range []int{0, 1, 3, 50} {
		t.Run(fmt.Sprint(arriving), func(t *testing.T) {
			b := newEnvironment(t)
			q := &queue{}
			b.run.Inbox = &monitor.Inbox{Client: q, QueueURL: "events"}
			b.run.Sleep = func(context.Context, time.Duration) error { return nil }
			left := arriving
			var holders, want []string
			b.run.Check = func(
				_ context.Context, state notify.State, events []changeevent.Event, limited bool,
			) (finding.Report, error) {
				holders = append(holders, state.Lease.Holder)
				if first := len(holders) == 1; limited == first || first == (len(events) == 1) {
					t.Errorf("run %d: limited %v, %d events", len(holders), limited, len(events))
				}
				if left > 0 {
					left--
					q.events = append(q.events, attachEvent)
				}
				return b.report, nil
			}
			if _, err := b.run.Do(t.Context(), "request", nil); err != nil {
				t.Fatal(err)
			}
			want = []string{"request"}
			for i := range min(arriving, 10) {
				want = append(want, fmt.Sprintf("request/%d", i+1))
			}
			if !slices.Equal(holders, want) {
				t.Errorf("runs %q, want %q", holders, want)
			}
		})
	}
}

// TestTimeForAnotherRun checks that an invocation looks for more events only if it has the time for another run.
func TestTimeForAnotherRun(t *testing.T) {
	for _, tc := range []struct {
		left time.Duration // until Lambda's deadline
		want int
	}{{90 * time.Second, 1}, {90*time.Second - 1, 0}, {10 * time.Minute, 1}, {0, 1}} {
		t.Run(tc.left.String(), func(t *testing.T) {
			b := newEnvironment(t)
			b.now = time.Now() // contexts use the real clock
			q := &queue{}
			b.run.Inbox = &monitor.Inbox{Client: q, QueueURL: "events"}
			ctx := t.Context()
			if tc.left > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, b.now.Add(tc.left))
				defer cancel()
			}
			if _, err := b.run.Do(ctx, "request", nil); err != nil {
				t.Fatal(err)
			}
			if q.asked != tc.want {
				t.Errorf("looked for events %d times, want %d", q.asked, tc.want)
			}
		})
	}
}

// TestEventsOfRun checks which events of the queue the run of an event reports with its own, and after which of them it
// checks everything.
func TestEventsOfRun(t *testing.T) {
	call := func(id, code string) string {
		return fmt.Sprintf(`{"detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":{"eventID":%q,`+
			`"errorCode":%q,"eventSource":"iam.amazonaws.com","eventName":"AttachRolePolicy"}}`, id, code)
	}
	status := func(stack string) string {
		return fmt.Sprintf(`{"detail-type":"CloudFormation Stack Status Change","detail":{"stack-id":%q}}`, stack)
	}
	for _, tc := range []struct {
		name     string
		queued   []string
		want     []string // IDs of calls, or stacks
		complete bool
	}{
		{"nothing queued", nil, []string{"1"}, false},
		{"another call", []string{call("2", "")}, []string{"1", "2"}, false},
		{"delivered twice", []string{call("1", ""), call("2", ""), call("2", "")}, []string{"1", "2"}, false},
		{"without IDs", []string{call("", ""), call("", "")}, []string{"1", "", ""}, false},
		{"failed call", []string{call("2", "AccessDenied")}, []string{"1"}, false},
		{"the schedule", []string{"{}"}, []string{"1"}, true},
		{"permission stack", []string{status("other")}, []string{"1", "other"}, false},
		{"parent stack", []string{status(parent)}, []string{"1", parent}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newEnvironment(t)
			b.run.Inbox = &monitor.Inbox{Client: &queue{events: tc.queued}, QueueURL: "events"}
			var slept []time.Duration
			b.run.Sleep = func(_ context.Context, d time.Duration) error {
				slept = append(slept, d)
				return nil
			}
			b.run.Check = func(
				_ context.Context, _ notify.State, events []changeevent.Event, limited bool,
			) (finding.Report, error) {
				var got []string
				for _, e := range events {
					got = append(got, cmp.Or(e.Stack, e.Call.ID))
				}
				if !slices.Equal(got, tc.want) || limited == tc.complete {
					t.Errorf("got events %q, limited %v, want %q, %v", got, limited, tc.want, !tc.complete)
				}
				return b.report, nil
			}
			if _, err := b.run.Do(t.Context(), "request", []byte(call("1", ""))); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(slept, []time.Duration{monitor.Window}) {
				t.Errorf("waited %v, want one window", slept)
			}
		})
	}
}

// TestEventsNotDeleted checks that a run whose events cannot be deleted from the queue succeeds and logs it.
func TestEventsNotDeleted(t *testing.T) {
	for _, tc := range []struct {
		name    string
		failure error
		want    []string
	}{
		{"deleted", nil, []string{"INFO drift check completed"}},
		{"denied", errors.New("denied"), []string{"ERROR queued events not read", "INFO drift check completed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newEnvironment(t)
			b.run.Inbox = &monitor.Inbox{Client: &queue{events: []string{attachEvent}, failure: tc.failure}, QueueURL: "events"}
			if got, _, err := b.logged(nil); err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("logged %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

// TestLookUp checks that the callers of the findings that no event explains are searched, and that a failed search
// fails nothing.
func TestLookUp(t *testing.T) {
	known := rogue
	known.ID, known.Calls = "2", []finding.Call{{ID: "9", Action: "iam:PutRolePolicy", Principal: "arn:known"}}
	for _, tc := range []struct {
		name     string
		findings []finding.Finding
		failure  error
		want     []string // IDs of the findings whose callers are searched; nil for no search
		logged   bool
	}{
		{"nothing found", nil, nil, nil, false},
		{"all known", []finding.Finding{known}, nil, nil, false},
		{"one unknown", []finding.Finding{known, rogue}, nil, []string{rogue.ID}, false},
		{"denied", []finding.Finding{rogue}, errors.New("denied"), []string{rogue.ID}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newEnvironment(t)
			b.report.Findings = tc.findings
			var searched []string
			b.run.LookUp = func(_ context.Context, list []finding.Finding) ([]changeevent.Event, error) {
				for _, f := range list {
					searched = append(searched, f.ID)
				}
				return nil, tc.failure
			}
			logged, _, err := b.logged(nil)
			if err != nil || !slices.Equal(searched, tc.want) {
				t.Errorf("searched the callers of %q, error %v; want %q", searched, err, tc.want)
			}
			if slices.Contains(logged, "WARN callers not looked up") != tc.logged {
				t.Errorf("logged %q", logged)
			}
		})
	}
}

// TestUndoneChange checks that a change which was undone before the check is reported, unless an earlier run reported
// it, or this one reports that the state was lost.
func TestUndoneChange(t *testing.T) {
	undone := rogue
	undone.ID, undone.Kind, undone.LogicalID, undone.PhysicalID = "3", finding.ChangeUndone, "Undone", "backup-role"
	reported := undone
	reported.Kind = finding.InlinePolicyAdded
	lost := finding.Finding{
		ID: "4", Kind: finding.StateLost, Subject: undone.PhysicalID, Direction: finding.Monitoring, Hash: "4",
	}
	otherLost, otherKind := lost, lost
	otherLost.Subject, otherKind.Kind = "another", finding.PropertyChanged
	for _, tc := range []struct {
		name     string
		before   []finding.Finding // of the run before
		findings []finding.Finding
		want     int // how often the change is reported
	}{
		{"not reported", nil, nil, 1},
		{"reported before", []finding.Finding{reported}, nil, 0},
		{"another reported before", []finding.Finding{rogue}, nil, 1},
		{"loss of its state", nil, []finding.Finding{lost}, 0},
		{"loss of another state", nil, []finding.Finding{otherLost}, 1},
		{"another change of its name", nil, []finding.Finding{otherKind}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newEnvironment(t)
			b.report.Findings = tc.before
			if _, _, err := b.do(); err != nil {
				t.Fatal(err)
			}
			b.report.Findings, b.report.Undone = tc.findings, []finding.Finding{undone}
			if _, sent, err := b.do(); err != nil || len(sent) == 0 && tc.want > 0 {
				t.Fatalf("sent %q, error %v", sent, err)
			}
			got := 0
			if len(b.cloud.SNS().Messages("")) > 0 {
				got = strings.Count(b.lastBody(), `\"`+string(finding.ChangeUndone)+`\"`)
			}
			if got != tc.want {
				t.Errorf("the change is reported %d times, want %d: %s", got, tc.want, b.lastBody())
			}
		})
	}
}
