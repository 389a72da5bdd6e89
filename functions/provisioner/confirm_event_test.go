package main_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/provisioner/provisionerlambda"
)

// TestForgedEvents sends events that CloudFormation does not wait for. The one of
// another stack goes to the function as it is deployed; the others would wait for
// a minute there, as the status may be visible late, and go to the function's own
// handler with a clock that does not wait.
func TestForgedEvents(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	stack := start(t).Launch(fakeawstest.Launch{})
	responses := fakeawstest.NewResponses(t)
	trust := func() string { return stack.Role(stack.RoleName()).Trust }
	before := trust()
	handler := provisionerlambda.Handler(
		provisionerlambda.Settings{StackRoleARN: stack.StackID, StackID: stack.StackID}, stack.Config(stack.ID, stack.Region),
		provisionerlambda.Options{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	elsewhere := strings.Replace(stack.StackID, "stack/backup/", "stack/backup/0", 1)
	for name, tc := range map[string]struct {
		request  cfn.RequestType
		stack    string
		deployed bool
		reason   string
	}{
		"another stack": {cfn.RequestUpdate, elsewhere, true, "belongs to stack " + stack.StackID},
		"another trust": {cfn.RequestUpdate, stack.StackID, false,
			"CloudFormation does not wait for this Update: resource PermissionStack of stack backup is CREATE_COMPLETE"},
		"a deletion": {cfn.RequestDelete, stack.StackID, false,
			"CloudFormation does not wait for this Delete: resource PermissionStack of stack backup is CREATE_COMPLETE"},
	} {
		t.Run(name, func(t *testing.T) {
			payload := fmt.Sprintf(
				`{"RequestType": %q, "RequestId": %q, "ResponseURL": %q, "ResourceType": "Custom::PermissionStack",
				"LogicalResourceId": "PermissionStack", "PhysicalResourceId": "x", "StackId": %q, "ResourceProperties": {
				"Profile": "clumio", "Assets": ["ec2"], "Operations": ["backup", "restore"],
				"ControlPlaneRoleArn": "arn:aws:iam::666666666666:role/Mallory",
				"DataPlaneAccountId": "666666666666", "ExternalId": "mallory", "ConnectionId": "main", "Path": "/permstack/"}}`,
				tc.request, name, responses.URL, tc.stack)
			if tc.deployed {
				if result := stack.Invoke("Provisioner", payload); result.FunctionError != "" {
					t.Fatalf("%s: %s", result.FunctionError, result.Payload)
				}
			} else if _, err := handler.Invoke(t.Context(), []byte(payload)); err != nil {
				t.Fatal(err)
			}
			got := responses.Take(name)
			if len(got) != 1 || got[0].Status != cfn.StatusFailed || !strings.Contains(got[0].Reason, tc.reason) {
				t.Errorf("got responses %+v, want one that fails with %q", got, tc.reason)
			}
		})
	}
	if after := trust(); after != before {
		t.Errorf("the role trusts %s, want %s", after, before)
	}
}
