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

// world is an embedded AWS with the function in a process of its own, and
// CloudFormation's inbox for answers.
type world struct {
	t       *testing.T
	runtime *lambdaruntime.Runtime
	cfn     *cloudformation.Client
	iam     *iam.Client
	inbox   *httptest.Server
	logs    *locked

	mu      sync.Mutex
	answers []cfn.Response
}

// locked is a buffer that a process and a test may use at once.
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

func newWorld(t *testing.T) *world {
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
	w := &world{t: t, cfn: cloudformation.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg), logs: &locked{}}
	role := w.stackRole()
	w.runtime, err = lambdaruntime.Start(t.Context(), lambdaruntime.Config{
		Argv: []string{path}, FunctionName: "provisioner", Region: region, MemoryMB: 256,
		Timeout: time.Minute, InitTimeout: 20 * time.Second, Output: w.logs,
		Env: map[string]string{"STACK_ROLE_ARN": role, "AWS_ENDPOINT_URL": endpoint},
		Credentials: func() lambdaruntime.Credentials {
			return lambdaruntime.Credentials{AccessKeyID: account, SecretAccessKey: "x"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.inbox = httptest.NewServer(http.HandlerFunc(w.take))
	t.Cleanup(func() {
		_ = w.runtime.Close()
		w.inbox.Close()
		_ = engine.Close()
		_ = cloud.Close()
	})
	return w
}

func (w *world) stackRole() string {
	w.t.Helper()
	out, err := w.iam.CreateRole(w.t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("stack-role"),
		AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.iam.PutRolePolicy(w.t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String("stack-role"), PolicyName: aws.String("all"),
		PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.Role.Arn
}

func (w *world) take(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var answer cfn.Response
	if err := json.Unmarshal(body, &answer); err != nil {
		w.t.Errorf("answer %s: %v", body, err)
	}
	if len(body) > 4096 || strings.Contains(string(body), secret) {
		w.t.Errorf("answer of %d bytes: %s", len(body), body)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, answer)
}

// send invokes the function with an event and gives the one answer.
func (w *world) send(request cfn.RequestType, id string, edit map[string]any) cfn.Response {
	w.t.Helper()
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
		"RequestType": request, "RequestId": id, "ResponseURL": w.inbox.URL + "/answers?X-Amz-Signature=s1gnatur3-of-the-url",
		"ResourceType": "Custom::PermissionStack", "LogicalResourceId": "PermissionStack", "StackId": parent,
		"ResourceProperties": properties,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	result, err := w.runtime.Invoke(ctx, payload)
	if err != nil || result.FunctionError != "" {
		w.t.Fatalf("%s: %v %s %s\n%s", id, err, result.FunctionError, result.Payload, w.logs)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.answers) != 1 {
		w.t.Fatalf("%s: %d answers, want 1", id, len(w.answers))
	}
	answer := w.answers[0]
	w.answers = nil
	if answer.RequestID != id || answer.StackID != parent {
		w.t.Errorf("%s: the answer is %+v", id, answer)
	}
	return answer
}

// policies lists what is attached to the vendor's role.
func (w *world) policies(answer cfn.Response) string {
	w.t.Helper()
	arn, _ := answer.Data["RoleArn"].(string)
	name := arn[strings.LastIndex(arn, "/")+1:]
	attached, err := w.iam.ListAttachedRolePolicies(w.t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	if err != nil {
		w.t.Fatalf("role %q: %v", name, err)
	}
	var names []string
	for _, p := range attached.AttachedPolicies {
		names = append(names, *p.PolicyName)
	}
	return strings.Join(names, " ")
}

// TestLife is the whole life of an installation, by the function as it is
// deployed: its own process, Lambda's Runtime API, AWS's wire protocols.
func TestLife(t *testing.T) {
	w := newWorld(t)

	created := w.send(cfn.RequestCreate, "create-1", nil)
	if created.Status != cfn.StatusSuccess {
		t.Fatalf("Create: %s\n%s", created.Reason, w.logs)
	}
	if all := w.policies(created); !strings.Contains(all, "ClumioEC2BackupPolicy") ||
		!strings.Contains(all, "ClumioS3BackupPolicy") ||
		strings.Contains(all, "Rds") {
		t.Errorf("policies after Create: %s", all)
	}
	if again := w.send(cfn.RequestCreate, "create-1", nil); again.Status != cfn.StatusSuccess ||
		again.Data["GrantedHash"] != created.Data["GrantedHash"] ||
		again.PhysicalResourceID != created.PhysicalResourceID {
		t.Errorf("the same event again: %+v", again)
	}

	updated := w.send(
		cfn.RequestUpdate,
		"update-1",
		map[string]any{
			"Assets":                     "ec2,rds",
			"SupportRole":                "true",
			"SupportControlPlaneRoleArn": "arn:aws:iam::210987654321:role/Support",
		},
	)
	if updated.Status != cfn.StatusSuccess || updated.PhysicalResourceID != created.PhysicalResourceID {
		t.Fatalf("Update: %+v\n%s", updated, w.logs)
	}
	if all := w.policies(updated); !strings.Contains(all, "ClumioRdsBackupPolicy") || strings.Contains(all, "S3") {
		t.Errorf("policies after Update: %s", all)
	}
	if updated.Data["GrantedHash"] == created.Data["GrantedHash"] || updated.Data["SupportRoleArn"] == "" {
		t.Errorf("data after Update: %v", updated.Data)
	}

	refused := w.send(cfn.RequestUpdate, "update-2", map[string]any{"Assets": "ec2,floppy"})
	if refused.Status != cfn.StatusFailed || !strings.Contains(refused.Reason, "floppy") ||
		!strings.Contains(refused.Reason, "dynamodb") {
		t.Errorf("an unknown asset: %+v", refused)
	}
	back := w.send(cfn.RequestUpdate, "update-3", nil) // CloudFormation's rollback
	if back.Status != cfn.StatusSuccess || back.Data["GrantedHash"] != created.Data["GrantedHash"] {
		t.Errorf("rollback: %+v", back)
	}

	for _, id := range []string{"delete-1", "delete-2"} {
		if gone := w.send(cfn.RequestDelete, id, nil); gone.Status != cfn.StatusSuccess {
			t.Fatalf("Delete: %s", gone.Reason)
		}
	}
	roles, err := w.iam.ListRoles(t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("/permstack/")})
	if err != nil || len(roles.Roles) != 0 {
		t.Errorf("roles left: %v, %v", roles, err)
	}
	for _, told := range []string{secret, "s1gnatur3", "/answers"} {
		if strings.Contains(w.logs.String(), told) {
			t.Errorf("the log tells %q", told)
		}
	}
}

// TestFailedCreate meets a role of the same name that somebody else made.
func TestFailedCreate(t *testing.T) {
	w := newWorld(t)
	first := w.send(cfn.RequestCreate, "create-1", nil)
	name, _ := first.Data["RoleArn"].(string)
	name = name[strings.LastIndex(name, "/")+1:]
	w.send(cfn.RequestDelete, "delete-1", nil)
	if _, err := w.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)}); err != nil {
		t.Fatal(err)
	}
	failed := w.send(cfn.RequestCreate, "create-2", nil)
	if failed.Status != cfn.StatusFailed || !strings.Contains(failed.Reason, "AWS::IAM::Role ClumioIAMRole") ||
		!strings.Contains(failed.Reason, "already exists") {
		t.Errorf("have %s: %s", failed.Status, failed.Reason)
	}
	if out, err := w.cfn.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{}); err != nil ||
		len(out.Stacks) != 0 {
		t.Errorf("stacks left: %v, %v", out, err)
	}
	if gone := w.send(cfn.RequestDelete, "delete-2", nil); gone.Status != cfn.StatusSuccess {
		t.Errorf("Delete: %s", gone.Reason)
	}
	if _, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &name}); err != nil {
		t.Errorf("the other's role is gone: %v", err)
	}
}
