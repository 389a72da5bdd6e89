package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack"
	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/standalone"
)

// TestForgedEvents checks that a principal who may only invoke the function cannot
// change anything with forged events. It uses the real template and the built
// function.
func TestForgedEvents(t *testing.T) {
	path, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := standalone.Start(
		"127.0.0.1:0",
		standalone.Options{BuiltIn: []string{path}, Names: []string{"provisioner"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() })
	cfg := cloud.Config(account, region)
	stacks, roles := cloudformation.NewFromConfig(cfg), iam.NewFromConfig(cfg)
	url, err := cloud.UploadTemplate(t.Context(), "template.yaml", permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	launched, err := stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("backup"), TemplateURL: &url,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		Parameters: []types.Parameter{
			{ParameterKey: aws.String("ProtectEC2"), ParameterValue: aws.String("yes")},
			{ParameterKey: aws.String("ConnectionId"), ParameterValue: aws.String("main")},
			{ParameterKey: aws.String("ExternalId"), ParameterValue: aws.String(secret)},
			{ParameterKey: aws.String("DataPlaneAccountId"), ParameterValue: aws.String("333333333333")},
			{
				ParameterKey:   aws.String("ControlPlaneRoleArn"),
				ParameterValue: aws.String("arn:aws:iam::210987654321:role/ControlPlane"),
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, reason, err := cloud.Stacks.Wait(t.Context(), account, region, "backup"); status != "CREATE_COMPLETE" {
		t.Fatalf("%s %s %v", status, reason, err)
	}
	function, err := stacks.DescribeStackResource(
		t.Context(),
		&cloudformation.DescribeStackResourceInput{
			StackName:         launched.StackId,
			LogicalResourceId: aws.String("Provisioner"),
		},
	)
	if err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	var responses []cfn.Response
	inbox := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var a cfn.Response
		if err := json.Unmarshal(body, &a); err != nil {
			t.Error(err)
		}
		mu.Lock()
		responses = append(responses, a)
		mu.Unlock()
	}))
	t.Cleanup(inbox.Close)

	trust := func() string {
		role, err := roles.GetRole(
			t.Context(),
			&iam.GetRoleInput{RoleName: aws.String("ClumioIAMRole-" + region + "-main")},
		)
		if err != nil {
			t.Fatal(err)
		}
		return *role.Role.AssumeRolePolicyDocument
	}
	before := trust()
	elsewhere := strings.Replace(*launched.StackId, "stack/backup/", "stack/backup/0", 1)
	t.Run("events", func(t *testing.T) { // concurrently: each takes as long as the status may be visible late
		for name, tc := range map[string]struct {
			request cfn.RequestType
			stack   string
			reason  string
		}{
			"another stack": {cfn.RequestUpdate, elsewhere, "belongs to stack " + *launched.StackId},
			"another trust": {cfn.RequestUpdate, *launched.StackId,
				"CloudFormation does not wait for this Update: resource PermissionStack of stack backup is CREATE_COMPLETE"},
			"a deletion": {cfn.RequestDelete, *launched.StackId,
				"CloudFormation does not wait for this Delete: resource PermissionStack of stack backup is CREATE_COMPLETE"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				payload := fmt.Sprintf(
					`{"RequestType": %q, "RequestId": %q, "ResponseURL": "%s/", "ResourceType": "Custom::PermissionStack",
					"LogicalResourceId": "PermissionStack", "PhysicalResourceId": "x", "StackId": %q, "ResourceProperties": {
					"Profile": "clumio", "Assets": ["ec2"], "Operations": ["backup", "restore"],
					"ControlPlaneRoleArn": "arn:aws:iam::666666666666:role/Mallory",
					"DataPlaneAccountId": "666666666666", "ExternalId": "mallory", "ConnectionId": "main", "Path": "/permstack/"}}`,
					tc.request,
					name,
					inbox.URL,
					tc.stack,
				)
				result, err := cloud.Functions.Invoke(
					t.Context(),
					lambda.Resolve(account, region, *function.StackResourceDetail.PhysicalResourceId),
					[]byte(payload),
				)
				if err != nil || result.FunctionError != "" {
					t.Fatalf("%v %s", err, result.Payload)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, a := range responses {
					if a.RequestID == name {
						if a.Status != cfn.StatusFailed || !strings.Contains(a.Reason, tc.reason) {
							t.Errorf("got %s: %s", a.Status, a.Reason)
						}
						return
					}
				}
				t.Error("got no response")
			})
		}
	})
	if after := trust(); after != before {
		t.Errorf("the role trusts %s, want %s", after, before)
	}
}
