package changeevent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"permstack/internal/notify/finding"
)

// TestCallNames checks that the calls are known which make findings of every kind.
func TestCallNames(t *testing.T) {
	for _, kind := range finding.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			if kind == finding.NotReadable || kind == finding.ChangeUndone { // no change, and made from events
				return
			}
			for _, typ := range []string{"AWS::IAM::Role", "AWS::KMS::Key"} {
				if len(callNames(finding.Finding{Kind: kind, Type: typ})) > 0 {
					return
				}
			}
			t.Errorf("no call makes a finding of the kind %s", kind)
		})
	}
}

// fakeTrail returns a page of events and a token for the next one.
type fakeTrail struct {
	calls  []string // name of the event and Region
	events map[string]string
	err    error
}

func (f *fakeTrail) LookupEvents(
	_ context.Context, in *cloudtrail.LookupEventsInput, options ...func(*cloudtrail.Options),
) (*cloudtrail.LookupEventsOutput, error) {
	var o cloudtrail.Options
	for _, option := range options {
		option(&o)
	}
	name := aws.ToString(in.LookupAttributes[0].AttributeValue)
	f.calls = append(f.calls, name+" "+o.Region)
	if f.err != nil {
		return nil, f.err
	}
	out := &cloudtrail.LookupEventsOutput{NextToken: aws.String("more")}
	if text := f.events[name]; text != "" {
		out.Events = []types.Event{{CloudTrailEvent: &text}}
	}
	return out, nil
}

// TestHistory checks where events are looked up, how many calls that takes, and which of
// them explain a finding.
func TestHistory(t *testing.T) {
	now := time.Date(2026, 11, 27, 6, 0, 0, 0, time.UTC)
	event := func(source, name, parameter, value, code string) string {
		return fmt.Sprintf(`{"eventSource":"%s.amazonaws.com","eventName":%q,"eventTime":"2026-11-27T05:00:00Z",`+
			`"eventID":"1","errorCode":%q,"userIdentity":{"arn":"arn:aws:iam::123456789012:user/eve"},`+
			`"requestParameters":{%q:%q}}`, source, name, code, parameter, value)
	}
	const topic = "arn:aws:sns:eu-west-1:123456789012:topic"
	trail := &fakeTrail{events: map[string]string{
		"UpdateAssumeRolePolicy": event("iam", "UpdateAssumeRolePolicy", "roleName", "Backup", ""),
		"SetTopicAttributes":     event("sns", "SetTopicAttributes", "topicArn", topic+"2", ""),
		"AddPermission":          event("sqs", "AddPermission", "queueUrl", topic, ""),
		"RemovePermission":       event("sns", "RemovePermission", "topicArn", topic, "Denied"),
	}}
	waited := time.Duration(0)
	sleep := func(_ context.Context, d time.Duration) error { waited += d; return nil }
	h := NewHistory(aws.Config{}, "aws", "eu-west-1", 6, sleep)
	h.Client = trail
	findings := []finding.Finding{
		{Kind: finding.TrustChanged, LogicalID: "Role", PhysicalID: "Backup"},
		{Kind: finding.TopicPolicyChanged, LogicalID: "Topic", PhysicalID: topic},
		{Kind: finding.TrustChanged, LogicalID: "Other", PhysicalID: "Other"},
		{Kind: finding.TemplateChanged, Stack: "backup"},
	}
	if err := h.AddCalls(t.Context(), findings, now.Add(-time.Hour), now); err != nil {
		t.Fatal(err)
	}
	want := "UpdateAssumeRolePolicy us-east-1,UpdateAssumeRolePolicy us-east-1,SetTopicAttributes eu-west-1," +
		"SetTopicAttributes eu-west-1,AddPermission eu-west-1,AddPermission eu-west-1"
	if got := strings.Join(trail.calls, ","); got != want {
		t.Errorf("got calls %s, want %s", got, want)
	}
	if waited < 5*lookupInterval {
		t.Errorf("waited %s between 6 calls, want at least %s", waited, 5*lookupInterval)
	}
	if c := findings[0].Calls; len(c) != 1 || c[0].Principal != "arn:aws:iam::123456789012:user/eve" {
		t.Errorf("got calls %+v, want that of eve", c)
	}
	for _, f := range findings[1:] {
		if len(f.Calls) != 0 {
			t.Errorf("%s of %s: got calls %+v, want none", f.Kind, f.PhysicalID, f.Calls)
		}
	}
	trail.err = errors.New("denied")
	if err := h.AddCalls(t.Context(), findings, now.Add(-time.Hour), now); err == nil {
		t.Error("a call that failed is no error")
	}
}
