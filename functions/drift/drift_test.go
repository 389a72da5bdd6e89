package main_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// TestLifecycle runs the function in its own process and with its own role, from
// the launch of a connection through changes by hand to updates.
func TestLifecycle(t *testing.T) {
	w := launch(t, nil)
	messages, mails := w.newMessages()
	if len(messages) != 1 || messages[0].Kind != notify.KindAccess || messages[0].Status != notify.Granted ||
		messages[0].Access.Added < 50 ||
		!strings.Contains(mails[0], "+ ec2:CreateSnapshot") {
		t.Errorf("messages of the launch: %+v", messages)
	}

	first := w.run()
	if first.Status != notify.InSync || first.Drifted != 0 || !first.Completed || first.Notified != 0 ||
		first.Checked < 15 {
		t.Errorf("after the launch: %+v", first)
	}
	w.expectMessages()

	w.attach(admin)
	got := w.expectMessages("GRANTS MORE: 1 new")
	if len(got) == 1 {
		f := got[0].Findings[0]
		if f.Kind != finding.AttachmentAdded || f.LogicalID != "ClumioIAMRole" || f.Direction != finding.GrantsMore ||
			got[0].Status != notify.Drifted ||
			got[0].Profile != "clumio" ||
			got[0].Account != account ||
			got[0].Region != region ||
			got[0].Stack != "backup" {
			t.Errorf("message %+v", got[0])
		}
	}
	w.expectMessages()

	own := "arn:aws:iam::123456789012:policy/permstack/ClumioEC2BackupPolicy-eu-central-1-main"
	w.detach(own)
	w.expectMessages("CHANGED: 1 new") // AdministratorAccess grants what the policy granted
	w.attach(own)
	w.expectMessages("RESOLVED: 1, 1 open")
	w.detach(admin)
	got = w.expectMessages("RESOLVED: 1, all in sync")
	if len(got) == 1 &&
		(got[0].Status != notify.InSync || !strings.Contains(got[0].Resolved[0].What, "AdministratorAccess")) {
		t.Errorf("message %+v", got[0])
	}
	w.expectMessages()

	w.update(map[string]string{"Operations": "backup"})
	messages, mails = w.newMessages()
	if len(messages) != 1 || messages[0].Kind != notify.KindAccess || messages[0].Status != notify.Altered ||
		messages[0].Direction != finding.GrantsLess ||
		messages[0].Access.Removed == 0 ||
		!strings.Contains(mails[0], "- ec2:") {
		t.Errorf("messages of the update: %+v", messages)
	}
	w.expectMessages()
	w.update(map[string]string{"Operations": "backup", "LogRetentionDays": "30"})
	w.expectMessages() // the access did not change

	if strings.Contains(w.logs.String(), secret) {
		t.Errorf("the log contains the external id")
	}
	for _, m := range w.aws.SNS().Messages(w.topic) {
		if strings.Contains(m.Body+m.Subject, secret) {
			t.Errorf("a message contains the external id: %s", m.Body)
		}
	}
	if logs := w.logs.String(); !strings.Contains(logs, `"CloudWatchMetrics":[{"Dimensions":[["Stack"]]`) ||
		!strings.Contains(logs, `"Namespace":"permstack"`) {
		t.Errorf("no metrics in the log:\n%.2000s", logs)
	}
}

// fail makes the calls of an action by roles fail until restore is called.
func (w *environment) fail(action, code string) (restore func()) {
	w.aws.SetIntercept(func(c *protocol.Call) error {
		if c.Action == action && strings.Contains(c.Caller.ARN, "Role") {
			return protocol.Errorf(code, "not this time")
		}
		return nil
	})
	return func() { w.aws.SetIntercept(nil) }
}

// TestFailures: whatever fails, no notification is lost and each is sent at most
// once too often.
func TestFailures(t *testing.T) {
	w := launch(t, nil)
	w.expectMessages("access granted: 90 actions added, 0 removed")
	w.attach(admin)

	// The message cannot be sent: the run fails, the next one sends it.
	restore := w.fail("Publish", "InternalError")
	if out := w.invoke(); out.FunctionError == "" {
		t.Errorf("a run that cannot send its message succeeded: %s", out.Payload)
	}
	restore()
	w.expectMessages("GRANTS MORE: 1 new")

	// The state cannot be saved: the message is sent once more, and the run does not
	// count as completed.
	restore = w.fail("PutParameter", "InternalServerError")
	if got := w.run(); got.Completed {
		t.Errorf("a run that cannot save its state is completed: %+v", got)
	}
	restore()
	w.newMessages()
	w.expectMessages()

	// The state is empty, damaged, of another stack, of another version.
	for _, value := range []string{"{}", "garbage", `{"v":1,"p":"other"}`, `{"v":99}`} {
		if _, err := w.ssm.PutParameter(
			t.Context(),
			&ssm.PutParameterInput{Name: &w.parameter, Value: &value, Overwrite: aws.Bool(true)},
		); err != nil {
			t.Fatal(err)
		}
		w.expectMessages("GRANTS MORE: 2 new") // the finding, and that the state was lost
		w.expectMessages()
	}
	if _, err := w.ssm.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: &w.parameter}); err != nil {
		t.Fatal(err)
	}
	w.expectMessages("GRANTS MORE: 2 new")
	w.expectMessages()

	// Nothing can be checked: the run fails and keeps its state.
	restore = w.fail("DescribeStacks", "InternalFailure")
	if out := w.invoke(); out.FunctionError == "" {
		t.Errorf("a run that cannot check succeeded: %s", out.Payload)
	}
	restore()
	w.expectMessages()

	// What cannot be read is reported as unreadable, and resolves nothing.
	restore = w.fail("ListAttachedRolePolicies", "AccessDenied")
	w.run()
	messages, _ := w.newMessages()
	if len(messages) != 1 || messages[0].Counts.Resolved != 0 || messages[0].Direction != finding.Unreadable {
		t.Errorf("messages about what cannot be read: %+v", messages)
	}
	w.expectMessages()
	restore()
	w.run()
	messages, _ = w.newMessages()
	for _, m := range messages {
		for _, r := range m.Resolved {
			if r.Direction != finding.Unreadable {
				t.Errorf("resolved: %+v", r)
			}
		}
	}
	w.expectMessages()
	w.detach(admin)
	w.expectMessages("RESOLVED: 1, all in sync")
}

// TestAnnouncedLater: if the announcement of an update fails, the drift check
// announces it once.
func TestAnnouncedLater(t *testing.T) {
	w := launch(t, nil)
	w.expectMessages("access granted: 90 actions added, 0 removed")
	restore := w.fail("Publish", "InternalError")
	w.update(map[string]string{"Operations": "backup"})
	restore()
	got := w.expectMessages("access changed at an earlier update")
	if len(got) == 1 && (!got[0].Access.Late || len(got[0].Access.Changes) < 3) {
		t.Errorf("announced: %+v", got[0].Access)
	}
	w.expectMessages()
}

// TestRole: the function's role can only read.
func TestRole(t *testing.T) {
	w := launch(t, nil)
	f, err := w.aws.Functions.Get(w.function)
	if err != nil {
		t.Fatal(err)
	}
	as := iam.NewFromConfig(w.aws.ConfigAs(account, region, f.Role))
	if _, err := as.AttachRolePolicy(
		t.Context(),
		&iam.AttachRolePolicyInput{RoleName: aws.String(role), PolicyArn: aws.String(admin)},
	); err == nil {
		t.Error("the drift check can attach policies")
	}
	if _, err := as.DetachRolePolicy(
		t.Context(),
		&iam.DetachRolePolicyInput{RoleName: aws.String(role), PolicyArn: aws.String(admin)},
	); err == nil ||
		!strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("the drift check can detach policies though OnDrift is notify: %v", err)
	}
}

// TestRevert: added policies are removed, and the message that reports them says
// so.
func TestRevert(t *testing.T) {
	w := launch(t, map[string]string{"OnDrift": "revert"})
	w.newMessages()
	w.expectMessages()
	w.attach(admin)
	if _, err := w.iam.PutRolePolicy(
		t.Context(),
		&iam.PutRolePolicyInput{
			RoleName:   aws.String(role),
			PolicyName: aws.String("Rogue"),
			PolicyDocument: aws.String(
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`,
			),
		},
	); err != nil {
		t.Fatal(err)
	}
	got := w.expectMessages("GRANTS MORE: 2 new")
	if len(got) == 1 && (got[0].Reverted == nil || len(got[0].Reverted.Done) != 2 || len(got[0].Reverted.Failed) != 0) {
		t.Errorf("reverted: %+v", got[0].Reverted)
	}
	attached, err := w.iam.ListAttachedRolePolicies(
		t.Context(),
		&iam.ListAttachedRolePoliciesInput{RoleName: aws.String(role)},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range attached.AttachedPolicies {
		if *p.PolicyArn == admin {
			t.Error("AdministratorAccess is still attached")
		}
	}
	w.expectMessages("RESOLVED: 2, all in sync")
	w.expectMessages()
}

// TestChangedChoices: a change of who gets access, of the boundary or of the
// notifications in the parent stack is announced once, with the values.
func TestChangedChoices(t *testing.T) {
	w := launch(t, map[string]string{"OnDrift": "notify"})
	w.run()
	w.newMessages()
	last := map[string]string{}
	for _, tc := range []struct {
		name, parameter, value string
		direction              finding.Direction
		text                   string
	}{
		{"principal", "ControlPlaneRoleArn", "arn:aws:iam::999988887777:role/x", finding.GrantsMore, "999988887777"},
		{"boundary added", "PermissionsBoundaryArn", "arn:aws:iam::aws:policy/AdministratorAccess", finding.GrantsLess,
			"AdministratorAccess"},
		{"boundary removed", "PermissionsBoundaryArn", "", finding.GrantsMore, "nothing"},
		{"address", "NotificationEmail", "", finding.Monitoring, "email:security@example.com"},
		{"schedule", "DriftSchedule", "rate(2 hours)", finding.Monitoring, "rate(2 hours)"},
		{"revert", "OnDrift", "revert", finding.Monitoring, "revert"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			last[tc.parameter] = tc.value
			w.update(last)
			w.newMessages()
			w.run()
			messages, mails := w.newMessages()
			if len(messages) != 1 || messages[0].Direction != tc.direction || !strings.Contains(mails[0], tc.text) {
				t.Errorf("got %q, want one with %q (%s)", mails, tc.text, tc.direction)
			}
			w.expectMessages()
		})
	}
}

// TestPoisonedState: a state that no run wrote hides nothing and stops no run.
func TestPoisonedState(t *testing.T) {
	w := launch(t, nil)
	w.run()
	w.newMessages()
	w.attach(admin)
	w.expectMessages("GRANTS MORE: 1 new")
	out, err := w.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &w.parameter})
	if err != nil {
		t.Fatal(err)
	}
	state, err := notify.DecodeState([]byte(*out.Parameter.Value), w.stackID)
	if err != nil {
		t.Fatal(err)
	}
	future := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	reported := state
	reported.Known = slices.Clone(state.Known)
	reported.Known[0].Notified = future
	locked := state
	locked.Lease = notify.Lease{Holder: "x", Until: future}
	for name, poisoned := range map[string]notify.State{"reported in the future": reported, "lease": locked} {
		t.Run(name, func(t *testing.T) {
			value := string(poisoned.Encode(w.stackID))
			if _, err := w.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{
				Name: &w.parameter, Value: &value, Overwrite: aws.Bool(true),
			}); err != nil {
				t.Fatal(err)
			}
			messages := w.expectMessages("GRANTS MORE: 2 new")
			if !slices.ContainsFunc(messages[0].Findings, func(f notify.Reported) bool {
				return f.Kind == finding.StateLost && f.Direction == finding.Monitoring
			}) {
				t.Errorf("the state is not reported: %+v", messages[0].Findings)
			}
			w.expectMessages()
		})
	}
}

// TestNoSubscriber: a run whose messages nobody receives is not completed.
func TestNoSubscriber(t *testing.T) {
	w := launch(t, nil)
	if got := w.run(); !got.Completed {
		t.Errorf("with a confirmed subscription: %+v", got)
	}
	client := sns.NewFromConfig(w.aws.Config(account, region))
	list, err := client.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &w.topic})
	if err != nil || len(list.Subscriptions) != 1 {
		t.Fatalf("subscriptions %+v, %v", list, err)
	}
	if _, err := client.Unsubscribe(t.Context(), &sns.UnsubscribeInput{
		SubscriptionArn: list.Subscriptions[0].SubscriptionArn,
	}); err != nil {
		t.Fatal(err)
	}
	if got := w.run(); got.Completed {
		t.Errorf("without a subscription: %+v", got)
	}
}

// TestOwnTopicDeleted: the Organization's topic is notified although the account's
// own topic does not exist, and the run fails.
func TestOwnTopicDeleted(t *testing.T) {
	topics := func(w *environment) *sns.Client { return sns.NewFromConfig(w.aws.Config(account, region)) }
	w := launch(t, nil)
	hub, err := topics(w).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("hub")})
	if err != nil {
		t.Fatal(err)
	}
	w.update(map[string]string{"OrgHubTopicArn": *hub.TopicArn})
	w.run()
	before := len(w.aws.SNS().Messages(*hub.TopicArn))
	if _, err := topics(w).DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: &w.topic}); err != nil {
		t.Fatal(err)
	}
	if out := w.invoke(); out.FunctionError == "" {
		t.Errorf("a run that cannot notify the account succeeded: %s", out.Payload)
	}
	all := w.aws.SNS().Messages(*hub.TopicArn)
	if len(all) != before+1 || !strings.Contains(all[before].Subject, "MONITORING") {
		t.Errorf("messages of the hub: %+v", all[before:])
	}
}
