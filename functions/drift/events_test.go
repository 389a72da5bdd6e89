package main_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// iamRegion is the Region in which the events of IAM arrive.
const iamRegion = "us-east-1"

// TestEvents checks that a change is reported after an event, with who made it, in an
// account with a trail, and that one that was undone is reported too.
func TestEvents(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launchIn(t, iamRegion, fakeawstest.Options{Program: fakeawstest.BuiltProgram(t), Events: true}, nil)
	w.WaitIdle()
	if got := w.Messages(); len(got) != 1 || got[0].Kind != notify.KindAccess {
		t.Errorf("messages of the launch: %+v", got)
	}
	for _, tc := range []struct {
		name      string
		change    func(w *installation)
		direction finding.Direction
		kind      finding.Kind
		email     []string
	}{
		{"inline policy", func(w *installation) {
			w.PutInlinePolicy(w.RoleName(), "Rogue",
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
		}, finding.GrantsMore, finding.InlinePolicyAdded, []string{"called iam:PutRolePolicy", "reported after "}},
		{"undone", func(w *installation) {
			role := w.PhysicalID("DriftRole")
			w.AttachPolicy(role, admin)
			w.DetachPolicy(role, admin)
		}, finding.GrantsMore, finding.ChangeUndone, []string{"called iam:AttachRolePolicy"}},
		{"state written", func(w *installation) { w.writeState("{}") },
			finding.GrantsMore, finding.StateLost, []string{"called ssm:PutParameter"}},
		{"topic of the alerts", func(w *installation) {
			_, err := w.SNS.SetTopicAttributes(w.t.Context(), &sns.SetTopicAttributesInput{
				TopicArn: aws.String(w.topic()), AttributeName: aws.String("Policy"),
				AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",` +
					`"Action":"sns:Subscribe","Resource":"` + w.topic() + `"}]}`),
			})
			if err != nil {
				w.t.Fatal(err)
			}
		}, finding.GrantsMore, finding.TopicPolicyChanged, []string{"called sns:SetTopicAttributes"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			tc.change(w)
			w.WaitIdle()
			messages := w.Messages()
			if len(messages) != 1 || messages[0].Direction != tc.direction || messages[0].Status != notify.Drifted {
				t.Fatalf("got messages %+v, want one with direction %s\n%s", messages, tc.direction, w.Log)
			}
			found := false
			for _, f := range messages[0].Findings {
				found = found || f.Kind == tc.kind
			}
			if !found || messages[0].Delay > 60 {
				t.Errorf("got findings %+v after %d s, want kind %s", messages[0].Findings, messages[0].Delay, tc.kind)
			}
			for _, text := range tc.email {
				if !strings.Contains(messages[0].Email, text) {
					t.Errorf("the e-mail has no %q:\n%s", text, messages[0].Email)
				}
			}
		})
	}
}

// TestEventBurst checks that many events are few checks, and that none of them fails
// or is left in the queue.
func TestEventBurst(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launchIn(t, iamRegion, fakeawstest.Options{Program: fakeawstest.BuiltProgram(t), Events: true}, nil)
	w.WaitIdle()
	w.Messages()
	logged := strings.Count(w.Log.String(), "drift check completed")
	for range 10 {
		w.AttachPolicy(w.RoleName(), admin)
		w.DetachPolicy(w.RoleName(), admin)
	}
	w.AttachPolicy(w.RoleName(), admin)
	w.WaitIdle()
	if n := strings.Count(w.Log.String(), "drift check completed") - logged; n > 5 {
		t.Errorf("21 events were %d checks, want at most 5", n) // 2 if the machine is not busy
	}
	if strings.Contains(w.Log.String(), "drift check failed") {
		t.Errorf("a check failed:\n%s", w.Log)
	}
	if got := w.Messages(); len(got) == 0 || got[len(got)-1].Status != notify.Drifted {
		t.Errorf("got messages %+v, want the last with the attachment", got)
	}
	if left := w.SQS().Messages("arn:aws:sqs:" + iamRegion + ":" + account + ":" +
		w.PhysicalID("DriftEvents")[strings.LastIndex(w.PhysicalID("DriftEvents"), "/")+1:]); len(left) != 0 {
		t.Errorf("%d events are left in the queue:\n%s", len(left), w.Log)
	}
}

// TestForwardedEvents checks that a change of a role starts the check in another
// Region than the one in which IAM's events arrive, if they are forwarded.
func TestForwardedEvents(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launchIn(t, region, fakeawstest.Options{Program: fakeawstest.BuiltProgram(t), Events: true}, nil)
	template, err := os.ReadFile("../../templates/iam-events.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w.AWS.In(account, iamRegion).Launch(fakeawstest.Launch{
		Name: "events", Template: template, Parameters: map[string]string{"TargetRegion": region},
	})
	w.WaitIdle()
	w.Messages()
	w.AttachPolicy(w.RoleName(), admin)
	w.WaitIdle()
	got := w.Messages()
	if len(got) != 1 || got[0].Direction != finding.GrantsMore ||
		!strings.Contains(got[0].Email, "called iam:AttachRolePolicy") {
		t.Errorf("got messages %+v, want one with the caller", got)
	}
}

// TestEventOfForeignRule checks that a rule of somebody else whose name begins like those of the check cannot start the
// check with an event that never happened.
func TestEventOfForeignRule(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launchIn(t, iamRegion, fakeawstest.Options{Program: fakeawstest.BuiltProgram(t), Events: true}, nil)
	w.WaitIdle()
	w.Messages()
	own := w.PhysicalID("DriftRule")
	send := func(rule string) int {
		t.Helper()
		source := "theirs" + rule
		if _, err := w.Events.PutRule(t.Context(), &eventbridge.PutRuleInput{
			Name: &rule, EventPattern: aws.String(`{"source":["` + source + `"]}`),
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
			Rule: &rule, Targets: []types.Target{{Id: aws.String("Drift"), Arn: aws.String(
				"arn:aws:lambda:" + iamRegion + ":" + account + ":function:" + w.PhysicalID("Drift"))}},
		}); err != nil {
			t.Fatal(err)
		}
		w.WaitIdle()
		completed := strings.Count(w.Log.String(), "drift check completed")
		if _, err := w.Events.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
			Source: &source, DetailType: aws.String("theirs"), Detail: aws.String("{}"),
		}}}); err != nil {
			t.Fatal(err)
		}
		w.WaitIdle()
		return strings.Count(w.Log.String(), "drift check completed") - completed
	}
	if n := send(own + "-theirs"); n != 0 {
		t.Errorf("an event of a rule of somebody else started %d checks, want none", n)
	}
	if n := send(own); n != 1 { // the event does reach the function of a rule of the check
		t.Errorf("an event of the check's own rule started %d checks, want 1", n)
	}
}
