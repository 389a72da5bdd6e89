package detect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/notify/finding"
)

// accept sets the accepted differences of the parent stack and keeps its other
// parameters.
func (w *environment) accept(value string) {
	w.t.Helper()
	s := w.Stack(parentName)
	described := s.Describe()
	in := &cloudformation.UpdateStackInput{
		StackName: described.StackId, UsePreviousTemplate: aws.Bool(true), Capabilities: described.Capabilities,
	}
	for _, p := range described.Parameters {
		next := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
		if *p.ParameterKey == finding.AcceptedChoice {
			next = types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &value}
		}
		in.Parameters = append(in.Parameters, next)
	}
	s.BeginUpdate(in)
	s.Wait("UPDATE_COMPLETE")
}

func tag(key, value string) []iamtypes.Tag { return []iamtypes.Tag{{Key: &key, Value: &value}} }

// TestAcceptedDifferences accepts an attached policy. It is reported again when its
// contents change, when the acceptance ends and when it is withdrawn; another policy is
// always reported; and the change of the parameter is announced.
func TestAcceptedDifferences(t *testing.T) {
	w := installTemplate(t)
	created := must(w.IAM.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
		PolicyName: aws.String("guardrail"), PolicyDocument: aws.String(allowsMore),
	}))
	arn := *created.Policy.Arn
	w.AttachPolicy(role, arn)
	first := w.check()
	if len(first.Findings) != 1 {
		t.Fatalf("found %q", summaries(first))
	}
	f := first.Findings[0]
	entry := finding.Acceptance{
		ID: f.ID, Hash: f.Hash, Until: time.Now().AddDate(0, 1, 0), By: "role/Admin", Reason: "a guardrail",
	}
	w.accept(entry.String())
	report := w.check()
	if len(report.Findings) != 0 || len(report.Accepted) != 1 || report.Accepted[0].Acceptance.Reason != "a guardrail" {
		t.Fatalf("got findings %q, accepted %+v", summaries(report), report.Accepted)
	}
	changes := finding.CompareChoices(parentName, w.parent, first.Choices, report.Choices)
	if len(changes) != 1 || changes[0].Subject != finding.AcceptedChoice || changes[0].Direction != finding.Monitoring ||
		!strings.Contains(strings.Join(changes[0].Changes, "\n"), "role/Admin") {
		t.Errorf("got changes %+v, want the acceptance", changes)
	}

	must(w.IAM.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{
		PolicyArn: &arn, SetAsDefault: true, PolicyDocument: aws.String(strings.Replace(allowsMore, "s3:", "iam:", 1)),
	}))
	report = w.check()
	if len(report.Findings) != 1 || len(report.Accepted) != 0 || report.Findings[0].ID != f.ID ||
		report.Findings[0].Acceptance == nil || report.Findings[0].Acceptance.State != finding.Outdated {
		t.Errorf("with other contents: %s", inWords(report.Findings...))
	}
	must(w.IAM.SetDefaultPolicyVersion(t.Context(), &iam.SetDefaultPolicyVersionInput{
		PolicyArn: &arn, VersionId: aws.String("v1"),
	}))
	w.AttachPolicy(role, admin)
	report = w.check()
	if len(report.Findings) != 1 || report.Findings[0].Subject != admin || len(report.Accepted) != 1 {
		t.Errorf("with another policy: %q, accepted %d", summaries(report), len(report.Accepted))
	}
	w.DetachPolicy(role, admin)
	entry.Until = time.Now().AddDate(0, 0, -2)
	w.accept(entry.String())
	report = w.check()
	if len(report.Findings) != 1 || !strings.Contains(inWords(report.Findings...), "ended on") {
		t.Errorf("after its end: %s", inWords(report.Findings...))
	}
}

// TestGuardrailAdditions checks what a guardrail adds to every role: an accepted policy
// that grants more is reported all the same, and so is another principal.
func TestGuardrailAdditions(t *testing.T) {
	w := newEnvironment(t)
	const auditor, other = "arn:aws:iam::777788889999:role/Auditor", "arn:aws:iam::777788889999:role/Other"
	guardrail := "arn:aws:iam::" + account + ":policy/guardrail"
	w.launchTemplate(map[string]string{finding.GuardrailsChoice: guardrail + "," + auditor + ",tag:team"})
	must(w.IAM.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
		PolicyName: aws.String("guardrail"), PolicyDocument: aws.String(allowsNothing),
	}))
	trust := func(principal string) {
		document := w.trust(support)
		document["Statement"] = append(statements(document), map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": principal},
		})
		w.putTrust(support, document)
	}
	w.AttachPolicy(role, guardrail)
	trust(auditor)
	must(w.IAM.TagRole(t.Context(), &iam.TagRoleInput{RoleName: aws.String(role), Tags: tag("team", "theirs")}))
	report := w.check()
	if len(report.Findings) != 0 || len(report.Accepted) != 3 {
		t.Errorf("got findings %s, accepted %d, want 3", inWords(report.Findings...), len(report.Accepted))
	}
	must(w.IAM.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{
		PolicyArn: &guardrail, SetAsDefault: true, PolicyDocument: aws.String(allowsMore),
	}))
	trust(other)
	must(w.IAM.TagRole(t.Context(), &iam.TagRoleInput{RoleName: aws.String(role), Tags: tag("permstack:parent", "x")}))
	report = w.check()
	if len(report.Findings) != 3 || len(report.Accepted) != 1 {
		t.Errorf("got findings %s, accepted %d, want 3 and 1", inWords(report.Findings...), len(report.Accepted))
	}
}
