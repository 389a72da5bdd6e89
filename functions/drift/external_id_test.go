package main_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// TestExternalIDReplaced checks which updates are announced as another external id, and
// that the messages do not contain it.
func TestExternalIDReplaced(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	const first, second, third = "first-8a1f", "second-8a1f", "third-8a1f"
	w := launch(t, map[string]string{"ExternalId": first, "OnDrift": "revert"})
	w.CheckDrift()
	w.Messages()
	update := func(id string, more map[string]string) func(*installation) {
		return func(w *installation) {
			parameters := map[string]string{"ExternalId": id, "OnDrift": "revert"}
			for name, value := range more {
				parameters[name] = value
			}
			w.update(parameters)
		}
	}
	for _, tc := range []struct {
		name      string
		change    func(*installation)
		announced bool
	}{
		{"revision", update(first, map[string]string{"Revision": "2"}), false},
		{"operations", update(first, map[string]string{"Operations": "backup"}), false},
		{"external id", update(second, map[string]string{"Operations": "backup"}), true},
		{"the permission stack alone", func(w *installation) {
			name := w.PermissionStack("access")
			_, err := w.CloudFormation.UpdateStack(w.t.Context(), &cloudformation.UpdateStackInput{
				StackName: &name, UsePreviousTemplate: aws.Bool(true),
				Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
				Parameters:   []types.Parameter{{ParameterKey: aws.String("ExternalId"), ParameterValue: aws.String(third)}},
			})
			if err != nil {
				w.t.Fatal(err)
			}
		}, true},
		{"restored", update(second, map[string]string{"Operations": "backup", "Revision": "3"}), true},
		{"reverted by the check", func(w *installation) {
			_, err := w.IAM.DeleteRolePermissionsBoundary(w.t.Context(), &iam.DeleteRolePermissionsBoundaryInput{
				RoleName: aws.String(w.RoleName()),
			})
			if err != nil {
				w.t.Fatal(err)
			}
			w.CheckDrift()
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			tc.change(w)
			w.WaitIdle()
			w.CheckDrift()
			w.CheckDrift()
			count := 0
			for _, m := range w.Messages() {
				for _, id := range []string{first, second, third} {
					if strings.Contains(m.Email, id) {
						t.Errorf("the message contains the external id:\n%s", m.Email)
					}
				}
				for _, f := range m.Findings {
					if f.Kind == finding.ChoiceChanged && f.Subject == finding.ExternalIDChoice && m.Kind == notify.KindDrift {
						count++
					}
				}
			}
			if want := map[bool]int{true: 1}[tc.announced]; count != want {
				t.Errorf("another external id was announced %d times, want %d", count, want)
			}
		})
	}
	if trust := w.Role(w.RoleName()).Trust; !strings.Contains(trust, second) {
		t.Errorf("got trust policy %s, want external id %s", trust, second)
	}
}
