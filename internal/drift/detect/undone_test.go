package detect_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/drift/changeevent"
	"permstack/internal/drift/detect"
)

// TestUndoneBesideFinding checks that a finding that is left open hides only the calls that made it, and not others of
// the same resource that were undone.
func TestUndoneBesideFinding(t *testing.T) {
	const trusting = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` +
		`{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sts:AssumeRole"}]}`
	w := install(t)
	role := "ClumioSupportRole-us-east-1-main"
	must(w.IAM.UpdateRole(t.Context(), &iam.UpdateRoleInput{
		RoleName: &role, MaxSessionDuration: aws.Int32(7200),
	}))
	w.AttachPolicy(support, "arn:aws:iam::aws:policy/ReadOnlyAccess")
	open := summaries(must(detect.Check(t.Context(), w.clients(), w.options())))
	for _, tc := range []struct {
		call       string
		parameters map[string]any
		want       []string
	}{
		{"UpdateRole", map[string]any{"maxSessionDuration": 7200}, nil},
		{"AttachRolePolicy", map[string]any{"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, nil},
		{"AttachRolePolicy", map[string]any{"policyArn": admin}, []string{"grants-more iam:AttachRolePolicy"}},
		{"UpdateAssumeRolePolicy", map[string]any{"policyDocument": trusting},
			[]string{"grants-more iam:UpdateAssumeRolePolicy"}},
		{"PutRolePolicy", map[string]any{"policyName": "theirs", "policyDocument": trusting},
			[]string{"grants-more iam:PutRolePolicy"}},
	} {
		t.Run(fmt.Sprint(tc.call, tc.parameters["policyArn"]), func(t *testing.T) {
			tc.parameters["roleName"] = role
			e, ok := changeevent.Parse(must(json.Marshal(map[string]any{
				"detail-type": "AWS API Call via CloudTrail", "detail": map[string]any{
					"eventName": tc.call, "eventSource": "iam.amazonaws.com", "requestParameters": tc.parameters,
				},
			})), "")
			if !ok {
				t.Fatal("the event cannot be parsed")
			}
			o := w.options()
			o.Limited, o.Events = true, []changeevent.Event{e}
			report := must(detect.Check(t.Context(), w.clients(), o))
			var got []string
			for _, f := range report.Undone {
				got = append(got, string(f.Direction)+" "+f.Subject)
			}
			if !slices.Equal(got, tc.want) || !slices.Equal(summaries(report), open) {
				t.Errorf("got undone %q, want %q, beside %q, want %q", got, tc.want, summaries(report), open)
			}
		})
	}
}
