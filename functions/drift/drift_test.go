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

	"permstack/internal/awsapi/awserr"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// scheduled is the event of the drift check's schedule.
const scheduled = `{"source":"aws.events"}`

// TestLifecycle runs the function in its own process and with its own role, from
// the launch of a connection through changes by hand to updates.
func TestLifecycle(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, nil)
	messages := w.Messages()
	if len(messages) != 1 || messages[0].Kind != notify.KindAccess || messages[0].Status != notify.Granted ||
		messages[0].Access.Added < 50 ||
		!strings.Contains(messages[0].Email, "+ ec2:CreateSnapshot") {
		t.Errorf("messages of the launch: %+v", messages)
	}

	first := w.CheckDrift()
	if first.Status != notify.InSync || first.Drifted != 0 || !first.Completed || first.Notified != 0 ||
		first.Checked < 15 {
		t.Errorf("after the launch: %+v", first)
	}
	w.RequireMessages()

	w.AttachPolicy(w.RoleName(), admin)
	got := w.RequireMessages("GRANTS MORE: 1 new")
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
	w.RequireMessages()

	own := "arn:aws:iam::123456789012:policy/permstack/eu-central-1/main/ClumioEC2BackupPolicy-eu-central-1-main"
	w.DetachPolicy(w.RoleName(), own)
	w.RequireMessages("CHANGED: 1 new") // AdministratorAccess grants what the policy granted
	w.AttachPolicy(w.RoleName(), own)
	w.RequireMessages("RESOLVED: 1, 1 open")
	w.DetachPolicy(w.RoleName(), admin)
	got = w.RequireMessages("RESOLVED: 1, all in sync")
	if len(got) == 1 &&
		(got[0].Status != notify.InSync || !strings.Contains(got[0].Resolved[0].What, "AdministratorAccess")) {
		t.Errorf("message %+v", got[0])
	}
	w.RequireMessages()

	w.update(map[string]string{"Operations": "backup"})
	messages = w.Messages()
	if len(messages) != 1 || messages[0].Kind != notify.KindAccess || messages[0].Status != notify.Altered ||
		messages[0].Direction != finding.GrantsLess ||
		messages[0].Access.Removed == 0 ||
		!strings.Contains(messages[0].Email, "- ec2:") {
		t.Errorf("messages of the update: %+v", messages)
	}
	w.RequireMessages()
	w.update(map[string]string{"Operations": "backup", "LogRetentionDays": "30"})
	w.RequireMessages() // the access did not change

	if strings.Contains(w.Log.String(), fakeawstest.ExternalID) {
		t.Errorf("the log contains the external id")
	}
	for _, m := range w.AWS.SNS().Messages(w.topic()) {
		if strings.Contains(m.Body+m.Subject, fakeawstest.ExternalID) {
			t.Errorf("a message contains the external id: %s", m.Body)
		}
	}
	if logs := w.Log.String(); !strings.Contains(logs, `"CloudWatchMetrics":[{"Dimensions":[["Stack"]]`) ||
		!strings.Contains(logs, `"Namespace":"permstack"`) {
		t.Errorf("no metrics in the log:\n%.2000s", logs)
	}
}

// TestFailures checks that whatever fails, no notification is lost and each is sent at most once
// too often.
func TestFailures(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, nil)
	w.RequireMessages("access granted: 90 actions added, 0 removed")
	w.AttachPolicy(w.RoleName(), admin)

	// The message cannot be sent: the run fails, the next one sends it.
	restore := w.FailCalls("Publish", "InternalError")
	if out := w.Invoke("Drift", scheduled); out.FunctionError == "" {
		t.Errorf("a run that cannot send its message succeeded: %s", out.Payload)
	}
	restore()
	w.RequireMessages("GRANTS MORE: 1 new")

	// The state cannot be saved: the message is sent once more, and the run does not
	// count as completed.
	restore = w.FailCalls("PutParameter", "InternalServerError")
	if got := w.CheckDrift(); got.Completed {
		t.Errorf("a run that cannot save its state is completed: %+v", got)
	}
	restore()
	w.Messages()
	w.RequireMessages()

	// The state is empty, damaged, of another stack, of another version.
	for _, value := range []string{"{}", "garbage", `{"v":1,"p":"other"}`, `{"v":99}`} {
		if !policytest.NewQuickSample(4).Includes("state " + value) {
			continue
		}
		t.Run("state "+value, func(t *testing.T) {
			w := w.in(t)
			w.writeState(value)
			w.RequireMessages("GRANTS MORE: 2 new") // the finding, and that the state was lost
			w.RequireMessages()
		})
	}
	if _, err := w.SSM.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: &w.parameter}); err != nil {
		t.Fatal(err)
	}
	w.RequireMessages("GRANTS MORE: 2 new")
	w.RequireMessages()

	// Nothing can be checked: the run fails and keeps its state.
	restore = w.FailCalls("DescribeStacks", "InternalFailure")
	if out := w.Invoke("Drift", scheduled); out.FunctionError == "" {
		t.Errorf("a run that cannot check succeeded: %s", out.Payload)
	}
	restore()
	w.RequireMessages()

	// What cannot be read is reported as unreadable, and resolves nothing.
	restore = w.FailCalls("ListAttachedRolePolicies", "AccessDenied")
	w.CheckDrift()
	messages := w.Messages()
	if len(messages) != 1 || messages[0].Counts.Resolved != 0 || messages[0].Direction != finding.Unreadable {
		t.Errorf("messages about what cannot be read: %+v", messages)
	}
	w.RequireMessages()
	restore()
	w.CheckDrift()
	messages = w.Messages()
	for _, m := range messages {
		for _, r := range m.Resolved {
			if r.Direction != finding.Unreadable {
				t.Errorf("resolved: %+v", r)
			}
		}
	}
	w.RequireMessages()
	w.DetachPolicy(w.RoleName(), admin)
	w.RequireMessages("RESOLVED: 1, all in sync")
}

// TestAnnouncedLater checks that if the announcement of an update fails, the drift check announces
// it once.
func TestAnnouncedLater(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, nil)
	w.RequireMessages("access granted: 90 actions added, 0 removed")
	restore := w.FailCalls("Publish", "InternalError")
	w.update(map[string]string{"Operations": "backup"})
	restore()
	got := w.RequireMessages("access changed at an earlier update")
	if len(got) == 1 && (!got[0].Access.Late || len(got[0].Access.Changes) < 3) {
		t.Errorf("announced: %+v", got[0].Access)
	}
	w.RequireMessages()
}

// TestRole checks that the function's role can only read.
func TestRole(t *testing.T) {
	t.Parallel()
	w := launch(t, nil)
	f, err := w.Functions.Get(lambda.Resolve(account, region, w.PhysicalID("Drift")))
	if err != nil {
		t.Fatal(err)
	}
	as, role := iam.NewFromConfig(w.ConfigAsFunction(account, region, f.Role, f.ARN())), w.RoleName()
	_, err = as.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: aws.String(admin)})
	if !awserr.IsDenied(err) {
		t.Errorf("attach a policy as the drift check: got %v, want it denied", err)
	}
	_, err = as.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: aws.String(admin)})
	if !awserr.IsDenied(err) {
		t.Errorf("detach a policy as the drift check, with OnDrift notify: got %v, want it denied", err)
	}
}

// TestRevert checks that added policies are removed, and that the message that reports them
// contains the revert.
func TestRevert(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, map[string]string{"OnDrift": "revert"})
	w.Messages()
	w.RequireMessages()
	w.AttachPolicy(w.RoleName(), admin)
	w.PutInlinePolicy(w.RoleName(), "Rogue",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
	got := w.RequireMessages("GRANTS MORE: 2 new")
	if len(got) == 1 && (got[0].Reverted == nil || len(got[0].Reverted.Done) != 2 || len(got[0].Reverted.Failed) != 0) {
		t.Errorf("reverted: %+v", got[0].Reverted)
	}
	if slices.Contains(w.AttachedPolicies(w.RoleName()), admin) {
		t.Error("AdministratorAccess is still attached")
	}
	w.RequireMessages("RESOLVED: 2, all in sync")
	w.RequireMessages()
}

// TestChangedChoices checks that a change of who gets access, of the boundary or of the
// notifications in the parent stack is announced once, with the values.
func TestChangedChoices(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, map[string]string{"OnDrift": "notify"})
	w.CheckDrift()
	w.Messages()
	last := map[string]string{}
	for _, tc := range []struct {
		name, parameter, value string
		direction              finding.Direction
		text                   string
	}{
		{"principal", "ControlPlaneRoleArn", "arn:aws:iam::999988887777:role/x", finding.GrantsMore, "999988887777"},
		{"boundary replaced", "PermissionsBoundaryArn", "arn:aws:iam::aws:policy/AdministratorAccess", finding.GrantsMore,
			"AdministratorAccess"},
		{"boundary restored", "PermissionsBoundaryArn", "", finding.GrantsMore, "VendorCeiling"},
		{"address", "NotificationEmail", "", finding.Monitoring, "email:security@example.com"},
		{"schedule", "DriftSchedule", "rate(2 hours)", finding.Monitoring, "rate(2 hours)"},
		{"revert", "OnDrift", "revert", finding.Monitoring, "revert"},
	} {
		if !policytest.NewQuickSample(4).Includes(tc.name) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			last[tc.parameter] = tc.value
			w.update(last)
			w.Messages()
			w.CheckDrift()
			messages := w.Messages()
			if len(messages) != 1 || messages[0].Direction != tc.direction || !strings.Contains(messages[0].Email, tc.text) {
				t.Errorf("got %+v, want one with %q (%s)", messages, tc.text, tc.direction)
			}
			w.RequireMessages()
		})
	}
}

// TestPoisonedState checks that a state that no run wrote hides nothing and does not stop a run.
func TestPoisonedState(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, nil)
	w.CheckDrift()
	w.Messages()
	w.AttachPolicy(w.RoleName(), admin)
	w.RequireMessages("GRANTS MORE: 1 new")
	out, err := w.SSM.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &w.parameter})
	if err != nil {
		t.Fatal(err)
	}
	state, err := notify.DecodeState([]byte(*out.Parameter.Value), w.StackID)
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
		if !policytest.NewQuickSample(4).Includes(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			w.writeState(string(poisoned.Encode(w.StackID)))
			messages := w.RequireMessages("GRANTS MORE: 2 new")
			if !slices.ContainsFunc(messages[0].Findings, func(f notify.Reported) bool {
				return f.Kind == finding.StateLost && f.Direction == finding.Monitoring
			}) {
				t.Errorf("the state is not reported: %+v", messages[0].Findings)
			}
			w.RequireMessages()
		})
	}
}

// TestNoSubscriber checks that a run whose messages nobody receives is not completed.
func TestNoSubscriber(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, nil)
	if got := w.CheckDrift(); !got.Completed {
		t.Errorf("with a confirmed subscription: %+v", got)
	}
	in := &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(w.topic())}
	list, err := w.SNS.ListSubscriptionsByTopic(t.Context(), in)
	if err != nil || len(list.Subscriptions) != 1 {
		t.Fatalf("subscriptions %+v, %v", list, err)
	}
	if _, err := w.SNS.Unsubscribe(t.Context(), &sns.UnsubscribeInput{
		SubscriptionArn: list.Subscriptions[0].SubscriptionArn,
	}); err != nil {
		t.Fatal(err)
	}
	if got := w.CheckDrift(); got.Completed {
		t.Errorf("without a subscription: %+v", got)
	}
}

// TestHubSetLater checks that a finding that was open before the Organization's topic was
// set is sent to it.
func TestHubSetLater(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, nil)
	hub, err := w.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("hub")})
	if err != nil {
		t.Fatal(err)
	}
	w.AttachPolicy(w.RoleName(), admin)
	w.CheckDrift()
	w.update(map[string]string{"OrgHubTopicArn": *hub.TopicArn})
	w.CheckDrift()
	w.CheckDrift()
	all := w.AWS.SNS().Messages(*hub.TopicArn)
	if len(all) != 1 || !strings.Contains(all[0].Subject, "GRANTS MORE") {
		t.Errorf("messages of the hub: %+v", all)
	}
}

// TestOwnTopicDeleted checks that the Organization's topic is notified although the account's own
// topic does not exist, and the run fails.
func TestOwnTopicDeleted(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, nil)
	hub, err := w.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("hub")})
	if err != nil {
		t.Fatal(err)
	}
	w.update(map[string]string{"OrgHubTopicArn": *hub.TopicArn})
	w.CheckDrift()
	before := len(w.AWS.SNS().Messages(*hub.TopicArn))
	if _, err := w.SNS.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: aws.String(w.topic())}); err != nil {
		t.Fatal(err)
	}
	if out := w.Invoke("Drift", scheduled); out.FunctionError == "" {
		t.Errorf("a run that cannot notify the account succeeded: %s", out.Payload)
	}
	all := w.AWS.SNS().Messages(*hub.TopicArn)
	if len(all) != before+1 || !strings.Contains(all[before].Subject, "MONITORING") {
		t.Errorf("messages of the hub: %+v", all[before:])
	}
}
