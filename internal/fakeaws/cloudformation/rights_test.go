package cloudformation_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// recorded has types of services that the embedded AWS does not have, and of
// functions.
const recorded = `{"Resources":{
	"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"log","RetentionInDays":7,
		"Tags":[{"Key":"k","Value":"v"}]}},
	"Alarm":{"Type":"AWS::CloudWatch::Alarm","Properties":{"AlarmName":"alarm","ComparisonOperator":"GreaterThanThreshold",
		"EvaluationPeriods":1,"Threshold":RULE}},
	"Key":{"Type":"AWS::KMS::Key","Properties":{"Description":"RULE"}},
	"Function":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"function","Runtime":"provided.al2023",
		"Handler":"bootstrap","Role":"ROLE","Description":"RULE","Code":{"S3Bucket":"code","S3Key":"f.zip"}}},
	"Config":{"Type":"AWS::Lambda::EventInvokeConfig","Properties":{"FunctionName":{"Ref":"Function"},
		"Qualifier":"$LATEST","MaximumRetryAttempts":0}},
	"Permission":{"Type":"AWS::Lambda::Permission","Properties":{"FunctionName":{"Ref":"Function"},
		"Action":"lambda:InvokeFunction","Principal":"sns.amazonaws.com"}},
	"Parameter":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"parameter","Type":"String","Value":"RULE"}}
}}`

// TestHandlersRequireRights creates, reads, updates and deletes resources with a
// service role that may do everything except one action. The operation fails and
// names the action.
func TestHandlersRequireRights(t *testing.T) {
	for _, tt := range []struct {
		denied, resource string
		fails            string // the operation
	}{
		{"logs:CreateLogGroup", "log-group:log", "create"},
		{"logs:PutRetentionPolicy", "log-group:log", "create"},
		{"logs:TagResource", "log-group:log", "create"},
		{"logs:DescribeLogGroups", "", "create"},
		{"cloudwatch:PutMetricAlarm", "alarm:alarm", "create"},
		{"kms:CreateKey", "", "create"},
		{"lambda:CreateFunction", "function:function", "create"},
		{"lambda:GetRuntimeManagementConfig", "function:function", "create"},
		{"s3:GetObject", "code/f.zip", "create"},
		{"iam:PassRole", "role/function", "create"},
		{"lambda:AddPermission", "function:function", "create"},
		{"lambda:PutFunctionEventInvokeConfig", "function:function", "create"},
		{"ssm:GetParameters", "parameter/parameter", "create"},
		{"lambda:GetFunctionRecursionConfig", "function:function", "create"},
		{"lambda:GetFunctionEventInvokeConfig", "function:function", "read"},
		{"cloudwatch:ListTagsForResource", "alarm:alarm", "create"},
		{"kms:GetKeyPolicy", "key/", "read"},
		{"ssm:ListTagsForResource", "parameter/parameter", "read"},
		{"kms:UpdateKeyDescription", "key/", "update"},
		{"lambda:UpdateFunctionConfiguration", "function:function", "update"},
		{"logs:DeleteLogGroup", "log-group:log", "delete"},
		{"kms:ScheduleKeyDeletion", "key/", "delete"},
		{"lambda:RemovePermission", "function:function", "delete"},
		{"lambda:DeleteFunction", "function:function", "delete"},
		{"", "", ""},
	} {
		t.Run(tt.fails+"/"+tt.denied, func(t *testing.T) {
			h := newHarness(t)
			h.serviceRole("function", "lambda.amazonaws.com", "")
			role := h.serviceRole("service", "cloudformation.amazonaws.com", tt.denied)
			body := func(value string) *string {
				values := strings.NewReplacer("ROLE", "arn:aws:iam::"+account+":role/function", "RULE", value)
				return aws.String(values.Replace(recorded))
			}
			failed := func(events string) bool {
				return strings.Contains(events, "is not authorized to perform: "+tt.denied) && strings.Contains(events, tt.resource)
			}
			ctx, name := t.Context(), aws.String("s")
			_, err := h.cfn.CreateStack(ctx, &cfn.CreateStackInput{StackName: name, TemplateBody: body("1"), RoleARN: &role})
			if err != nil {
				t.Fatal(err)
			}
			if tt.fails == "create" {
				h.wait("s", "ROLLBACK_COMPLETE")
				if events := strings.Join(h.events("s"), "\n"); !failed(events) {
					t.Errorf("got events\n%s\nwant a denial of %s on %s", events, tt.denied, tt.resource)
				}
				return
			}
			h.wait("s", "CREATE_COMPLETE")
			h.detectAs(role, tt.fails == "read", tt.denied)
			if _, err := h.cfn.UpdateStack(ctx, &cfn.UpdateStackInput{StackName: name, TemplateBody: body("2"),
				RoleARN: &role}); err != nil {
				t.Fatal(err)
			}
			if tt.fails == "update" {
				h.wait("s", "UPDATE_ROLLBACK_FAILED")
				if events := strings.Join(h.events("s"), "\n"); !failed(events) {
					t.Errorf("got events\n%s\nwant a denial of %s on %s", events, tt.denied, tt.resource)
				}
				return
			}
			h.wait("s", "UPDATE_COMPLETE")
			if _, err := h.cfn.DeleteStack(ctx, &cfn.DeleteStackInput{StackName: name}); err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{true: "DELETE_FAILED", false: ""}[tt.fails == "delete"] // deleted stacks have no name
			h.wait("s", want)
			if events := strings.Join(h.events("s"), "\n"); tt.fails == "delete" && !failed(events) {
				t.Errorf("got events\n%s\nwant a denial of %s on %s", events, tt.denied, tt.resource)
			}
		})
	}
}

// serviceRole creates a role for a service that may do everything except one
// action, and returns its ARN.
func (h *harness) serviceRole(name, service, denied string) string {
	h.t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service +
		`"},"Action":"sts:AssumeRole"}]}`
	made, err := h.iam.CreateRole(h.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err != nil {
		h.t.Fatal(err)
	}
	type statement struct{ Effect, Action, Resource string }
	statements := []statement{{"Allow", "*", "*"}}
	if denied != "" {
		statements = append(statements, statement{"Deny", denied, "*"})
	}
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.iam.PutRolePolicy(h.t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p"),
		PolicyDocument: aws.String(string(document))}); err != nil {
		h.t.Fatal(err)
	}
	return *made.Role.Arn
}

// detectAs detects drift as a role and checks whether a resource could not be
// read for want of an action.
func (h *harness) detectAs(role string, fails bool, denied string) {
	h.t.Helper()
	client := cfn.NewFromConfig(h.cloud.ConfigAs(account, region, role))
	unreadable := false
	for _, id := range []string{"Log", "Alarm", "Key", "Function", "Config", "Permission", "Parameter"} {
		out, err := client.DetectStackResourceDrift(h.t.Context(),
			&cfn.DetectStackResourceDriftInput{StackName: aws.String("s"), LogicalResourceId: &id})
		if err != nil {
			if !strings.Contains(err.Error(), "to perform: "+denied) {
				h.t.Errorf("%s: got error %v", id, err)
			}
			unreadable = true
			continue
		}
		d := out.StackResourceDrift
		reason := aws.ToString(d.DriftStatusReason)
		switch {
		case d.StackResourceDriftStatus == "IN_SYNC":
		case fails && strings.Contains(reason, "to perform: "+denied):
			unreadable = true
		default:
			h.t.Errorf("%s is %s: %s", id, d.StackResourceDriftStatus, reason)
		}
	}
	if unreadable != fails {
		h.t.Errorf("without %s, drift could not be detected: got %t, want %t", denied, unreadable, fails)
	}
}
