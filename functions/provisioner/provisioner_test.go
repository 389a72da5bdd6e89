package main_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/lambdaruntime"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
	parent  = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/11111111-2222-3333-4444-555555555555"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// start starts an embedded AWS whose functions run as they are deployed.
func start(t *testing.T) *fakeawstest.Account {
	t.Helper()
	return fakeawstest.Start(t, fakeawstest.Options{Program: fakeawstest.BuiltProgram(t)}).In(account, region)
}

// fixture is the built function in a process of its own, without a parent stack, so that a test sends its events.
type fixture struct {
	*fakeawstest.Account
	t         *testing.T
	runtime   *lambdaruntime.Runtime
	responses *fakeawstest.Responses
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Account: start(t), t: t, responses: fakeawstest.NewResponses(t)}
	var err error
	f.runtime, err = lambdaruntime.Start(t.Context(), lambdaruntime.Config{
		Argv: append(fakeawstest.BuiltProgram(t), "provisioner"), FunctionName: "provisioner", Region: region, MemoryMB: 256,
		Timeout: 15 * time.Minute, InitTimeout: 20 * time.Second, Output: f.Log,
		Env: map[string]string{"STACK_ROLE_ARN": f.createStackRole(), "AWS_ENDPOINT_URL": f.Endpoint},
		Credentials: func() lambdaruntime.Credentials {
			return lambdaruntime.Credentials{AccessKeyID: account, SecretAccessKey: "x"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.runtime.Close() })
	return f
}

// createStackRole creates a role that CloudFormation may assume and that may do everything.
func (f *fixture) createStackRole() (arn string) {
	f.t.Helper()
	const name = "stack-role"
	const trust = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	in := &iam.CreateRoleInput{RoleName: aws.String(name), AssumeRolePolicyDocument: aws.String(trust)}
	out, err := f.IAM.CreateRole(f.t.Context(), in)
	if err != nil {
		f.t.Fatal(err)
	}
	f.PutInlinePolicy(name, "all", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	return *out.Role.Arn
}

// send invokes the function with an event and returns the only response.
func (f *fixture) send(request cfn.RequestType, id string, edit map[string]any) cfn.Response {
	f.t.Helper()
	properties := map[string]any{
		"ServiceToken": "arn:aws:lambda:eu-central-1:123456789012:function:provisioner", "ServiceTimeout": "960",
		"Profile": "clumio", "Assets": []string{"ec2", "s3"}, "Operations": []string{"backup", "restore"},
		"SupportRole": "false", "AWSBackupInventory": "false",
		"ControlPlaneRoleArn": "arn:aws:iam::210987654321:role/ControlPlane", "SupportControlPlaneRoleArn": "",
		"DataPlaneAccountId": "333333333333", "ExternalId": fakeawstest.ExternalID, "ConnectionId": "main",
		"Path": "/permstack/", "PermissionsBoundaryArn": "", "Tags": "team=storage", "CatalogVersion": "",
	}
	for name, value := range edit {
		properties[name] = value
	}
	payload, err := json.Marshal(map[string]any{
		"RequestType": request, "RequestId": id,
		"ResponseURL":  f.responses.URL + "responses?X-Amz-Signature=s1gnatur3-of-the-url",
		"ResourceType": "Custom::PermissionStack", "LogicalResourceId": "PermissionStack", "StackId": parent,
		"ResourceProperties": properties,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Minute)
	defer cancel()
	result, err := f.runtime.Invoke(ctx, payload)
	if err != nil || result.FunctionError != "" {
		f.t.Fatalf("%s: %v %s %s\n%s", id, err, result.FunctionError, result.Payload, f.Log)
	}
	responses := f.responses.Take(id)
	if len(responses) != 1 {
		f.t.Fatalf("%s: got %d responses, want 1", id, len(responses))
	}
	response := responses[0]
	if response.StackID != parent {
		f.t.Errorf("%s: the response is %+v", id, response)
	}
	if body, err := json.Marshal(response); err != nil || strings.Contains(string(body), fakeawstest.ExternalID) {
		f.t.Errorf("%s: the response contains the external id: %s, %v", id, body, err)
	}
	return response
}

// policies returns the names of the policies attached to the vendor's role.
func (f *fixture) policies(response cfn.Response) string {
	f.t.Helper()
	var names []string
	for _, arn := range f.AttachedPolicies(roleName(response)) {
		names = append(names, arn[strings.LastIndex(arn, "/")+1:])
	}
	return strings.Join(names, " ")
}

// roleName returns the name of the vendor's role in a response.
func roleName(response cfn.Response) string {
	arn, _ := response.Data["RoleArn"].(string)
	return arn[strings.LastIndex(arn, "/")+1:]
}

// TestLifecycle runs the lifecycle of an installation with the function as it is
// deployed: its own process, Lambda's Runtime API, AWS's wire protocols.
func TestLifecycle(t *testing.T) {
	f := newFixture(t)

	created := f.send(cfn.RequestCreate, "create-1", nil)
	if created.Status != cfn.StatusSuccess {
		t.Fatalf("Create: %s\n%s", created.Reason, f.Log)
	}
	if all := f.policies(created); !strings.Contains(all, "ClumioEC2BackupPolicy") ||
		!strings.Contains(all, "ClumioS3BackupPolicy") || strings.Contains(all, "Rds") {
		t.Errorf("policies after Create: %s", all)
	}
	if again := f.send(cfn.RequestCreate, "create-1", nil); again.Status != cfn.StatusSuccess ||
		again.Data["GrantedHash"] != created.Data["GrantedHash"] ||
		again.PhysicalResourceID != created.PhysicalResourceID {
		t.Errorf("the same event redelivered: %+v", again)
	}

	updated := f.send(cfn.RequestUpdate, "update-1", map[string]any{
		"Assets": "ec2,rds", "SupportRole": "true",
		"SupportControlPlaneRoleArn": "arn:aws:iam::210987654321:role/Support",
	})
	if updated.Status != cfn.StatusSuccess || updated.PhysicalResourceID != created.PhysicalResourceID {
		t.Fatalf("Update: %+v\n%s", updated, f.Log)
	}
	if all := f.policies(updated); !strings.Contains(all, "ClumioRdsBackupPolicy") || strings.Contains(all, "S3") {
		t.Errorf("policies after Update: %s", all)
	}
	if updated.Data["GrantedHash"] == created.Data["GrantedHash"] || updated.Data["SupportRoleArn"] == "" {
		t.Errorf("data after Update: %v", updated.Data)
	}

	refused := f.send(cfn.RequestUpdate, "update-2", map[string]any{"Assets": "ec2,floppy"})
	if refused.Status != cfn.StatusFailed || !strings.Contains(refused.Reason, "floppy") ||
		!strings.Contains(refused.Reason, "dynamodb") {
		t.Errorf("an unknown asset: %+v", refused)
	}
	back := f.send(cfn.RequestUpdate, "update-3", nil) // CloudFormation's rollback
	if back.Status != cfn.StatusSuccess || back.Data["GrantedHash"] != created.Data["GrantedHash"] {
		t.Errorf("rollback: %+v", back)
	}

	for _, id := range []string{"delete-1", "delete-2"} {
		if deleted := f.send(cfn.RequestDelete, id, nil); deleted.Status != cfn.StatusSuccess {
			t.Fatalf("Delete: %s", deleted.Reason)
		}
	}
	roles, err := f.Live.Roles(t.Context(), "/permstack/")
	if err != nil || len(roles) != 0 {
		t.Errorf("these roles remain: %v, %v", roles, err)
	}
	for _, text := range []string{fakeawstest.ExternalID, "s1gnatur3", "/responses"} {
		if strings.Contains(f.Log.String(), text) {
			t.Errorf("the log contains %q", text)
		}
	}
}

// TestFailedCreate creates an installation while a third party's role of the same
// name exists.
func TestFailedCreate(t *testing.T) {
	f := newFixture(t)
	first := f.send(cfn.RequestCreate, "create-1", nil)
	name := roleName(first)
	f.send(cfn.RequestDelete, "delete-1", nil)
	const trust = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	in := &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)}
	if _, err := f.IAM.CreateRole(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	failed := f.send(cfn.RequestCreate, "create-2", nil)
	if failed.Status != cfn.StatusFailed || !strings.Contains(failed.Reason, "AWS::IAM::Role ClumioIAMRole") ||
		!strings.Contains(failed.Reason, "already exists") {
		t.Errorf("got %s: %s", failed.Status, failed.Reason)
	}
	out, err := f.CloudFormation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
	if err != nil || len(out.Stacks) != 0 {
		t.Errorf("these stacks remain: %v, %v", out, err)
	}
	if deleted := f.send(cfn.RequestDelete, "delete-2", nil); deleted.Status != cfn.StatusSuccess {
		t.Errorf("Delete: %s", deleted.Reason)
	}
	if _, err := f.Live.RoleSettings(t.Context(), name); err != nil {
		t.Errorf("the third party's role was deleted: %v", err)
	}
}
