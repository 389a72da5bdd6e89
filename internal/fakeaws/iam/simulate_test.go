package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/fakeaws/apitest"
)

// TestSimulate checks decisions by the policies of a role and by its boundary, and that a job of last accessed details
// is in progress before it is complete.
func TestSimulate(t *testing.T) {
	ctx := t.Context()
	_, n := apitest.NewCloud(t)
	apitest.CreateRole(t, n, "vendor")
	role := apitest.Must[*iam.GetRoleOutput](t)(n.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("vendor")})).Role
	apitest.Succeed(t)(n.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: role.RoleName, PolicyName: aws.String("p"), PolicyDocument: aws.String(`{"Version":"2012-10-17",
			"Statement":[{"Effect":"Allow","Action":["sns:*","ec2:CreateSnapshot"],"Resource":"*"},
			{"Effect":"Deny","Action":"sns:DeleteTopic","Resource":"*"}]}`),
	}))
	decide := func(action string) types.EvaluationResult {
		out := apitest.Must[*iam.SimulatePrincipalPolicyOutput](t)(n.IAM.SimulatePrincipalPolicy(ctx,
			&iam.SimulatePrincipalPolicyInput{PolicySourceArn: role.Arn, ActionNames: []string{action}}))
		return out.EvaluationResults[0]
	}
	for action, want := range map[string]types.PolicyEvaluationDecisionType{
		"sns:CreateTopic": "allowed", "sns:DeleteTopic": "explicitDeny", "s3:GetObject": "implicitDeny",
	} {
		if got := decide(action).EvalDecision; got != want {
			t.Errorf("%s: got %s, want %s", action, got, want)
		}
	}
	boundary := apitest.CreatePolicy(t, n, "limit", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Action":"ec2:*","Resource":"*"}]}`)
	apitest.Succeed(t)(n.IAM.PutRolePermissionsBoundary(ctx,
		&iam.PutRolePermissionsBoundaryInput{RoleName: role.RoleName, PermissionsBoundary: &boundary}))
	for action, want := range map[string]bool{"sns:CreateTopic": false, "ec2:CreateSnapshot": true} {
		got := decide(action)
		if d := got.PermissionsBoundaryDecisionDetail; d == nil || d.AllowedByPermissionsBoundary != want ||
			(got.EvalDecision == "allowed") != want {
			t.Errorf("%s with a boundary: got %s, %+v", action, got.EvalDecision, d)
		}
	}
	job := apitest.Must[*iam.GenerateServiceLastAccessedDetailsOutput](t)(n.IAM.GenerateServiceLastAccessedDetails(ctx,
		&iam.GenerateServiceLastAccessedDetailsInput{Arn: role.Arn, Granularity: "ACTION_LEVEL"})).JobId
	for _, want := range []types.JobStatusType{"IN_PROGRESS", "COMPLETED"} {
		out := apitest.Must[*iam.GetServiceLastAccessedDetailsOutput](t)(n.IAM.GetServiceLastAccessedDetails(ctx,
			&iam.GetServiceLastAccessedDetailsInput{JobId: job}))
		if out.JobStatus != want || want == "COMPLETED" && len(out.ServicesLastAccessed) != 2 {
			t.Errorf("got %s with %d services, want %s", out.JobStatus, len(out.ServicesLastAccessed), want)
		}
	}
}
