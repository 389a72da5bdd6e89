package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/sts"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/review/denial"
	"permstack/internal/review/livecheck"
)

// newAWS starts an embedded AWS whose functions are executed by this program; awsContext selects it for a command.
func newAWS(t *testing.T, clock func() time.Time) *fakeawstest.AWS {
	t.Helper()
	return fakeawstest.Start(t, fakeawstest.Options{Program: []string{os.Args[0], lambdaCommand}, Clock: clock})
}

// awsContext returns a context with which commands call an embedded AWS, as an account, unless a flag has another
// Region.
func awsContext(t *testing.T, cloud *fakeawstest.AWS, account, region string) context.Context {
	cfg := cloud.Config(account, region)
	return context.WithValue(t.Context(), configOptionsKey{}, configOptions{
		config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
		config.WithBaseEndpoint(cloud.Endpoint), config.WithCredentialsProvider(cfg.Credentials),
		config.WithRegion(region),
	})
}

// startAWS starts an embedded AWS to which the environment refers.
func startAWS(t *testing.T) *fakeawstest.AWS {
	t.Helper()
	cloud := newAWS(t, nil)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": cloud.Endpoint, "AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "HOME": t.TempDir(), "AWS_CONFIG_FILE": "/nonexistent",
		"AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	return cloud
}

// stackCommands are the commands that read a stack, without its name.
var stackCommands = [][]string{
	{"drift"}, {"check"}, {"usage"}, {"diff", "clumio:ec2"}, {"why", deniedText},
	{"restore", "open", "--for", "1h"}, {"restore", "close"},
	{"drift", "accept", "--finding", "8f14e45fceea167a", "--reason", "test", "--until", tomorrow},
	{"drift", "revert"},
}

var tomorrow = time.Now().AddDate(0, 0, 1).Format(time.DateOnly)

const deniedText = "User: arn:aws:sts::123456789012:assumed-role/ClumioIAMRole-us-east-1-backup/s is not authorized to " +
	"perform: ec2:DescribeInstances"

// TestStackRefused checks that every command that reads a stack refuses one that is not permstack's, one that does not
// exist, and expired credentials, with exit status 2, nothing on stdout and one sentence that says what to do.
func TestStackRefused(t *testing.T) {
	cloud := startAWS(t)
	account := cloud.In("123456789012", "us-east-1")
	if _, err := account.CloudFormation.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName:    aws.String("theirs"),
		TemplateBody: aws.String(`{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}`),
	}); err != nil {
		t.Fatal(err)
	}
	account.Stack("theirs").Wait("CREATE_COMPLETE")
	for _, c := range []struct{ name, stack, code, want string }{
		{"stack of others", "theirs", "", "permstack did not create"},
		{"no such stack", "nothing", "", "does not exist"},
		{"expired credentials", "theirs", "ExpiredToken", "the AWS credentials have expired: run 'aws sso login'"},
		{"unknown key", "theirs", "InvalidClientTokenId", "run 'aws sts get-caller-identity'"},
	} {
		for _, command := range stackCommands {
			t.Run(c.name+"/"+strings.Join(command[:min(2, len(command))], " "), func(t *testing.T) {
				cloud.SetIntercept(func(*protocol.Call) error {
					if c.code == "" {
						return nil
					}
					return protocol.Errorf(c.code, "The security token included in the request is expired").WithStatus(403)
				})
				var out, stderr bytes.Buffer
				args := append(append([]string{}, command...), "--stack", c.stack, "--region", "us-east-1")
				got := run(t.Context(), args, &out, &stderr)
				if got != exitNotRun || out.Len() > 0 || !strings.Contains(stderr.String(), c.want) ||
					strings.Count(stderr.String(), "\n") != 1 {
					t.Errorf("exits %d: %q, %q, want %q", got, out.String(), stderr.String(), c.want)
				}
			})
		}
	}
}

// TestAuditStackRefused is TestStackRefused for permstack audit, which has one message for both.
func TestAuditStackRefused(t *testing.T) {
	startAWS(t)
	var out, stderr bytes.Buffer
	got := run(t.Context(), []string{"audit", "--stack", "theirs", "--region", "us-east-1"}, &out, &stderr)
	if want := "no stack that was launched from permstack's template"; got != exitNotRun || out.Len() > 0 ||
		!strings.Contains(stderr.String(), want) {
		t.Errorf("exits %d: %q, %q, want %q", got, out.String(), stderr.String(), want)
	}
}

// TestWhyEncoded checks permstack why with an encoded authorization message: decoded in its account, and refused in
// another one.
func TestWhyEncoded(t *testing.T) {
	cloud := startAWS(t)
	stack := cloud.In("123456789012", "us-east-1").Launch(fakeawstest.Launch{})
	encoded, err := cloud.EncodeRefusal("123456789012", sts.Refusal{
		Principal: "arn:aws:sts::123456789012:assumed-role/" + stack.RoleName() + "/s", Action: "rds:CreateDBSnapshot",
		Resource: "arn:aws:rds:us-east-1:123456789012:snapshot:s1",
		Context:  map[string][]string{"aws:RequestedRegion": {"us-east-1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"message alone": encoded,
		"with its text": "An error occurred (UnauthorizedOperation) when calling the CreateDBSnapshot operation: You are " +
			"not authorized to perform this operation. Encoded authorization failure message: " + encoded,
	} {
		t.Run(name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			args := []string{"why", text, "--stack", stack.Name, "--region", "us-east-1", "--output", "json"}
			if got := run(t.Context(), args, &out, &stderr); got != exitOK {
				t.Fatalf("why exits %d: %s", got, stderr.String())
			}
			var d denial.Diagnosis
			if err := json.Unmarshal(out.Bytes(), &d); err != nil {
				t.Fatal(err)
			}
			if d.Message.Action != "rds:CreateDBSnapshot" || d.Reason != denial.NotChosen ||
				len(d.Message.Context["aws:RequestedRegion"]) != 1 {
				t.Errorf("got %s for %+v", d.Reason, d.Message)
			}
		})
	}
	t.Run("another account", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "444455556666")
		var out, stderr bytes.Buffer
		got := run(t.Context(), []string{"why", encoded, "--region", "us-east-1"}, &out, &stderr)
		if got != exitNotRun || !strings.Contains(stderr.String(), "in the account of the message") {
			t.Errorf("why exits %d: %s", got, stderr.String())
		}
	})
}

// TestCheckKeys checks that permstack check reports keys of the account whose policy refuses the roles, and fails for
// such a key that is named.
func TestCheckKeys(t *testing.T) {
	policytest.RequireSlow(t, "it launches stacks")
	cloud := startAWS(t)
	stack := cloud.In("123456789012", "us-east-1").Launch(fakeawstest.Launch{})
	keys := kms.NewFromConfig(cloud.Config("123456789012", "us-east-1"))
	open, err := keys.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	closed, err := keys.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: aws.String(`{"Version":"2012-10-17",
		"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/Other"},"Action":"kms:*",
		"Resource":"*"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	check := func(want int, args ...string) livecheck.KeyReport {
		t.Helper()
		var out, stderr bytes.Buffer
		args = append([]string{"check", "--stack", stack.Name, "--region", "us-east-1", "--output", "json"}, args...)
		if got := run(t.Context(), args, &out, &stderr); got != want {
			t.Errorf("check exits %d, want %d: %.2000s%s", got, want, out.String(), stderr.String())
		}
		var r livecheck.FlowReport
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r.Keys
	}
	if r := check(exitOK); r.Read != 2 || len(r.Errors) > 0 || len(r.Refusing) != 1 ||
		r.Refusing[0].Key != *closed.KeyMetadata.Arn {
		t.Errorf("got %+v, want %s", r, *closed.KeyMetadata.Arn)
	}
	check(exitOK, "--key", *open.KeyMetadata.Arn)
	if r := check(exitFound, "--key", *closed.KeyMetadata.Arn); len(r.Refusing) != 1 || len(r.Refusing[0].Actions) == 0 {
		t.Errorf("got %+v", r)
	}
}
