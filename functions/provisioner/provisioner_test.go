package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws"
	cfnengine "permstack/internal/fakeaws/cloudformation"
	"permstack/internal/fakeaws/lambdaruntime"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
	parent  = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/11111111-2222-3333-4444-555555555555"
	secret  = "e2e-external-id-7b0c9a52"
)

// bootstrap builds the function as build.sh does.
var bootstrap = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "provisioner")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := bootstrap(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// fixture is an embedded AWS with the function in a process of its own, and
// CloudFormation's response URL.
type fixture struct {
	t       *testing.T
	runtime *lambdaruntime.Runtime
	cfn     *cloudformation.Client
	iam     *iam.Client
	inbox   *httptest.Server
	logs    *locked

	mu        sync.Mutex
	responses []cfn.Response
}

// locked is a buffer that a process and a test may use concurrently.
type locked struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	path, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	cloud := fakeaws.New(fakeaws.Options{})
	endpoint, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	engine := cfnengine.New(cfnengine.Deps{
		ConfigFor: func(account, region, role string) aws.Config {
			if role == "" {
				return cloud.Config(account, region)
			}
			return cloud.ConfigAs(account, region, role)
		},
		ConfigCaller: cloud.ConfigCaller, Assumable: cloud.AssumableBy,
		Endpoint: func() string { return endpoint },
	})
	cloud.Register(engine.Definition())
	cfg := cloud.Config(account, region)
	f := &fixture{t: t, cfn: cloudformation.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg), logs: &locked{}}
	role := f.stackRole()
	f.runtime, err = lambdaruntime.Start(t.Context(), lambdaruntime.Config{
		Argv: []string{path}, FunctionName: "provisioner", Region: region, MemoryMB: 256,
		Timeout: 15 * time.Minute, InitTimeout: 20 * time.Second, Output: f.logs,
		Env: map[string]string{"STACK_ROLE_ARN": role, "AWS_ENDPOINT_URL": endpoint},
		Credentials: func() lambdaruntime.Credentials {
			return lambdaruntime.Credentials{AccessKeyID: account, SecretAccessKey: "x"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.inbox = httptest.NewServer(http.HandlerFunc(f.take))
	t.Cleanup(func() {
		_ = f.runtime.Close()
		f.inbox.Close()
		_ = engine.Close()
		_ = cloud.Close()
	})
	return f
}

func (f *fixture) stackRole() string {
	f.t.Helper()
	out, err := f.iam.CreateRole(f.t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("stack-role"),
		AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[` +
				`{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	_, err = f.iam.PutRolePolicy(f.t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String("stack-role"), PolicyName: aws.String("all"),
		PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return *out.Role.Arn
}

func (f *fixture) take(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var response cfn.Response
	if err := json.Unmarshal(body, &response); err != nil {
		f.t.Errorf("response %s: %v", body, err)
	}
	if len(body) > 4096 || strings.Contains(string(body), secret) {
		f.t.Errorf("response of %d bytes: %s", len(body), body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.responses = append(f.responses, response)
}

// send invokes the function with an event and returns the only response.
func (f *fixture) send(request cfn.RequestType, id string, edit map[string]any) cfn.Response {
	f.t.Helper()
	properties := map[string]any{
		"ServiceToken": "arn:aws:lambda:eu-central-1:123456789012:function:provisioner", "ServiceTimeout": "960",
		"Profile": "clumio", "Assets": []string{"ec2", "s3"}, "Operations": []string{"backup", "restore"},
		"SupportRole": "false", "AWSBackupInventory": "false",
		"ControlPlaneRoleArn": "arn:aws:iam::210987654321:role/ControlPlane", "SupportControlPlaneRoleArn": "",
		"DataPlaneAccountId": "333333333333", "ExternalId": secret, "ConnectionId": "main",
		"Path": "/permstack/", "PermissionsBoundaryArn": "", "Tags": "team=storage", "CatalogVersion": "",
	}
	for name, value := range edit {
		properties[name] = value
	}
	payload, err := json.Marshal(map[string]any{
		"RequestType": request, "RequestId": id,
		"ResponseURL":  f.inbox.URL + "/responses?X-Amz-Signature=s1gnatur3-of-the-url",
		"ResourceType": "Custom::PermissionStack", "LogicalResourceId": "PermissionStack", "StackId": parent,
		"ResourceProperties": properties,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer cancel()
	result, err := f.runtime.Invoke(ctx, payload)
	if err != nil || result.FunctionError != "" {
		f.t.Fatalf("%s: %v %s %s\n%s", id, err, result.FunctionError, result.Payload, f.logs)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.responses) != 1 {
		f.t.Fatalf("%s: got %d responses, want 1", id, len(f.responses))
	}
	response := f.responses[0]
	f.responses = nil
	if response.RequestID != id || response.StackID != parent {
		f.t.Errorf("%s: the response is %+v", id, response)
	}
	return response
}

// policies returns the names of the policies attached to the vendor's role.
func (f *fixture) policies(response cfn.Response) string {
	f.t.Helper()
	arn, _ := response.Data["RoleArn"].(string)
	name := arn[strings.LastIndex(arn, "/")+1:]
	attached, err := f.iam.ListAttachedRolePolicies(f.t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	if err != nil {
		f.t.Fatalf("role %q: %v", name, err)
	}
	var names []string
	for _, p := range attached.AttachedPolicies {
		names = append(names, *p.PolicyName)
	}
	return strings.Join(names, " ")
}

// TestLifecycle runs the lifecycle of an installation with the function as it is
// deployed: its own process, Lambda's Runtime API, AWS's wire protocols.
func TestLifecycle(t *testing.T) {
	f := newFixture(t)

	created := f.send(cfn.RequestCreate, "create-1", nil)
	if created.Status != cfn.StatusSuccess {
		t.Fatalf("Create: %s\n%s", created.Reason, f.logs)
	}
	if all := f.policies(created); !strings.Contains(all, "ClumioEC2BackupPolicy") ||
		!strings.Contains(all, "ClumioS3BackupPolicy") ||
		strings.Contains(all, "Rds") {
		t.Errorf("policies after Create: %s", all)
	}
	if again := f.send(cfn.RequestCreate, "create-1", nil); again.Status != cfn.StatusSuccess ||
		again.Data["GrantedHash"] != created.Data["GrantedHash"] ||
		again.PhysicalResourceID != created.PhysicalResourceID {
		t.Errorf("the same event redelivered: %+v", again)
	}

	updated := f.send(
		cfn.RequestUpdate,
		"update-1",
		map[string]any{
			"Assets":                     "ec2,rds",
			"SupportRole":                "true",
			"SupportControlPlaneRoleArn": "arn:aws:iam::210987654321:role/Support",
		},
	)
	if updated.Status != cfn.StatusSuccess || updated.PhysicalResourceID != created.PhysicalResourceID {
		t.Fatalf("Update: %+v\n%s", updated, f.logs)
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
	roles, err := f.iam.ListRoles(t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("/permstack/")})
	if err != nil || len(roles.Roles) != 0 {
		t.Errorf("these roles remain: %v, %v", roles, err)
	}
	for _, text := range []string{secret, "s1gnatur3", "/responses"} {
		if strings.Contains(f.logs.String(), text) {
			t.Errorf("the log contains %q", text)
		}
	}
}

// TestFailedCreate creates an installation while a third party's role of the same
// name exists.
func TestFailedCreate(t *testing.T) {
	f := newFixture(t)
	first := f.send(cfn.RequestCreate, "create-1", nil)
	name, _ := first.Data["RoleArn"].(string)
	name = name[strings.LastIndex(name, "/")+1:]
	f.send(cfn.RequestDelete, "delete-1", nil)
	const trust = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	in := &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)}
	if _, err := f.iam.CreateRole(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	failed := f.send(cfn.RequestCreate, "create-2", nil)
	if failed.Status != cfn.StatusFailed || !strings.Contains(failed.Reason, "AWS::IAM::Role ClumioIAMRole") ||
		!strings.Contains(failed.Reason, "already exists") {
		t.Errorf("got %s: %s", failed.Status, failed.Reason)
	}
	if out, err := f.cfn.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{}); err != nil ||
		len(out.Stacks) != 0 {
		t.Errorf("these stacks remain: %v, %v", out, err)
	}
	if deleted := f.send(cfn.RequestDelete, "delete-2", nil); deleted.Status != cfn.StatusSuccess {
		t.Errorf("Delete: %s", deleted.Reason)
	}
	if _, err := f.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &name}); err != nil {
		t.Errorf("the third party's role was deleted: %v", err)
	}
}
