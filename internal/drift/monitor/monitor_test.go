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

	"permstack/internal/drift/monitor"
	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

const parent = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f"

// bench is a run with a world that the test decides about.
type bench struct {
	t       *testing.T
	cloud   *fakeaws.Cloud
	run     *monitor.Run
	report  finding.Report
	metrics bytes.Buffer
	now     time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, cloud: fakeaws.New(fakeaws.Options{}), now: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)}
	cfg := b.cloud.Config("123456789012", "eu-central-1")
	topics, parameters := sns.NewFromConfig(cfg), ssm.NewFromConfig(cfg)
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("alerts")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parameters.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("state"), Value: aws.String(notify.FirstState), Type: "String"}); err != nil {
		t.Fatal(err)
	}
	b.report = finding.Report{ParentStackID: parent, Account: "123456789012", Region: "eu-central-1", Profile: "clumio", Checked: 7}
	b.run = &monitor.Run{
		Place:        notify.Place{StackID: parent, Stack: "backup", Account: "123456789012", Region: "eu-central-1"},
		Store:        &monitor.Store{Client: parameters, Parameter: "state", ParentStackID: parent},
		Sender:       &notify.Sender{Client: topics, TopicARN: *topic.TopicArn},
		ReminderDays: 7, Log: slog.New(slog.DiscardHandler), Metrics: &b.metrics, Now: func() time.Time { return b.now },
		Check: func(context.Context) (finding.Report, error) { return b.report, nil },
	}
	return b
}

// do runs once and gives the metrics and the subjects of what was sent.
func (b *bench) do() (map[string]any, []string, error) {
	b.t.Helper()
	before := len(b.cloud.SNS().Messages(""))
	b.metrics.Reset()
	b.now = b.now.Add(24 * time.Hour)
	_, err := b.run.Do(b.t.Context(), b.now.String())
	var metrics map[string]any
	if err := json.Unmarshal(b.metrics.Bytes(), &metrics); err != nil || bytes.Count(b.metrics.Bytes(), []byte("\n")) != 1 {
		b.t.Fatalf("metrics %q: %v", b.metrics.String(), err)
	}
	var subjects []string
	for _, m := range b.cloud.SNS().Messages("")[before:] {
		subjects = append(subjects, m.Subject)
	}
	return metrics, subjects, err
}

var rogue = finding.Finding{ID: "1", Stack: "backup-permstack-access", LogicalID: "Role", Kind: finding.InlinePolicyAdded, Subject: "Rogue", Direction: finding.GrantsMore, Advice: "delete it", Hash: "1"}

// TestMetrics: one line in the embedded metric format, whatever happens.
func TestMetrics(t *testing.T) {
	b := newBench(t)
	unreadable := finding.Finding{ID: "2", Stack: "backup-permstack-access", LogicalID: "Other", Kind: finding.NotReadable, Direction: finding.Unreadable, Hash: "2"}
	b.report.Findings, b.report.NotReached = []finding.Finding{rogue, unreadable}, []string{"backup/X"}
	metrics, _, err := b.do()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"Checked": 7.0, "Drifted": 1.0, "GrantsMore": 1.0, "Unreadable": 1.0, "NotReached": 1.0, "Notified": 1.0, "Completed": 1.0, "Stack": "backup"} {
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
	b.run.Check = func(context.Context) (finding.Report, error) { return finding.Report{}, errors.New("no") }
	if metrics, _, err = b.do(); err == nil || metrics["Completed"] != 0.0 {
		t.Errorf("a failed run: %v, %v", metrics, err)
	}
}

// TestCrashes breaks off each of a run's calls in turn: afterwards the alert
// was told once or twice, and then never again.
func TestCrashes(t *testing.T) {
	for crash := 1; crash < 10; crash++ {
		b := newBench(t)
		b.report.Findings = []finding.Finding{rogue}
		calls, dead := 0, false
		b.cloud.SetIntercept(func(*protocol.Call) error {
			if calls++; calls >= crash || dead {
				dead = true
				return protocol.Errorf("AccessDeniedException", "the function is gone")
			}
			return nil
		})
		_, first, _ := b.do()
		if !dead {
			return // a run has no more calls
		}
		b.cloud.SetIntercept(nil)
		_, second, err := b.do()
		if told := len(first) + len(second); err != nil || told < 1 || told > 2 {
			t.Errorf("call %d: told %d times, %v", crash, told, err)
		}
		if _, again, err := b.do(); len(again) > 0 || err != nil {
			t.Errorf("call %d: told again: %q, %v", crash, again, err)
		}
	}
}

// TestCrashesInRevert breaks off each call of a run that puts right what it finds:
// whoever was told nothing by it is told by the next run, though nothing is left
// to be found.
func TestCrashesInRevert(t *testing.T) {
	for crash := 1; crash < 10; crash++ {
		b := newBench(t)
		b.report.Findings = []finding.Finding{rogue}
		b.run.Revert = func(context.Context, finding.Report) (notify.Reverted, error) {
			b.report.Findings = nil
			return notify.Reverted{Done: []string{"Rogue is deleted"}}, nil
		}
		calls, dead := 0, false
		b.cloud.SetIntercept(func(*protocol.Call) error {
			if calls++; calls >= crash || dead {
				dead = true
				return protocol.Errorf("AccessDeniedException", "the function is gone")
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
		if told := len(first) + len(second) + len(third); err != nil || told < 1 {
			t.Errorf("call %d: told %q %q %q, %v", crash, first, second, third, err)
		}
	}
}

// TestOwnState: that the state is written is no drift.
func TestOwnState(t *testing.T) {
	b := newBench(t)
	b.report.Findings = []finding.Finding{{ID: "s", Stack: "backup", LogicalID: "DriftState", PhysicalID: "state", Type: "AWS::SSM::Parameter", Kind: finding.PropertyChanged, Direction: finding.Changed, Hash: "x"}}
	if metrics, told, err := b.do(); err != nil || len(told) > 0 || metrics["Drifted"] != 0.0 {
		t.Errorf("told %q, %v", told, err)
	}
}

// TestRevertIsTold: what was done and what could not be, and a failure of it
// fails nothing.
func TestRevertIsTold(t *testing.T) {
	b := newBench(t)
	b.report.Findings = []finding.Finding{rogue}
	b.run.Revert = func(context.Context, finding.Report) (notify.Reverted, error) {
		return notify.Reverted{Done: []string{"Rogue is deleted"}}, errors.New("the rest is not")
	}
	if _, told, err := b.do(); err != nil || len(told) != 1 {
		t.Fatalf("told %q, %v", told, err)
	}
	body := b.cloud.SNS().Messages("")[0].Body
	if !strings.Contains(body, "Rogue is deleted") || !strings.Contains(body, "the rest is not") {
		t.Errorf("told %s", body)
	}
	b.report.Findings = nil
	if _, told, err := b.do(); err != nil || len(told) != 1 || !strings.Contains(told[0], "RESOLVED: 1, all in sync") {
		t.Errorf("told %q, %v", told, err)
	}
}
