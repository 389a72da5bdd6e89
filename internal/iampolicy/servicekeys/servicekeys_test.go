package servicekeys_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/servicekeys"
)

func TestRows(t *testing.T) {
	known := []string{servicekeys.SourceARN, servicekeys.SourceAccount}
	seen := map[string]bool{}
	for _, r := range servicekeys.Rows() {
		name := r.Service + " " + r.Action
		t.Run(name, func(t *testing.T) {
			if seen[name] {
				t.Error("the table has two rows of this call")
			}
			seen[name] = true
			for _, key := range append(slices.Clone(r.Keys), r.Unconfirmed...) {
				if !slices.Contains(known, key) {
					t.Errorf("key %q is not one of %v", key, known)
				}
			}
			for _, key := range r.Unconfirmed {
				if slices.Contains(r.Keys, key) {
					t.Errorf("%s is both a key and unconfirmed", key)
				}
			}
			if !strings.HasSuffix(r.Service, ".amazonaws.com") || !strings.Contains(r.Action, ":") || len(r.Source) < 20 {
				t.Errorf("incomplete row %+v", r)
			}
			switch r.Certainty {
			case servicekeys.Documented, servicekeys.Reported:
			case servicekeys.Unknown:
				if len(r.Keys) > 0 {
					t.Errorf("got certainty unknown with keys %v, want the keys in unconfirmed", r.Keys)
				}
			default:
				t.Errorf("got certainty %q", r.Certainty)
			}
		})
	}
}

func TestCheckStatement(t *testing.T) {
	for _, tt := range []struct {
		name, service, action, operator, key, want string
	}{
		{"EventBridge sends SNS no key", "events.amazonaws.com", "sns:Publish", "StringEquals", "aws:SourceAccount",
			"does not send"},
		{"not even with IfExists in its favour", "events.amazonaws.com", "SNS:Publish", "StringEqualsIfExists",
			"aws:SourceAccount", "does not send"},
		{"EventBridge sends SQS the rule", "events.amazonaws.com", "sqs:SendMessage", "ArnEquals", "aws:SourceArn", ""},
		{"keys are compared without regard to case", "cloudwatch.amazonaws.com", "SNS:Publish", "StringEquals",
			"AWS:SourceAccount", ""},
		{"unknown without IfExists", "cloudformation.amazonaws.com", "sts:AssumeRole", "StringEquals", "aws:SourceAccount",
			"use StringEqualsIfExists"},
		{"unknown with IfExists", "cloudformation.amazonaws.com", "sts:AssumeRole", "StringEqualsIfExists",
			"aws:SourceAccount", ""},
		{"China", "ec2.amazonaws.com.cn", "sts:AssumeRole", "StringEquals", "aws:SourceArn", "use StringEqualsIfExists"},
		{"no row", "athena.amazonaws.com", "sns:Publish", "StringEquals", "aws:SourceArn", "no row"},
		{"wildcard", "events.amazonaws.com", "sns:*", "StringEquals", "aws:SourceArn", "does not send"},
		{"negated", "events.amazonaws.com", "sns:Publish", "StringNotEquals", "aws:SourceAccount", ""},
		{"set operator", "events.amazonaws.com", "sns:Publish", "ForAnyValue:StringEquals", "aws:SourceAccount",
			"does not send"},
		{"external id", "ssm.amazonaws.com", "sts:AssumeRole", "StringEquals", "sts:ExternalId", "does not send"},
		{"key of every call", "athena.amazonaws.com", "sns:Publish", "Bool", "aws:SecureTransport", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(servicekeys.CheckStatement(iampolicy.Statement{
				Effect:    "Allow",
				Principal: &iampolicy.Principal{ByType: map[string]iampolicy.Values{"Service": {tt.service}}},
				Action:    iampolicy.Values{tt.action},
				Condition: iampolicy.Conditions{tt.operator: {tt.key: {"x"}}},
			}), "\n")
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestContext(t *testing.T) {
	o := servicekeys.Origin{Account: "111122223333", ARN: "arn:aws:events:eu-west-1:111122223333:rule/r"}
	got := servicekeys.Context("events.amazonaws.com", "sns:Publish", o)
	if got[servicekeys.SourceARN] != nil || got[servicekeys.SourceAccount] != nil {
		t.Errorf("got %v, want no source key for sns:Publish", got)
	}
	got = servicekeys.Context("events.amazonaws.com", "sqs:SendMessage", o)
	if !slices.Equal(got[servicekeys.SourceARN], []string{o.ARN}) || got[servicekeys.SourceAccount] != nil {
		t.Errorf("got %v, want only aws:SourceArn for sqs:SendMessage", got)
	}
}
