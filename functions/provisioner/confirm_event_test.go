package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/fakeawstest"
)

// TestForgedEvents checks that a principal who may only invoke the function cannot change anything with forged events.
// It uses the real template and the built function.
func TestForgedEvents(t *testing.T) {
	stack := start(t).Launch(fakeawstest.Launch{})
	responses := fakeawstest.NewResponses(t)
	trust := func() string { return aws.ToString(stack.Role(stack.RoleName()).AssumeRolePolicyDocument) }
	before := trust()
	elsewhere := strings.Replace(stack.StackID, "stack/backup/", "stack/backup/0", 1)
	t.Run("events", func(t *testing.T) { // concurrently: each takes as long as the status may be visible late
		for name, tc := range map[string]struct {
			request cfn.RequestType
			stack   string
			reason  string
		}{
			"another stack": {cfn.RequestUpdate, elsewhere, "belongs to stack " + stack.StackID},
			"another trust": {cfn.RequestUpdate, stack.StackID,
				"CloudFormation does not wait for this Update: resource PermissionStack of stack backup is CREATE_COMPLETE"},
			"a deletion": {cfn.RequestDelete, stack.StackID,
				"CloudFormation does not wait for this Delete: resource PermissionStack of stack backup is CREATE_COMPLETE"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				payload := fmt.Sprintf(
					`{"RequestType": %q, "RequestId": %q, "ResponseURL": %q, "ResourceType": "Custom::PermissionStack",
					"LogicalResourceId": "PermissionStack", "PhysicalResourceId": "x", "StackId": %q, "ResourceProperties": {
					"Profile": "clumio", "Assets": ["ec2"], "Operations": ["backup", "restore"],
					"ControlPlaneRoleArn": "arn:aws:iam::666666666666:role/Mallory",
					"DataPlaneAccountId": "666666666666", "ExternalId": "mallory", "ConnectionId": "main", "Path": "/permstack/"}}`,
					tc.request, name, responses.URL, tc.stack)
				if result := stack.Invoke("Provisioner", payload); result.FunctionError != "" {
					t.Fatalf("%s: %s", result.FunctionError, result.Payload)
				}
				got := responses.Take(name)
				if len(got) != 1 || got[0].Status != cfn.StatusFailed || !strings.Contains(got[0].Reason, tc.reason) {
					t.Errorf("got responses %+v, want one that fails with %q", got, tc.reason)
				}
			})
		}
	})
	if after := trust(); after != before {
		t.Errorf("the role trusts %s, want %s", after, before)
	}
}
