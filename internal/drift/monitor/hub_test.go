package monitor_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// newHub creates a topic of the Organization and reports to it from now on.
func (b *environment) newHub(name string) string {
	b.t.Helper()
	topics := sns.NewFromConfig(b.cloud.Config("123456789012", "eu-central-1"))
	topic, err := topics.CreateTopic(b.t.Context(), &sns.CreateTopicInput{Name: &name})
	if err != nil {
		b.t.Fatal(err)
	}
	b.run.Hub = &notify.Sender{Client: topics, TopicARN: *topic.TopicArn}
	return *topic.TopicArn
}

// sent returns the subjects of a topic's messages without the place, and clears them.
func (b *environment) sent(topic string, seen *int) string {
	all := b.cloud.SNS().Messages(topic)
	var out []string
	for _, m := range all[*seen:] {
		subject, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, "permstack: "), " - ")
		out = append(out, subject)
	}
	*seen = len(all)
	return strings.Join(out, "|")
}

// TestHubReceivesOpenFindings checks that a new topic of the Organization receives the
// findings that were reported to the account before, once.
func TestHubReceivesOpenFindings(t *testing.T) {
	b := newEnvironment(t)
	account := b.run.Sender.TopicARN
	toAccount, toFirst, toSecond := 0, 0, 0
	second := rogue
	second.ID, second.LogicalID = "2", "Other"
	b.report.Findings = []finding.Finding{rogue}
	run := func(step, wantAccount string, seen *int, hub, wantHub string) {
		t.Helper()
		if _, _, err := b.do(); err != nil {
			t.Fatal(err)
		}
		if got := b.sent(account, &toAccount); got != wantAccount {
			t.Errorf("%s: the account received %q, want %q", step, got, wantAccount)
		}
		if hub == "" {
			return
		}
		if got := b.sent(hub, seen); got != wantHub {
			t.Errorf("%s: the hub received %q, want %q", step, got, wantHub)
		}
	}
	run("without a hub", "GRANTS MORE: 1 new", nil, "", "")
	first := b.newHub("first")
	run("a hub is set", "", &toFirst, first, "GRANTS MORE: 1 new")
	run("nothing changed", "", &toFirst, first, "")
	b.report.Findings = append(b.report.Findings, second)
	run("another finding", "GRANTS MORE: 1 new", &toFirst, first, "GRANTS MORE: 1 new")

	other := b.newHub("second")
	b.report.Scope, b.report.Findings = []string{second.Stack + "/Other"}, []finding.Finding{second}
	run("another hub, a limited check", "", &toSecond, other, "GRANTS MORE: 1 new")
	b.report.Scope, b.report.Findings = nil, []finding.Finding{rogue, second}
	run("a complete check", "", &toSecond, other, "GRANTS MORE: 1 new")

	b.run.Hub = nil // a run that began before the hub was set
	b.report.Findings[0].Hash = "changed"
	run("a run without the hub", "GRANTS MORE: 1 changed", nil, "", "")
	b.newHub("second")
	run("a run with it", "", &toSecond, other, "GRANTS MORE: 2 new")
	if got := b.sent(first, &toFirst); got != "" {
		t.Errorf("the first hub received %q after it was replaced", got)
	}
}

// TestHubSetMeanwhile checks that a run that began before the hub was set, and sees in the stack that it is, sends the
// hub what it found, and that the next run does not repeat it.
func TestHubSetMeanwhile(t *testing.T) {
	b := newEnvironment(t)
	b.report.Choices = []finding.Choice{{Name: "Template", Value: "sha256"}}
	if _, _, err := b.do(); err != nil { // saves the choices
		t.Fatal(err)
	}
	hub := b.newHub("hub")
	sender := *b.run.Hub
	b.run.Hub = nil
	b.run.HubAt = func(topicARN string) *notify.Sender {
		return &notify.Sender{Client: sender.Client, TopicARN: topicARN}
	}
	b.report.Choices = append(b.report.Choices, finding.Choice{Name: finding.HubChoice, Value: hub})
	b.report.Findings = []finding.Finding{rogue}
	seen := 0
	for _, want := range []string{"GRANTS MORE: 2 new", ""} {
		if _, _, err := b.do(); err != nil {
			t.Fatal(err)
		}
		if got := b.sent(hub, &seen); got != want {
			t.Errorf("the hub received %q, want %q", got, want)
		}
	}
}

// TestHubFails checks that a hub that rejected a message receives what is still open
// later, and that the account is notified once.
func TestHubFails(t *testing.T) {
	b := newEnvironment(t)
	account, hub := b.run.Sender.TopicARN, b.newHub("hub")
	toAccount, toHub := 0, 0
	var many []finding.Finding // more than the state holds one by one
	for n := range 300 {
		f := rogue
		f.ID, f.LogicalID = strings.Repeat("x", n), strings.Repeat("r", n)
		many = append(many, f)
	}
	b.report.Findings = many
	b.cloud.SetIntercept(func(c *protocol.Call) error {
		if c.Service == "sns" && c.Action == "Publish" && c.Form.Get("TopicArn") == hub {
			return &protocol.Error{Status: 403, Code: "AuthorizationError", Message: "no"}
		}
		return nil
	})
	if _, _, err := b.do(); err == nil {
		t.Fatal("a run whose message the hub rejected succeeded")
	}
	b.cloud.SetIntercept(nil)
	if got, want := b.sent(account, &toAccount), "GRANTS MORE: 300 new"; got != want {
		t.Errorf("the account received %q, want %q", got, want)
	}
	for _, want := range []string{"GRANTS MORE: 300 new", ""} {
		if _, _, err := b.do(); err != nil {
			t.Fatal(err)
		}
		if got := b.sent(hub, &toHub); got != want {
			t.Errorf("the hub received %q, want %q", got, want)
		}
	}
	if got := b.sent(account, &toAccount); got != "" {
		t.Errorf("the account received %q again", got)
	}
}
