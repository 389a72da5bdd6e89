package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	cfnstacks "permstack/internal/cfn/stacks"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// commandLine is a command in an e-mail.
var commandLine = regexp.MustCompile(`(?m)^   command   (.+)$`)

// TestChoiceRemedy changes choices of the launched stack, and executes the command in the e-mail of the drift function,
// which sets the former value.
func TestChoiceRemedy(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each remedy")
	t.Parallel()
	e := newInstalled(t, nil)
	e.stack.CheckDrift()
	e.stack.Messages()
	for name, value := range map[string]string{
		"DriftSchedule": "rate(1 hour)", "DriftReminderDays": "0", "OnDrift": "revert", "AccountAudit": "yes",
		"DataPlaneAccountId": "999988887777", "NotificationEmail": "theirs@example.com",
		"GuardrailAdditions": "tag:cost-center",
	} {
		t.Run(name, func(t *testing.T) {
			e := e.in(t)
			described := e.stack.Describe()
			before := cfnstacks.Parameter(&described, name)
			in := &cloudformation.UpdateStackInput{UsePreviousTemplate: aws.Bool(true)}
			for _, p := range described.Parameters {
				p.UsePreviousValue = aws.Bool(true)
				if p.ParameterValue = nil; *p.ParameterKey == name {
					p.ParameterValue, p.UsePreviousValue = &value, nil
				}
				in.Parameters = append(in.Parameters, p)
			}
			e.stack.BeginUpdate(in)
			e.stack.Wait("UPDATE_COMPLETE")
			e.stack.CheckDrift()
			command := ""
			for _, m := range e.stack.Messages() {
				for _, f := range m.Findings {
					match := commandLine.FindStringSubmatch(m.Email)
					if f.Kind == finding.ChoiceChanged && f.Subject != "Subscribers" && match != nil && command == "" {
						command = match[1]
					}
				}
			}
			if command == "" {
				t.Fatal("got no e-mail with a command")
			}
			e.execute(command)
			described = e.stack.Describe()
			if got := cfnstacks.Parameter(&described, name); got != before {
				t.Errorf("after %s: got %q, want %q", command, got, before)
			}
			if found, text := e.check(); len(found) != 0 {
				t.Errorf("after %s: %s", command, text)
			}
			e.stack.CheckDrift()
			e.stack.Messages() // the change back is announced, too
		})
	}
}

// TestSettingRemedies changes what no template of the launched stack contains, and executes the commands of the
// announcements.
func TestSettingRemedies(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each remedy")
	t.Parallel()
	e := newInstalled(t, nil)
	t.Run("termination protection", func(t *testing.T) { testTerminationProtection(t, e.in(t)) })
	t.Run("topic and alarm", func(t *testing.T) { testStackSettings(t, e.in(t)) })
	t.Run("subscriber", func(t *testing.T) { testSubscriber(t, e.in(t)) })
}

// testTerminationProtection switches the termination protection of the launched stack off: that is announced with
// the command that switches it on, which is not announced.
func testTerminationProtection(t *testing.T, e *installed) {
	set := func(on bool) {
		t.Helper()
		if _, err := e.stack.CloudFormation.UpdateTerminationProtection(t.Context(),
			&cloudformation.UpdateTerminationProtectionInput{StackName: &e.stack.Name, EnableTerminationProtection: &on},
		); err != nil {
			t.Fatal(err)
		}
	}
	e.stack.CheckDrift()
	e.stack.Messages() // of the launch
	set(true)
	e.stack.RequireMessages()
	set(false)
	messages := e.stack.RequireMessages("MONITORING: 1 new")
	match := commandLine.FindStringSubmatch(messages[0].Email)
	if match == nil {
		t.Fatalf("got no command: %s", messages[0].Email)
	}
	e.execute(match[1])
	if on := e.stack.Describe().EnableTerminationProtection; !aws.ToBool(on) {
		t.Errorf("after %s: the stack is not protected", match[1])
	}
	e.stack.RequireMessages()
}

// testStackSettings adds a notification topic and a rollback alarm to the launched stack, and executes the command of
// the announcement, which removes both.
func testStackSettings(t *testing.T, e *installed) {
	in := &cloudformation.UpdateStackInput{
		UsePreviousTemplate: aws.Bool(true), NotificationARNs: []string{"arn:aws:sns:us-east-1:123456789012:theirs"},
		RollbackConfiguration: &types.RollbackConfiguration{RollbackTriggers: []types.RollbackTrigger{{
			Arn:  aws.String("arn:aws:cloudwatch:us-east-1:123456789012:alarm:theirs"),
			Type: aws.String("AWS::CloudWatch::Alarm"),
		}}}, Tags: []types.Tag{{Key: aws.String("at"), Value: aws.String("once")}},
	}
	for _, p := range e.stack.Describe().Parameters {
		in.Parameters = append(in.Parameters,
			types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	e.stack.BeginUpdate(in)
	e.stack.Wait("UPDATE_COMPLETE")
	e.executeAnnounced("StackSettings")
	after := e.stack.Describe()
	if len(after.NotificationARNs) != 0 || after.RollbackConfiguration != nil &&
		len(after.RollbackConfiguration.RollbackTriggers) != 0 {
		t.Errorf("got topics %q, alarms %v, want none", after.NotificationARNs, after.RollbackConfiguration)
	}
}

// testSubscriber unsubscribes a recipient of the alert topic, and executes the command of the announcement, which
// subscribes it again.
func testSubscriber(t *testing.T, e *installed) {
	topic := e.words["AlertTopic"]
	e.aws("aws sns subscribe --topic-arn {AlertTopic} --protocol email --notification-endpoint ops@example.com")
	confirm := func() {
		for _, c := range e.stack.AWS.SNS().Confirmations(topic) {
			if _, err := e.stack.SNS.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{
				TopicArn: &topic, Token: &c.Token,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	subscription := func() string {
		out, err := e.stack.SNS.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range out.Subscriptions {
			if aws.ToString(s.Endpoint) == "ops@example.com" {
				return aws.ToString(s.SubscriptionArn)
			}
		}
		return ""
	}
	confirm()
	e.stack.CheckDrift()
	e.stack.Messages()
	e.aws("aws sns unsubscribe --subscription-arn " + subscription())
	e.executeAnnounced("Subscribers")
	if subscription() == "" {
		t.Error("the recipient is not subscribed again")
	}
}

// executeAnnounced runs the check and executes the command of the changed choice in its e-mail.
func (e *installed) executeAnnounced(choice string) {
	e.t.Helper()
	e.stack.CheckDrift()
	command := ""
	for _, m := range e.stack.Messages() {
		for _, f := range m.Findings {
			match := commandLine.FindStringSubmatch(m.Email)
			if f.Kind == finding.ChoiceChanged && f.Subject == choice && match != nil {
				command = match[1]
			}
		}
	}
	if command == "" {
		e.t.Fatalf("got no e-mail with a command for %s", choice)
	}
	e.execute(command)
}

// TestStackHeldRemedy holds a permission stack in progress and cancels the update with the command of the finding. The
// clock of AWS is behind, so that the update seems to have begun long ago.
func TestStackHeldRemedy(t *testing.T) {
	policytest.RequireSlow(t, "it launches stacks")
	t.Parallel()
	e := newInstalled(t, func() time.Time { return time.Now().Add(-3 * time.Hour) })
	template, err := e.stack.CloudFormation.GetTemplate(t.Context(),
		&cloudformation.GetTemplateInput{StackName: aws.String(e.words["inventory"])})
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(*template.TemplateBody, `"Resources":{`, `"Resources":{"Handle":{"Type":`+
		`"AWS::CloudFormation::WaitConditionHandle"},"Wait":{"Type":"AWS::CloudFormation::WaitCondition","Properties":`+
		`{"Handle":{"Ref":"Handle"},"Timeout":"43200"}},`, 1)
	url := e.stack.TemplateURL("held.json", []byte(body))
	e.stack.Account.Stack(e.words["inventory"]).BeginUpdate(&cloudformation.UpdateStackInput{
		TemplateURL: &url, Tags: e.stack.Account.Stack(e.words["inventory"]).Describe().Tags,
	})
	open, text := e.check()
	for _, f := range open {
		if f.Kind == finding.StackHeld {
			e.execute(f.Command)
			if after, text := e.check(); len(after) != 0 {
				t.Errorf("after %s: %s", f.Command, text)
			}
			return
		}
	}
	t.Errorf("got no finding of the stack in progress: %s", text)
}

// TestAlertKeyRemedy disables the key of the alert topic, and schedules its deletion: the command of the finding, or of
// the one that remains after it, makes it usable again.
func TestAlertKeyRemedy(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	e := newInstalled(t, nil)
	key := "arn:aws:kms:us-east-1:123456789012:key/" + e.key()
	e.permstack([]int{0}, "drift", "revert", "--stack", e.stack.Name, "--set", "AlertKeyArn="+key)
	if found, text := e.check(); len(found) != 0 {
		t.Fatalf("before any change: %s", text)
	}
	for _, tc := range []struct {
		name, do string
		states   []string // that the check finds until the key can be used again
	}{
		{"disabled", "aws kms disable-key --key-id " + key, []string{"Disabled"}},
		{"deletion scheduled", "aws kms schedule-key-deletion --key-id " + key + " --pending-window-in-days 7",
			[]string{"PendingDeletion", "Disabled"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := e.in(t)
			e.aws(tc.do)
			for _, state := range tc.states {
				found, text := e.check()
				if len(found) != 1 {
					t.Fatalf("got %d findings, want one: %s", len(found), text)
				}
				for _, f := range found {
					if f.Kind != finding.PropertyChanged || f.Direction != finding.Monitoring ||
						!strings.Contains(f.Actual, state) {
						t.Errorf("got %s, want state %s", text, state)
					}
					e.execute(f.Command)
				}
			}
			if found, text := e.check(); len(found) != 0 {
				t.Errorf("after the commands: %s", text)
			}
		})
	}
}
