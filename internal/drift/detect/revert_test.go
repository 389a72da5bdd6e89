package detect_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/drift/detect"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/simclock"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
)

// waiting returns options whose Sleep waits until the stacks are stable.
func (w *environment) waiting() detect.Options {
	c := simclock.New(time.Now())
	return detect.Options{Parent: parentName, AnyStack: true, Now: c.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			for _, name := range []string{parentName, w.accessStack(), w.inventoryStack()} {
				if _, _, err := w.Stacks.Wait(ctx, account, region, name); err != nil {
					return err
				}
			}
			return c.Sleep(ctx, d)
		}}
}

func (w *environment) revert(report finding.Report) finding.Reversals {
	w.t.Helper()
	out, err := detect.Revert(w.t.Context(), w.clients(), report, w.waiting())
	if err != nil {
		w.t.Fatal(err)
	}
	if len(out.Done)+len(out.Failed) != len(report.Findings) {
		w.t.Errorf("%d findings, %d done and %d not", len(report.Findings), len(out.Done), len(out.Failed))
	}
	return out
}

// tamper makes changes of most kinds that can be reverted.
func (w *environment) tamper() {
	w.t.Helper()
	ctx := w.t.Context()
	w.PutInlinePolicy(role, "rogue", allowsMore)
	w.PutInlinePolicy(w.parentRole(), "rogue", allowsNothing)
	w.AttachPolicy(support, admin)
	must(w.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{
		RoleName: aws.String(role), PolicyName: aws.String(w.inlineNames(role)[1]),
	}))
	w.DetachPolicy(role, w.somePolicy())
	document := w.managed(w.somePolicy())
	document["Statement"] = statements(document)[1:]
	w.putManaged(w.somePolicy(), document)
	trust := w.trust(role)
	delete(statements(trust)[0].(map[string]any), "Condition")
	w.putTrust(role, trust)
	must(w.IAM.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
		InstanceProfileName: aws.String(w.profile()), RoleName: aws.String(instance),
	}))
	policy := w.topicPolicy()
	policy["Statement"] = statements(policy)[1:]
	w.putTopicPolicy(policy)
	rules := w.rules()
	must(w.Events.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String(rules[0])}))
	must(w.Events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String(rules[1]),
		Targets: []ebtypes.Target{{Id: aws.String("other"), Arn: aws.String("arn:aws:sns:us-east-1:999988887777:other")}}}))
	w.deleteRule(rules[2])
}

func TestRevert(t *testing.T) {
	w := install(t)
	w.tamper()
	report := w.check()
	if len(report.Findings) != 12 {
		t.Errorf("%d findings: %q", len(report.Findings), summaries(report))
	}
	// A role that is in no stack of the installation must not be modified.
	must(
		w.IAM.CreateRole(
			t.Context(),
			&iam.CreateRoleInput{
				RoleName: aws.String("theirs"),
				AssumeRolePolicyDocument: aws.String(
					`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},` +
						"\"Action\":\"sts:AssumeRole\"}]}",
				),
			},
		),
	)
	w.PutInlinePolicy("theirs", "rogue", allowsMore)
	invented := report.Findings[0]
	invented.ID, invented.Kind, invented.Subject, invented.Type, invented.PhysicalID = "invented",
		finding.InlinePolicyAdded, "rogue", "AWS::IAM::Role", "theirs"
	report.Findings = append(report.Findings, invented)

	out := w.revert(report)
	for _, f := range out.Failed {
		if f.Finding.ID != "invented" {
			t.Errorf("%s was not reverted: %s", summary(f.Finding), wording.Reversal(f))
		}
	}
	if len(w.inlineNames("theirs")) != 1 {
		t.Error("the policy of a role of others was removed")
	}
	for _, f := range w.check().Findings {
		t.Errorf("not reverted: %s", inWords(f))
	}
}

func TestRevertRecreatesTopic(t *testing.T) {
	w := install(t)
	must(w.SNS.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: aws.String(topicARN)}))
	out := w.revert(w.check())
	if len(out.Failed) != 0 || out.Done[0].Outcome != finding.TopicRecreated {
		t.Errorf("reverted %+v", out)
	}
	if findings := summaries(w.check()); len(findings) != 0 {
		t.Errorf("not reverted: %q", findings)
	}
}

// TestRevertExceptions checks that what a template does not declare, and the parent's own
// properties, are not modified.
func TestRevertExceptions(t *testing.T) {
	w := install(t)
	ctx := t.Context()
	must(w.IAM.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: aws.String(role), MaxSessionDuration: aws.Int32(43200)}))
	must(w.IAM.UntagRole(ctx, &iam.UntagRoleInput{RoleName: aws.String(role), TagKeys: []string{"team"}}))
	must(w.IAM.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{
		RoleName: aws.String(role), PermissionsBoundary: aws.String(admin),
	}))
	w.putTrust(
		w.parentRole(),
		map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{
				map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "*"}},
			},
		},
	)
	report := w.check()
	w.ResetCalls()
	out := w.revert(report)
	if len(report.Findings) != 4 || len(out.Done) != 0 {
		t.Errorf("findings %q, reverted %+v", summaries(report), out.Done)
	}
	if w.CallCount("cloudformation:CreateChangeSet") != 0 {
		t.Error("a change set was created although it could revert nothing")
	}
	if got := summaries(w.check()); strings.Join(got, "\n") != strings.Join(summaries(report), "\n") {
		t.Errorf("findings afterwards: %q", got)
	}
}

// TestRevertDenied checks that if a call of a revert is denied, the rest is reverted, the failure
// is reported, and a second revert completes the work.
func TestRevertDenied(t *testing.T) {
	sample := policytest.NewStratified(10)
	t.Log(sample)
	for _, action := range []string{
		"iam:DeleteRolePolicy", "iam:DetachRolePolicy", "sns:SetTopicAttributes", "cloudformation:CreateChangeSet",
		"cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "iam:UpdateAssumeRolePolicy",
		"iam:CreatePolicyVersion", "events:PutRule",
	} {
		if !sample.Includes("", action) {
			continue
		}
		t.Run(action, func(t *testing.T) {
			w := install(t)
			w.tamper()
			report := w.check()
			var once atomic.Bool // for good, not even the rollback would work
			w.SetIntercept(func(c *protocol.Call) error {
				if c.Service+":"+c.Action == action && !once.Swap(true) {
					return protocol.Errorf("AccessDenied", "User: x is not authorized to perform: %s", action).WithStatus(403)
				}
				return nil
			})
			out := w.revert(report)
			w.SetIntercept(nil)
			for _, f := range out.Failed {
				if wording.Reversal(f) == "" {
					t.Errorf("%s without a reason", summary(f.Finding))
				}
			}
			left := w.check()
			if once.Load() && len(out.Failed) == 0 {
				t.Error("nothing failed")
			}
			if again := w.revert(left); len(again.Failed) != 0 {
				t.Errorf("the second time: %+v", again.Failed)
			}
			if findings := summaries(w.check()); len(findings) != 0 {
				t.Errorf("not reverted: %q", findings)
			}
			sets := must(w.CloudFormation.ListChangeSets(t.Context(), &cloudformation.ListChangeSetsInput{
				StackName: aws.String(w.accessStack()),
			}))
			if len(sets.Summaries) != 0 {
				t.Errorf("change sets are left behind: %+v", sets.Summaries)
			}
		})
	}
}
