package main_test

import (
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// TestCallersOfScheduledFindings checks that the message of a scheduled check names who
// made each change, when, and after which delay it is reported, without a trail and in
// another Region than that of IAM's events, and that the parameter switches it off.
func TestCallersOfScheduledFindings(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, nil)
	w.CheckDrift()
	w.Messages()
	change := func() {
		t.Helper()
		w.AttachPolicy(w.RoleName(), admin)
		if _, err := w.SNS.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
			TopicArn: aws.String(w.topic()), AttributeName: aws.String("Policy"),
			AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",` +
				`"Action":"sns:Subscribe","Resource":"` + w.topic() + `"}]}`),
		}); err != nil {
			t.Fatal(err)
		}
	}
	change()
	calls := w.AWS.CallCount("cloudtrail:LookupEvents")
	w.CheckDrift()
	messages := w.Messages()
	if len(messages) != 1 {
		t.Fatalf("got messages %+v, want one", messages)
	}
	for _, text := range []string{"called iam:AttachRolePolicy", "called sns:SetTopicAttributes", "reported after "} {
		if !strings.Contains(messages[0].Email, text) {
			t.Errorf("the e-mail has no %q:\n%s\n%s", text, messages[0].Email, w.Log)
		}
	}
	if n := w.AWS.CallCount("cloudtrail:LookupEvents") - calls; n < 2 || n > 8 {
		t.Errorf("got %d calls of LookupEvents, want 2 to 8", n)
	}
	w.CheckDrift()
	if n := w.AWS.CallCount("cloudtrail:LookupEvents") - calls; n > 8 {
		t.Errorf("findings that were reported are looked up again: %d calls", n)
	}
	w.DetachPolicy(w.RoleName(), admin)
	w.update(map[string]string{"LookupCallers": "no"})
	w.CheckDrift()
	w.Messages()
	w.AttachPolicy(w.RoleName(), admin)
	w.CheckDrift()
	messages = w.Messages()
	if len(messages) != 1 || strings.Contains(messages[0].Email, "called iam:AttachRolePolicy") {
		t.Errorf("without LookupCallers: got messages %+v", messages)
	}
}
