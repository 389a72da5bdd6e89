package detect_test

import (
	"slices"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// TestParentTemplate edits the template of the parent stack: each edit is found in
// every check while it is deployed, with its direction and in words, and nothing is
// found after the template of the release was deployed again.
func TestParentTemplate(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	const stranger = "arn:aws:iam::999988887777:role/Admin"
	w := installTemplate(t)
	if got := summaries(w.check()); len(got) != 0 {
		t.Fatalf("after the launch: found %q, want nothing", got)
	}
	sample := policytest.NewStratified(10)
	t.Log(sample)
	for _, tc := range []struct {
		name      string
		old, new  string
		direction finding.Direction
		text      string // in the finding's words
	}{
		{
			"principal", "ControlPlaneRoleArn: !Ref ControlPlaneRoleArn", "ControlPlaneRoleArn: " + stranger,
			finding.GrantsMore, stranger,
		},
		{
			"protection of the installation", "        - !Ref AlertTopic\n        - !Sub arn:${AWS::Partition}:ssm",
			"        - !Sub arn:${AWS::Partition}:ssm", finding.GrantsMore, "ProtectedArns",
		},
		{
			"rights of the drift check", "Action: [sqs:GetQueueAttributes, sqs:ListQueueTags]",
			"Action: [sqs:GetQueueAttributes, sqs:ListQueueTags, sqs:PurgeQueue]", finding.GrantsMore, "sqs:PurgeQueue",
		},
		{
			"trust of the stack role", "Principal: {Service: cloudformation.amazonaws.com}",
			"Principal: {Service: cloudformation.amazonaws.com, AWS: " + stranger + "}", finding.GrantsMore, stranger,
		},
		{"schedule", "ScheduleExpression: !Ref DriftSchedule", "ScheduleExpression: rate(300 days)",
			finding.Monitoring, "rate(300 days)"},
		{"rule disabled", "State: ENABLED", "State: DISABLED", finding.Monitoring, "DISABLED"},
		{"alarm without actions", "      ActionsEnabled: true\n", "      ActionsEnabled: false\n", finding.Monitoring,
			"ActionsEnabled"},
		{"environment", "ALERT_TOPIC_ARN: !Ref AlertTopic\n          ORG_HUB",
			"ALERT_TOPIC_ARN: arn:aws:sns:us-east-1:999988887777:none\n          ORG_HUB", finding.Monitoring, "Environment"},
		{ // with a change of a resource, without which there is nothing to update
			"external id shown", "    NoEcho: true\n", "", finding.GrantsMore, "ExternalId",
		},
		{"subscription", "  # The reported findings, at most",
			"  Theirs:\n    Type: AWS::SNS::Subscription\n    Properties: {TopicArn: !Ref AlertTopic, Protocol: sqs, " +
				"Endpoint: arn:aws:sqs:us-east-1:999988887777:theirs}\n\n  # The reported findings, at most",
			finding.GrantsMore, "AWS::SNS::Subscription"},
		{"permission", "      Principal: events.amazonaws.com\n", "      Principal: \"*\"\n",
			finding.GrantsMore, "Principal"},
		{ // with a change of a resource, too
			"output shows the external id", "\nOutputs:\n", "\nOutputs:\n  Shown: {Value: !Ref ExternalId}\n",
			finding.GrantsMore, "output Shown: shows the parameter ExternalId",
		},
		{"output", "    Value: !Ref Drift\n", "    Value: another-function\n", finding.Monitoring, "output DriftFunction"},
	} {
		if !sample.Includes(string(tc.direction), tc.name) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			original := string(permstack.Template)
			edited := strings.Replace(original, tc.old, tc.new, 1)
			if edited == original {
				t.Fatalf("the template has no %q", tc.old)
			}
			if strings.HasSuffix(tc.name, "the external id") || tc.name == "external id shown" {
				edited = strings.Replace(edited, "Description: Starts the drift check", "Description: It starts it", 1)
			}
			w.updateStack(parentName, edited)
			for range 2 {
				report := w.check()
				i := slices.IndexFunc(report.Findings, func(f finding.Finding) bool {
					return f.Kind == finding.TemplateChanged && f.Subject == "parent"
				})
				if i < 0 {
					t.Fatalf("found %q, want the template of the parent", summaries(report))
				}
				f := report.Findings[i]
				if text := inWords(f); f.Direction != tc.direction || !strings.Contains(text, tc.text) {
					t.Errorf("got direction %s, want %s, and words with %q:\n%s", f.Direction, tc.direction, tc.text, text)
				}
			}
			w.updateStack(parentName, original)
			if report := w.check(); len(report.Findings) != 0 {
				t.Errorf("after the template was restored: %s", inWords(report.Findings...))
			}
		})
	}
}
