package monitor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/drift/changeevent"
	"permstack/internal/drift/monitor"
	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

const parent = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f"

// environment is a run whose check and revert the test defines.
type environment struct {
	t       *testing.T
	cloud   *fakeaws.Cloud
	run     *monitor.Run
	report  finding.Report
	metrics bytes.Buffer
	now     time.Time
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	b := &environment{t: t, cloud: fakeaws.New(fakeaws.Options{}), now: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)}
	cfg := b.cloud.Config("123456789012", "eu-central-1")
	topics, parameters := sns.NewFromConfig(cfg), ssm.NewFromConfig(cfg)
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("alerts")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parameters.PutParameter(
		t.Context(),
		&ssm.PutParameterInput{Name: aws.String("state"), Value: aws.String(notify.FirstState), Type: "String"},
	); err != nil {
		t.Fatal(err)
	}
	b.report = finding.Report{
		ParentStackID: parent,
		Account:       "123456789012",
		Region:        "eu-central-1",
		Profile:       "clumio",
		Checked:       7,
	}
	b.run = &monitor.Run{
		Origin:       notify.Origin{StackID: parent, Stack: "backup", Account: "123456789012", Region: "eu-central-1"},
		Store:        &monitor.Store{Client: parameters, Parameter: "state", ParentStackID: parent},
		Sender:       &notify.Sender{Client: topics, TopicARN: *topic.TopicArn},
		ReminderDays: 7, Log: slog.New(slog.DiscardHandler), Metrics: &b.metrics, Now: func() time.Time { return b.now },
		Check: func(context.Context, notify.State, []changeevent.Event, bool) (finding.Report, error) {
			return b.report, nil
		},
	}
	return b
}

// do runs once, a day later, and returns the metrics and the subjects of the messages.
func (b *environment) do() (map[string]any, []string, error) {
	b.t.Helper()
	before := len(b.cloud.SNS().Messages(""))
	b.metrics.Reset()
	b.now = b.now.Add(24 * time.Hour)
	_, err := b.run.Do(b.t.Context(), b.now.String(), nil)
	var metrics map[string]any
	if err := json.Unmarshal(
		b.metrics.Bytes(),
		&metrics,
	); err != nil ||
		bytes.Count(b.metrics.Bytes(), []byte("\n")) != 1 {
		b.t.Fatalf("metrics %q: %v", b.metrics.String(), err)
	}
	var subjects []string
	for _, m := range b.cloud.SNS().Messages("")[before:] {
		subjects = append(subjects, m.Subject)
	}
	return metrics, subjects, err
}

var rogue = finding.Finding{
	ID:        "1",
	Stack:     "backup-permstack-access",
	LogicalID: "Role",
	Kind:      finding.InlinePolicyAdded,
	Subject:   "Rogue",
	Direction: finding.GrantsMore,
	Hash:      "1",
}

var deletedRogue = finding.Reversals{Done: []finding.Reversal{{Finding: rogue, Outcome: finding.PolicyDeleted}}}

// TestMetrics checks that a run writes one line in the embedded metric format, whether it succeeds
// or fails.
func TestMetrics(t *testing.T) {
	b := newEnvironment(t)
	unreadable := finding.Finding{
		ID:        "2",
		Stack:     "backup-permstack-access",
		LogicalID: "Other",
		Kind:      finding.NotReadable,
		Direction: finding.Unreadable,
		Hash:      "2",
	}
	b.report.Findings, b.report.NotReached = []finding.Finding{rogue, unreadable}, []string{"backup/X"}
	metrics, _, err := b.do()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"Checked": 7.0, "Drifted": 1.0, "GrantsMore": 1.0, "Unreadable": 1.0,
		"NotReached": 1.0, "Notified": 1.0, "Completed": 1.0, "Stack": "backup"} {
		if metrics[name] != want {
			t.Errorf("%s is %v, want %v", name, metrics[name], want)
		}
	}
	directive := metrics["_aws"].(map[string]any)["CloudWatchMetrics"].([]any)[0].(map[string]any)
	for _, m := range directive["Metrics"].([]any) {
		if name := m.(map[string]any)["Name"].(string); metrics[name] == nil {
			t.Errorf("metric %s has no value", name)
		}
	}
	b.run.Check = func(context.Context, notify.State, []changeevent.Event, bool) (finding.Report, error) {
		return finding.Report{}, errors.New("no")
	}
	if metrics, _, err = b.do(); err == nil || metrics["Completed"] != 0.0 {
		t.Errorf("a failed run: %v, %v", metrics, err)
	}
}

// TestCrashes fails all calls of a run from each of them on: afterwards the
// finding was reported once or twice, and then never again.
func TestCrashes(t *testing.T) {
	for crash := 1; crash < 10; crash++ {
		b := newEnvironment(t)
		b.report.Findings = []finding.Finding{rogue}
		calls, dead := 0, false
		b.cloud.SetIntercept(func(*protocol.Call) error {
			if calls++; calls >= crash || dead {
				dead = true
				return protocol.Errorf("AccessDeniedException", "the function is terminated")
			}
			return nil
		})
		_, first, _ := b.do()
		if !dead {
			return // a run has no more calls
		}
		b.cloud.SetIntercept(nil)
		_, second, err := b.do()
		if sent := len(first) + len(second); err != nil || sent < 1 || sent > 2 {
			t.Errorf("failing from call %d on: %d messages, want 1 or 2; %v", crash, sent, err)
		}
		if _, again, err := b.do(); len(again) > 0 || err != nil {
			t.Errorf("failing from call %d on: sent again: %q, %v", crash, again, err)
		}
	}
}

// TestCrashesInRevert fails all calls of a run that reverts what it finds: the
// next run reports what this one did not, although it finds nothing.
func TestCrashesInRevert(t *testing.T) {
	for crash := 1; crash < 10; crash++ {
		b := newEnvironment(t)
		b.report.Findings = []finding.Finding{rogue}
		b.run.Revert = func(context.Context, finding.Report) (finding.Reversals, error) {
			b.report.Findings = nil
			return deletedRogue, nil
		}
		calls, dead := 0, false
		b.cloud.SetIntercept(func(*protocol.Call) error {
			if calls++; calls >= crash || dead {
				dead = true
				return protocol.Errorf("AccessDeniedException", "the function is terminated")
			}
			return nil
		})
		_, first, _ := b.do()
		if !dead {
			return
		}
		b.cloud.SetIntercept(nil)
		_, second, err := b.do()
		_, third, _ := b.do()
		if sent := len(first) + len(second) + len(third); err != nil || sent < 1 {
			t.Errorf("failing from call %d on: sent %q %q %q, %v", crash, first, second, third, err)
		}
	}
}

// TestRevertIsReported checks that the message contains what was reverted and what could not be,
// and a failed revert does not fail the run.
func TestRevertIsReported(t *testing.T) {
	b := newEnvironment(t)
	b.report.Findings = []finding.Finding{rogue}
	b.run.Revert = func(context.Context, finding.Report) (finding.Reversals, error) {
		return deletedRogue, errors.New("the rest failed")
	}
	if _, sent, err := b.do(); err != nil || len(sent) != 1 {
		t.Fatalf("sent %q, %v; want one message", sent, err)
	}
	body := b.cloud.SNS().Messages("")[0].Body
	if !strings.Contains(body, "inline policy Rogue was deleted from role") ||
		!strings.Contains(body, "the rest failed") {
		t.Errorf("message %s", body)
	}
	b.report.Findings = nil
	if _, sent, err := b.do(); err != nil || len(sent) != 1 || !strings.Contains(sent[0], "RESOLVED: 1, all in sync") {
		t.Errorf("sent %q, %v", sent, err)
	}
}

// TestRevertInLaterRun checks that a revert that succeeds in a later run than the one that reported
// the finding is reported too.
func TestRevertInLaterRun(t *testing.T) {
	b := newEnvironment(t)
	b.report.Findings = []finding.Finding{rogue}
	b.run.Revert = func(context.Context, finding.Report) (finding.Reversals, error) {
		return finding.Reversals{Failed: []finding.Reversal{{Finding: rogue, Outcome: finding.StackBusy}}}, nil
	}
	if _, sent, err := b.do(); err != nil || len(sent) != 1 {
		t.Fatalf("the run that finds it sent %q, %v; want one message", sent, err)
	}
	if _, sent, err := b.do(); err != nil || len(sent) != 0 {
		t.Fatalf("a run in which nothing changed sent %q, %v; want nothing", sent, err)
	}
	b.run.Revert = func(context.Context, finding.Report) (finding.Reversals, error) { return deletedRogue, nil }
	_, sent, err := b.do()
	if err != nil || len(sent) != 1 || !strings.HasPrefix(sent[0], "permstack: REVERTED: 1 - backup") {
		t.Fatalf("the run that reverts it sent %q, %v; want one message", sent, err)
	}
	if body := b.lastBody(); !strings.Contains(body, "inline policy Rogue was deleted from role") {
		t.Errorf("the message does not say what was reverted: %s", body)
	}
}

func (b *environment) lastBody() string {
	all := b.cloud.SNS().Messages("")
	return all[len(all)-1].Body
}

// TestStateUnavailable checks that a run without a state reports what it finds and does not count
// as completed, whichever call for the state fails.
func TestStateUnavailable(t *testing.T) {
	for name, failing := range map[string]func(action string, writes int) bool{
		"read":         func(action string, _ int) bool { return action == "GetParameter" },
		"first write":  func(action string, writes int) bool { return action == "PutParameter" && writes == 1 },
		"last write":   func(action string, writes int) bool { return action == "PutParameter" && writes == 2 },
		"every access": func(action string, _ int) bool { return strings.HasSuffix(action, "Parameter") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newEnvironment(t)
			b.report.Findings = []finding.Finding{rogue}
			writes := 0
			b.cloud.SetIntercept(func(c *protocol.Call) error {
				if c.Action == "PutParameter" {
					writes++
				}
				if failing(c.Action, writes) {
					return protocol.Errorf("AccessDeniedException", "denied")
				}
				return nil
			})
			metrics, sent, err := b.do()
			if err != nil || len(sent) != 1 {
				t.Errorf("sent %q, %v; want one message", sent, err)
			}
			if metrics["Completed"] != 0.0 {
				t.Errorf("Completed is %v, want 0", metrics["Completed"])
			}
		})
	}
}

// TestReserve checks that the check and the revert end before the deadline, so that time is left to
// notify and to save the state.
func TestReserve(t *testing.T) {
	for name, tc := range map[string]struct {
		left                time.Duration // until Lambda's deadline
		revert              bool
		forCheck, forRevert time.Duration // until their deadlines
	}{
		"half a minute is kept":   {10 * time.Minute, false, 9*time.Minute + 30*time.Second, 0},
		"at most a third":         {time.Minute, false, 40 * time.Second, 0},
		"half for the revert":     {10 * time.Minute, true, 4*time.Minute + 45*time.Second, 9*time.Minute + 30*time.Second},
		"no deadline: 15 minutes": {0, false, 14*time.Minute + 30*time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newEnvironment(t)
			b.now = time.Now() // contexts use the real clock
			ctx := t.Context()
			if tc.left > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, b.now.Add(tc.left))
				defer cancel()
			}
			b.report.Findings = []finding.Finding{rogue}
			expect := func(ctx context.Context, what string, want time.Duration) {
				deadline, ok := ctx.Deadline()
				if got := deadline.Sub(b.now); !ok || got > want+5*time.Second || got < want-5*time.Second {
					t.Errorf("the %s may take %s, want %s", what, got, want)
				}
			}
			b.run.Check = func(ctx context.Context, _ notify.State, _ []changeevent.Event, _ bool) (finding.Report, error) {
				expect(ctx, "check", tc.forCheck)
				return b.report, nil
			}
			if tc.revert {
				b.run.Revert = func(ctx context.Context, _ finding.Report) (finding.Reversals, error) {
					expect(ctx, "revert", tc.forRevert)
					return deletedRogue, nil
				}
			}
			if _, err := b.run.Do(ctx, "request", nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}
