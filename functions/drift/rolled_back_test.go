package main_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// lastResource is a resource of a parent template that is created after the permission stacks, and then fails.
const lastResource = "  Last:\n    Type: AWS::SNS::Subscription\n    DependsOn: PermissionStack\n" +
	"    Properties: {TopicArn: !Ref AlertTopic, Protocol: none, Endpoint: none}\n\nOutputs:\n"

// TestRolledBackUpdate fails updates of the parent stack after the vendor's role was updated, which CloudFormation then
// rolls back. An ordinary one is not announced as another external id; one that replaced the external id is, and so is
// whatever somebody else did meanwhile.
func TestRolledBackUpdate(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	const other = "second-8a1f"
	w := launch(t, nil)
	w.CheckDrift()
	w.Messages()
	template := bytes.Replace(permstack.Template, []byte("\nOutputs:\n"), []byte("\n"+lastResource), 1)
	fail := func(w *installation, parameters map[string]string) {
		w.t.Helper()
		url := w.TemplateURL("failing.yaml", template)
		in := &cloudformation.UpdateStackInput{TemplateURL: &url}
		for _, p := range w.Describe().Parameters {
			p.UsePreviousValue, p.ParameterValue = aws.Bool(true), nil
			if value, ok := parameters[*p.ParameterKey]; ok {
				p.ParameterValue, p.UsePreviousValue = &value, nil
			}
			in.Parameters = append(in.Parameters, p)
		}
		w.BeginUpdate(in)
		w.Wait("UPDATE_ROLLBACK_COMPLETE")
	}
	updateAccess := func(w *installation, id string) {
		w.t.Helper()
		name := w.PermissionStack("access")
		if _, err := w.CloudFormation.UpdateStack(w.t.Context(), &cloudformation.UpdateStackInput{
			StackName: &name, UsePreviousTemplate: aws.Bool(true),
			Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
			Parameters:   []types.Parameter{{ParameterKey: aws.String("ExternalId"), ParameterValue: &id}},
		}); err != nil {
			w.t.Fatal(err)
		}
		w.WaitIdle()
	}
	sample := policytest.NewStratified(3)
	t.Log(sample)
	for _, tc := range []struct {
		name  string
		do    func(*installation)
		wants map[finding.Kind]string // of the findings, with their subjects
	}{
		{"more assets", func(w *installation) { fail(w, map[string]string{"ProtectS3": "yes"}) }, nil},
		{"fewer operations, twice", func(w *installation) {
			fail(w, map[string]string{"Operations": "backup"})
			fail(w, map[string]string{"ProtectS3": "yes"})
		}, nil},
		{"another external id", func(w *installation) { fail(w, map[string]string{"ExternalId": other}) },
			map[finding.Kind]string{finding.ChoiceChanged: finding.ExternalIDChoice}},
		{"more assets, then the access stack by hand", func(w *installation) {
			fail(w, map[string]string{"ProtectS3": "yes"})
			updateAccess(w, other)
		}, map[finding.Kind]string{finding.ChoiceChanged: finding.ExternalIDChoice}},
		{"the access stack by hand, then more assets", func(w *installation) {
			updateAccess(w, "third-8a1f")
			fail(w, map[string]string{"ProtectS3": "yes"})
		}, map[finding.Kind]string{finding.ChoiceChanged: finding.ExternalIDChoice}},
		{"more assets, then the trust policy by hand", func(w *installation) {
			fail(w, map[string]string{"ProtectS3": "yes"})
			trust := strings.Replace(w.Role(w.RoleName()).Trust, "111122223333", "999988887777", 1)
			if _, err := w.IAM.UpdateAssumeRolePolicy(w.t.Context(), &iam.UpdateAssumeRolePolicyInput{
				RoleName: aws.String(w.RoleName()), PolicyDocument: &trust,
			}); err != nil {
				w.t.Fatal(err)
			}
		}, map[finding.Kind]string{finding.TrustChanged: ""}},
	} {
		if !sample.Includes(fmt.Sprint(len(tc.wants)), tc.name) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			w.Messages()
			tc.do(w)
			w.CheckDrift()
			got := map[finding.Kind]string{}
			for _, m := range w.Messages() {
				for _, f := range m.Findings {
					if m.Kind == notify.KindDrift && f.Direction == finding.GrantsMore {
						got[f.Kind] = f.Subject
					}
				}
			}
			for kind, subject := range tc.wants {
				if found, ok := got[kind]; !ok || subject != "" && found != subject {
					t.Errorf("got findings %v, want %s of %q", got, kind, subject)
				}
			}
			if len(tc.wants) == 0 && len(got) != 0 {
				t.Errorf("got findings %v, want none", got)
			}
			w.CheckDrift()
		})
	}
}
