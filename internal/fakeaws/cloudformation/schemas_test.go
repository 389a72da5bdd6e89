package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// TestWriteOnlyProperties changes the description and the value of a parameter,
// of which drift detection sees the value only.
func TestWriteOnlyProperties(t *testing.T) {
	h := newHarness(t)
	h.create("s", `{"Resources":{"P":{"Type":"AWS::SSM::Parameter","Properties":
		{"Name":"p","Type":"String","Value":"v","Description":"before"}}}}`)
	h.wait("s", "CREATE_COMPLETE")
	put := func(description, value, want string) {
		t.Helper()
		client := ssm.NewFromConfig(h.cloud.Config(account, region))
		if _, err := client.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("p"), Value: &value,
			Description: &description, Overwrite: aws.Bool(true)}); err != nil {
			t.Fatal(err)
		}
		out, err := h.cfn.DetectStackResourceDrift(t.Context(),
			&cfn.DetectStackResourceDriftInput{StackName: aws.String("s"), LogicalResourceId: aws.String("P")})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(out.StackResourceDrift.StackResourceDriftStatus); got != want {
			t.Errorf("description %s and value %s: got %s, want %s", description, value, got, want)
		}
	}
	put("after", "v", "IN_SYNC")
	put("after", "w", "MODIFIED")
}

const inlinePolicy = `{"Resources":{
	"T":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"t"}},
	"P":{"Type":"AWS::SNS::TopicInlinePolicy","Properties":{"TopicArn":{"Ref":"T"},"PolicyDocument":
		{"Version":"2012-10-17","Statement":[{"Sid":"SID","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},
		"Action":"sns:Publish","Resource":{"Ref":"T"}}]}}}}}`

// TestTopicInlinePolicy resets a topic's policy, after which the resource does not
// exist and cannot be updated, and creates one on a topic that has a policy.
func TestTopicInlinePolicy(t *testing.T) {
	h := newHarness(t)
	h.create("s", inlinePolicy)
	h.wait("s", "CREATE_COMPLETE")
	topic := aws.String("arn:aws:sns:" + region + ":" + account + ":t")
	fresh, err := h.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("fresh")})
	if err != nil {
		t.Fatal(err)
	}
	attributes, err := h.sns.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: fresh.TopicArn})
	if err != nil {
		t.Fatal(err)
	}
	reset := strings.ReplaceAll(attributes.Attributes["Policy"], ":fresh", ":t")
	if _, err := h.sns.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: topic,
		AttributeName: aws.String("Policy"), AttributeValue: &reset}); err != nil {
		t.Fatal(err)
	}
	out, err := h.cfn.DetectStackResourceDrift(t.Context(),
		&cfn.DetectStackResourceDriftInput{StackName: aws.String("s"), LogicalResourceId: aws.String("P")})
	if err != nil || out.StackResourceDrift.StackResourceDriftStatus != "DELETED" {
		t.Errorf("drift after the reset: got %+v, %v; want DELETED", out, err)
	}
	if err := h.update("s", strings.Replace(inlinePolicy, "SID", "Other", 1)); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_FAILED")
	if events := strings.Join(h.events("s"), "\n"); !strings.Contains(events, "Policy does not exist") ||
		!strings.Contains(events, "HandlerErrorCode: NotFound") {
		t.Errorf("got events\n%s\nwant NotFound", events)
	}

	_, policy, _ := strings.Cut(inlinePolicy, `"P":`)
	alone := `{"Resources":{"P":` + strings.ReplaceAll(policy, `{"Ref":"T"}`, `"`+*topic+`"`)
	h.create("second", alone)
	h.wait("second", "CREATE_COMPLETE")
	h.create("third", alone)
	h.wait("third", "ROLLBACK_COMPLETE")
	if events := strings.Join(h.events("third"), "\n"); !strings.Contains(events, "HandlerErrorCode: AlreadyExists") {
		t.Errorf("got events\n%s\nwant AlreadyExists", events)
	}
	after, err := h.sns.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic})
	if err != nil || !strings.Contains(after.Attributes["Policy"], `"SID"`) {
		t.Errorf("policy after the rollback of the third stack: got %v, %v; want the one of the second", after, err)
	}
}
