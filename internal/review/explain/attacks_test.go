package explain_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/review/explain"
)

// TestKnownAttacks checks that each known way to gain permissions or data, of the lists that rules.go names and of what
// reviewers added, has its finding in a policy with nothing but its actions.
func TestKnownAttacks(t *testing.T) {
	for _, c := range []struct{ actions, id string }{
		{"iam:CreatePolicyVersion", "change-permissions-iam"},
		{"iam:SetDefaultPolicyVersion", "change-permissions-iam"},
		{"iam:CreateAccessKey", "create-credentials-iam"},
		{"iam:AddUserToGroup", "change-permissions-iam"},
		{"iam:UpdateSAMLProvider", "change-permissions-iam"},
		{"sso:CreateAccountAssignment", "change-permissions-sso"},
		{"iam:PassRole lambda:CreateFunction", "pass-role-to-lambda"},
		{"lambda:UpdateFunctionCode", "change-code-lambda"},
		{"lambda:CreateFunctionUrlConfig", "open-resources-lambda"},
		{"iam:PassRole glue:CreateJob", "pass-role-to-glue"},
		{"glue:UpdateDevEndpoint", "change-code-glue"},
		{"iam:PassRole cloudformation:CreateStack", "pass-role-to-cloudformation"},
		{"cloudformation:CreateChangeSet cloudformation:ExecuteChangeSet", "change-code-cloudformation"},
		{"iam:PassRole datapipeline:CreatePipeline", "pass-role-to-other"},
		{"iam:PassRole ecs:RunTask", "pass-role-to-other"},
		{"iam:PassRole scheduler:CreateSchedule", "pass-role-to-other"},
		{"iam:PassRole apprunner:CreateService", "pass-role-to-other"},
		{"iam:PassRole bedrock:CreateAgent", "pass-role-to-other"},
		{"iam:PassRole cognito-identity:SetIdentityPoolRoles", "pass-role-to-other"},
		{"iam:PassRole autoscaling:CreateAutoScalingGroup", "pass-role-to-ec2"},
		{"sagemaker:CreatePresignedNotebookInstanceUrl", "change-code-sagemaker"},
		{"codebuild:StartBuild", "change-code-codebuild"},
		{"ecs:ExecuteCommand", "run-commands-ecs"},
		{"ec2-instance-connect:SendSSHPublicKey", "run-commands-ec2-instance-connect"},
		{"sts:AssumeRoot", "assume-roles-sts"},
		{"sts:GetFederationToken", "create-credentials-sts"},
		{"ecr:SetRepositoryPolicy", "open-resources-ecr"},
		{"ram:CreateResourceShare", "open-resources-ram"},
		{"s3:PutReplicationConfiguration", "send-to-other-accounts-s3"},
		{"kms:ScheduleKeyDeletion", "delete-data-kms"},
		{"cloudtrail:StopLogging", "disable-detection-cloudtrail"},
		{"guardduty:DeleteDetector", "disable-detection-guardduty"},
		{"organizations:LeaveOrganization", "disable-detection-organizations"},
	} {
		t.Run(c.actions, func(t *testing.T) {
			list, err := json.Marshal(strings.Fields(c.actions))
			if err != nil {
				t.Fatal(err)
			}
			doc, err := iampolicy.Parse([]byte(
				`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + string(list) + `,"Resource":"*"}}`))
			if err != nil {
				t.Fatal(err)
			}
			grants := explain.FromDocuments([]explain.Document{{Role: "R", Policy: "P", Document: doc}}, nil,
				explain.Describer{})
			var ids []string
			for _, f := range explain.Findings(grants) {
				ids = append(ids, f.ID)
			}
			if !slices.Contains(ids, c.id) {
				t.Errorf("got %v, want %s", ids, c.id)
			}
		})
	}
}
