package main_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// TestStory is a connection's life as the function sees it, in its own process
// and with its own role.
func TestStory(t *testing.T) {
	w := launch(t, nil)
	messages, mails := w.told()
	if len(messages) != 1 || messages[0].Kind != notify.KindAccess || messages[0].Status != notify.Granted || messages[0].Access.Added < 50 || !strings.Contains(mails[0], "+ ec2:CreateSnapshot") {
		t.Errorf("told at the launch: %+v", messages)
	}

	first := w.run()
	if first.Status != notify.InSync || first.Drifted != 0 || !first.Completed || first.Notified != 0 || first.Checked < 15 {
		t.Errorf("after the launch: %+v", first)
	}
	w.tells()

	w.attach(admin)
	got := w.tells("GRANTS MORE: 1 new")
	if len(got) == 1 {
		f := got[0].Findings[0]
		if f.Kind != finding.AttachmentAdded || f.LogicalID != "ClumioIAMRole" || f.Direction != finding.GrantsMore || got[0].Status != notify.Drifted || got[0].Profile != "clumio" || got[0].Account != account || got[0].Region != region || got[0].Stack != "backup" {
			t.Errorf("told: %+v", got[0])
		}
	}
	w.tells()

	own := "arn:aws:iam::123456789012:policy/permstack/ClumioEC2BackupPolicy-eu-central-1-main"
	w.detach(own)
	w.tells("GRANTS LESS: 1 new")
	w.attach(own)
	w.tells("RESOLVED: 1, 1 left")
	w.detach(admin)
	got = w.tells("RESOLVED: 1, all in sync")
	if len(got) == 1 && (got[0].Status != notify.InSync || !strings.Contains(got[0].Resolved[0].What, "AdministratorAccess")) {
		t.Errorf("told: %+v", got[0])
	}
	w.tells()

	w.update(map[string]string{"Operations": "backup"})
	messages, mails = w.told()
	if len(messages) != 1 || messages[0].Kind != notify.KindAccess || messages[0].Status != notify.Altered || messages[0].Direction != finding.GrantsLess || messages[0].Access.Removed == 0 || !strings.Contains(mails[0], "- ec2:") {
		t.Errorf("told at the update: %+v", messages)
	}
	w.tells()
	w.update(map[string]string{"Operations": "backup", "LogRetentionDays": "30"})
	w.tells() // nothing of the access changed

	for _, told := range []string{secret} {
		if strings.Contains(w.logs.String(), told) {
			t.Errorf("the log tells %q", told)
		}
		for _, m := range w.aws.SNS().Messages(w.topic) {
			if strings.Contains(m.Body+m.Subject, told) {
				t.Errorf("a message tells %q", told)
			}
		}
	}
	if logs := w.logs.String(); !strings.Contains(logs, `"CloudWatchMetrics":[{"Dimensions":[["Stack"]]`) || !strings.Contains(logs, `"Namespace":"permstack"`) {
		t.Errorf("no metrics in the log:\n%.2000s", logs)
	}
}

// fail answers calls of an action with an error until the test takes it back.
func (w *world) fail(action, code string) (restore func()) {
	w.aws.SetIntercept(func(c *protocol.Call) error {
		if c.Action == action && strings.Contains(c.Caller.ARN, "Role") {
			return protocol.Errorf(code, "not this time")
		}
		return nil
	})
	return func() { w.aws.SetIntercept(nil) }
}

// TestFaults: whatever fails, no alert is lost and none is told more than once
// too often.
func TestFaults(t *testing.T) {
	w := launch(t, nil)
	w.tells("access granted: 84 actions added, 0 removed")
	w.attach(admin)

	// The message cannot be sent: the run fails, the next one tells.
	restore := w.fail("Publish", "InternalError")
	if out := w.invoke(); out.FunctionError == "" {
		t.Errorf("a run that cannot tell succeeds: %s", out.Payload)
	}
	restore()
	w.tells("GRANTS MORE: 1 new")

	// The state cannot be saved: told once more, and the run does not count.
	restore = w.fail("PutParameter", "InternalServerError")
	if got := w.run(); got.Completed {
		t.Errorf("a run that remembers nothing is completed: %+v", got)
	}
	restore()
	w.told()
	w.tells()

	// The state is lost, damaged, another stack's.
	for _, value := range []string{"{}", "garbage", `{"v":1,"p":"other"}`, `{"v":99}`} {
		if _, err := w.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{Name: &w.parameter, Value: &value, Overwrite: aws.Bool(true)}); err != nil {
			t.Fatal(err)
		}
		w.tells("GRANTS MORE: 1 new")
		w.tells()
	}
	if _, err := w.ssm.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: &w.parameter}); err != nil {
		t.Fatal(err)
	}
	w.tells("GRANTS MORE: 1 new")
	w.tells()

	// Nothing can be checked: the run fails and forgets nothing.
	restore = w.fail("DescribeStacks", "InternalFailure")
	if out := w.invoke(); out.FunctionError == "" {
		t.Errorf("a run that cannot look succeeds: %s", out.Payload)
	}
	restore()
	w.tells()

	// What cannot be read is told as such, and resolves nothing.
	restore = w.fail("ListAttachedRolePolicies", "AccessDenied")
	w.run()
	messages, _ := w.told()
	if len(messages) != 1 || messages[0].Counts.Resolved != 0 || messages[0].Direction != finding.Unreadable {
		t.Errorf("told of what cannot be read: %+v", messages)
	}
	w.tells()
	restore()
	w.run()
	messages, _ = w.told()
	for _, m := range messages {
		for _, r := range m.Resolved {
			if r.Direction != finding.Unreadable {
				t.Errorf("resolved: %+v", r)
			}
		}
	}
	w.tells()
	w.detach(admin)
	w.tells("RESOLVED: 1, all in sync")
}

// TestAnnouncedLater: an update whose announcement fails is announced by the
// drift check, once.
func TestAnnouncedLater(t *testing.T) {
	w := launch(t, nil)
	w.tells("access granted: 84 actions added, 0 removed")
	restore := w.fail("Publish", "InternalError")
	w.update(map[string]string{"Operations": "backup"})
	restore()
	got := w.tells("access changed at an earlier update")
	if len(got) == 1 && (!got[0].Access.Late || len(got[0].Access.Changes) < 3) {
		t.Errorf("announced: %+v", got[0].Access)
	}
	w.tells()
}

// TestRole: the function's role reads and nothing else.
func TestRole(t *testing.T) {
	w := launch(t, nil)
	f, err := w.aws.Functions.Get(w.function)
	if err != nil {
		t.Fatal(err)
	}
	as := iam.NewFromConfig(w.aws.ConfigAs(account, region, f.Role))
	if _, err := as.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String(role), PolicyArn: aws.String(admin)}); err == nil {
		t.Error("the drift check can attach policies")
	}
	if _, err := as.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: aws.String(role), PolicyArn: aws.String(admin)}); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("the drift check can detach policies though OnDrift is notify: %v", err)
	}
}

// TestRevert: what was added is taken off, and the same message tells both.
func TestRevert(t *testing.T) {
	w := launch(t, map[string]string{"OnDrift": "revert"})
	w.told()
	w.tells()
	w.attach(admin)
	if _, err := w.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String(role), PolicyName: aws.String("Rogue"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	got := w.tells("GRANTS MORE: 2 new")
	if len(got) == 1 && (got[0].Reverted == nil || len(got[0].Reverted.Done) != 2 || len(got[0].Reverted.Failed) != 0) {
		t.Errorf("put right: %+v", got[0].Reverted)
	}
	attached, err := w.iam.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: aws.String(role)})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range attached.AttachedPolicies {
		if *p.PolicyArn == admin {
			t.Error("AdministratorAccess is still attached")
		}
	}
	w.tells("RESOLVED: 2, all in sync")
	w.tells()
}
