package permstack_test

import (
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// hubARNs resolves the resources of org-hub.yaml.
type hubARNs struct{}

func (hubARNs) Ref(id string) (any, error) {
	return "arn:aws:sns:us-east-1:" + account + ":" + id, nil
}

func (hubARNs) GetAtt(id, attribute string) (any, error) {
	return "arn:aws:sqs:us-east-1:" + account + ":" + id, nil
}

// TestHubPolicies checks that only members send to the Organization's topic, and use its key for
// nothing else.
func TestHubPolicies(t *testing.T) {
	b := resolveFile(t, "templates/org-hub.yaml", map[string]string{"OrganizationId": "o-a1b2c3d4e5"}, nil)
	policy := func(id, property string) iampolicy.Document {
		p, err := b.Properties(id, hubARNs{})
		if err != nil {
			t.Fatal(err)
		}
		return document(t, p[property])
	}
	topic, key, queue := policy("TopicPolicy", "PolicyDocument"), policy("Key", "KeyPolicy"),
		policy("UndeliveredPolicy", "PolicyDocument")
	member := eval.Principal{Account: "777777777777", ARN: "arn:aws:sts::777777777777:assumed-role/permstack/x"}
	service := func(name string) eval.Principal { return eval.Principal{Service: name} }
	const topicARN, queueARN = "arn:aws:sns:us-east-1:123456789012:Topic", "arn:aws:sqs:us-east-1:123456789012:Undelivered"
	ours, theirs := []string{"o-a1b2c3d4e5"}, []string{"o-zzzzzzzzzz"}
	via := []string{"sns.us-east-1.amazonaws.com"}
	for _, tc := range []struct {
		what     string
		doc      iampolicy.Document
		who      eval.Principal
		action   string
		resource string
		context  map[string][]string
		allowed  bool
	}{
		{"a member sends", topic, member, "sns:Publish", topicARN,
			map[string][]string{"aws:PrincipalOrgID": ours, "aws:SecureTransport": {"true"}}, true},
		{"a third party sends", topic, member, "sns:Publish", topicARN,
			map[string][]string{"aws:PrincipalOrgID": theirs, "aws:SecureTransport": {"true"}}, false},
		{"an account of no Organization sends", topic, member, "sns:Publish", topicARN,
			map[string][]string{"aws:SecureTransport": {"true"}}, false},
		{"a member sends in the clear", topic, member, "sns:Publish", topicARN,
			map[string][]string{"aws:PrincipalOrgID": ours, "aws:SecureTransport": {"false"}}, false},
		{"a member subscribes", topic, member, "sns:Subscribe", topicARN, map[string][]string{"aws:PrincipalOrgID": ours},
			false},
		{"a member changes the policy", topic, member, "sns:SetTopicAttributes", topicARN,
			map[string][]string{"aws:PrincipalOrgID": ours}, false},
		{"the own alarm sends", topic, service("cloudwatch.amazonaws.com"), "sns:Publish", topicARN,
			map[string][]string{"aws:SourceAccount": {account}}, true},
		{"a third party's alarm sends", topic, service("cloudwatch.amazonaws.com"), "sns:Publish", topicARN,
			map[string][]string{"aws:SourceAccount": {"777777777777"}}, false},
		{"another service sends", topic, service("events.amazonaws.com"), "sns:Publish", topicARN,
			map[string][]string{"aws:SourceAccount": {account}}, false},
		{"a member encrypts through SNS", key, member, "kms:GenerateDataKey", "*",
			map[string][]string{"aws:PrincipalOrgID": ours, "kms:ViaService": via}, true},
		{"a member encrypts by hand", key, member, "kms:GenerateDataKey", "*",
			map[string][]string{"aws:PrincipalOrgID": ours}, false},
		{"a third party encrypts through SNS", key, member, "kms:GenerateDataKey", "*",
			map[string][]string{"aws:PrincipalOrgID": theirs, "kms:ViaService": via}, false},
		{"a member governs the key", key, member, "kms:PutKeyPolicy", "*",
			map[string][]string{"aws:PrincipalOrgID": ours, "kms:ViaService": via}, false},
		{"the topic keeps a message", queue, service("sns.amazonaws.com"), "sqs:SendMessage", queueARN,
			map[string][]string{"aws:SourceArn": {topicARN}}, true},
		{"another topic sends", queue, service("sns.amazonaws.com"), "sqs:SendMessage", queueARN,
			map[string][]string{"aws:SourceArn": {"arn:aws:sns:us-east-1:777777777777:Topic"}}, false},
		{"a member sends to the queue", queue, member, "sqs:SendMessage", queueARN,
			map[string][]string{"aws:PrincipalOrgID": ours}, false},
		{"another role of a member sends", topic, member, "sns:Publish", topicARN,
			map[string][]string{"aws:PrincipalOrgID": ours, "aws:PrincipalArn": {"arn:aws:iam::777777777777:role/A"}}, false},
		{"another role of a member encrypts", key, member, "kms:GenerateDataKey", "*", map[string][]string{
			"aws:PrincipalOrgID": ours, "kms:ViaService": via, "aws:PrincipalArn": {"arn:aws:iam::777777777777:role/A"}}, false},
	} {
		t.Run(tc.what, func(t *testing.T) {
			if tc.who.Account != "" && tc.context["aws:PrincipalArn"] == nil {
				tc.context["aws:PrincipalArn"] = []string{
					"arn:aws:iam::777777777777:role/permstack/eu-west-1/main/installer/parent-DriftRole-1A2B3C4D5E6F",
				}
			}
			d, _ := eval.Trust(tc.doc, eval.Request{Principal: tc.who, Action: tc.action, Resource: tc.resource,
				Context: tc.context})
			if (d == eval.Allow) != tc.allowed {
				t.Errorf("got %s, want allowed: %v", d, tc.allowed)
			}
		})
	}
}
