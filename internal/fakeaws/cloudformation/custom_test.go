package cloudformation_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// customStack is a stack with a function, a custom resource with the given
// properties and a topic after it.
func customStack(properties string) string {
	return fmt.Sprintf(`
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Runtime: provided.al2023, Handler: bootstrap, Timeout: 900, Role: !GetAtt Role.Arn, Code: {S3Bucket: b, S3Key: k}}
  Once:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: {FunctionName: !Ref Function, Qualifier: $LATEST, MaximumRetryAttempts: 0}
  Custom:
    Type: Custom::Thing
    DependsOn: Once
    Properties: {ServiceToken: !GetAtt Function.Arn, %s}
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: after, DisplayName: !GetAtt Custom.Answer}
Outputs:
  Answer: {Value: !GetAtt Custom.Answer}
  Echo: {Value: !GetAtt Custom.Echo}
  Id: {Value: !Ref Custom}
`, properties)
}

func TestCustomResource(t *testing.T) {
	h := newHarness(t)
	id := h.create("s", customStack(`Echo: hello, Number: 7, Yes: true, List: [1, {Deep: false}], Twice: 1`))
	h.wait("s", "CREATE_COMPLETE")
	for key, want := range map[string]string{"Answer": "42", "Echo": "hello", "Id": "custom-id"} {
		if got := h.stackOutput("s", key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	first := h.requests()[0]
	for _, want := range []string{"Create ", `"Number":"7"`, `"Yes":"true"`, `"List":["1",{"Deep":"false"}]`,
		`"ServiceToken":"arn:aws:lambda:eu-central-1:111122223333:function:s-Function-`} {
		if !strings.Contains(first, want) {
			t.Errorf("request %s, want %s", first, want)
		}
	}
	if err := h.update("s", customStack(`Echo: again`)); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	if got := h.stackOutput("s", "Echo"); got != "again" {
		t.Errorf("Echo is %q", got)
	}
	if err := h.update("s", customStack(`Echo: again, Id: other-id`)); err != nil { // replacement
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	h.delete("s")
	h.wait(id, "DELETE_COMPLETE")
	var kinds []string
	for _, r := range h.requests() {
		f := strings.SplitN(r, " ", 3)
		kinds = append(kinds, f[0]+" "+f[1])
	}
	want := []string{"Create ", "Update custom-id", "Update custom-id", "Delete custom-id", "Delete other-id"}
	if !slices.Equal(kinds, want) {
		t.Errorf("requests %q, want %q", kinds, want)
	}
}

func TestCustomResourceFails(t *testing.T) {
	tests := []struct{ name, properties, reason, second string }{
		{
			"answer FAILED",
			"Fail: Create, Id: mine",
			"Received response status [FAILED] from custom resource. Message returned: as instructed (RequestId: ",
			"Delete mine",
		},
		{
			"silent",
			"Answer: silent, ServiceTimeout: 1",
			"CloudFormation did not receive a response from your Custom Resource.",
			"Delete s-Custom-",
		},
		{"long answer", "Answer: long", "Response object is too long.", "Delete s-Custom-"},
		{
			"another's answer",
			"Answer: wrong",
			"Invalid response object: Value of property RequestId does not match the request",
			"Delete s-Custom-",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t)
			h.create("s", customStack(tt.properties))
			h.wait("s", "ROLLBACK_COMPLETE")
			wantInOrder(t, h.events("s"), "Custom CREATE_FAILED "+tt.reason, "s ROLLBACK_IN_PROGRESS",
				"Custom DELETE_COMPLETE", "Function DELETE_COMPLETE", "s ROLLBACK_COMPLETE")
			if r := h.requests(); len(r) != 2 || !strings.HasPrefix(r[1], tt.second) {
				t.Errorf("requests %q, want the second to be %q", r, tt.second)
			}
		})
	}
}

func TestCustomResourceRollsBack(t *testing.T) {
	h := newHarness(t)
	h.create("s", customStack(`Echo: old`))
	h.wait("s", "CREATE_COMPLETE")
	if err := h.update("s", customStack(`Echo: new, Fail: Update`)); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
	r := h.requests()
	if len(r) != 3 || !strings.HasPrefix(r[1], `Update custom-id {"Echo":"new"`) ||
		!strings.HasPrefix(r[2], `Update custom-id {"Echo":"old"`) {
		t.Errorf("requests %q", r)
	}
	if got := h.stackOutput("s", "Echo"); got != "old" {
		t.Errorf("Echo is %q after the rollback", got)
	}
}

func TestDeleteWhileCreating(t *testing.T) {
	h := newHarness(t)
	id := h.create("s", customStack("Answer: silent"))
	select {
	case <-h.output:
	case <-t.Context().Done():
		t.Fatal("the function is never invoked")
	}
	h.delete("s")
	h.wait(id, "DELETE_COMPLETE")
	wantInOrder(t, h.events(id), "s DELETE_IN_PROGRESS", "Custom CREATE_FAILED Resource creation cancelled",
		"Custom DELETE_COMPLETE", "Role DELETE_COMPLETE", "s DELETE_COMPLETE")
}

func TestUnknownServiceToken(t *testing.T) {
	h := newHarness(t)
	h.create("s",
		"Resources: {C: {Type: Custom::X, Properties: {ServiceToken: "+
			"'arn:aws:lambda:eu-central-1:111122223333:function:none'}}}")
	h.wait("s", "ROLLBACK_COMPLETE")
	wantInOrder(t, h.events("s"),
		"C CREATE_FAILED Resource handler returned message: \"Function not found: "+
			"arn:aws:lambda:eu-central-1:111122223333:function:none (Service: Lambda, Status Code: 404")
}

func TestResponseURLRefuses(t *testing.T) {
	h := newHarness(t)
	cfg := h.cloud.Config(account, region)
	for method, want := range map[string]int{http.MethodPut: 403, http.MethodGet: 405} {
		t.Run(method, func(t *testing.T) {
			q, _ := http.NewRequestWithContext(context.Background(), method,
				aws.ToString(cfg.BaseEndpoint)+"/cloudformation-custom-resource-response/x", strings.NewReader("{}"))
			r, err := cfg.HTTPClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			_ = r.Body.Close()
			if r.StatusCode != want {
				t.Errorf("%s returns %d, want %d", method, r.StatusCode, want)
			}
		})
	}
}
