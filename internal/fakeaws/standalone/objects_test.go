package standalone

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"permstack/internal/fakeaws/lambda"
)

const functionTemplate = `
Parameters: {Bucket: {Type: String}, Key: {Type: String}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Runtime: provided.al2023, Handler: bootstrap, Role: !GetAtt Role.Arn, Code: {S3Bucket: !Ref Bucket, S3Key: !Ref Key}}
Outputs: {Name: {Value: !Ref Function}}
`

// TestMain makes the test's own program usable as a function, which returns a
// word.
func TestMain(m *testing.M) {
	host := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if host == "" {
		os.Exit(m.Run())
	}
	api := "http://" + host + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(api + "next") // a test's function
		if err != nil {
			return
		}
		_ = next.Body.Close()
		answer, err := http.Post(api+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json",
			strings.NewReader(`"uploaded"`))
		if err != nil {
			return
		}
		_ = answer.Body.Close()
	}
}

// program returns the test's own program as a zip. If elsewhere is set, the
// program is for another machine.
func program(t *testing.T, elsewhere bool) []byte {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if elsewhere {
		binary.LittleEndian.PutUint16(data[18:], uint16(elf.EM_S390)) // e_machine
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "bootstrap", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestUploadedFunction checks that an uploaded zip is run, and that code that
// Lambda cannot read is refused with its errors.
func TestUploadedFunction(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: a bootstrap runs on Linux only")
	}
	l, err := Start("127.0.0.1:0", Options{ForeignCode: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	const account, region = "111122223333", "us-east-1"
	cfg := l.Config(account, region)
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := aws.String("code-us-east-1")
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	for key, body := range map[string][]byte{"here.zip": program(t, false), "elsewhere.zip": program(t, true),
		"broken.zip": []byte("no zip")} {
		if _, err := objects.PutObject(t.Context(),
			&s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: bytes.NewReader(body)}); err != nil {
			t.Fatal(err)
		}
	}
	launch := func(region, stack, key string) (status, reason, function string) {
		t.Helper()
		client := cloudformation.NewFromConfig(l.Config(account, region))
		_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: &stack, TemplateBody: aws.String(functionTemplate),
			Capabilities: []types.Capability{types.CapabilityCapabilityIam},
			Parameters: []types.Parameter{
				{ParameterKey: aws.String("Bucket"), ParameterValue: bucket},
				{ParameterKey: aws.String("Key"), ParameterValue: &key},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if status, _, err = l.Stacks.Wait(t.Context(), account, region, stack); err != nil {
			t.Fatal(err)
		}
		events, err := client.DescribeStackEvents(t.Context(),
			&cloudformation.DescribeStackEventsInput{StackName: &stack})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events.StackEvents {
			switch {
			case e.ResourceStatus == types.ResourceStatusCreateFailed && aws.ToString(e.LogicalResourceId) == "Function":
				reason = aws.ToString(e.ResourceStatusReason)
			case aws.ToString(e.LogicalResourceId) == "Function" && function == "":
				function = aws.ToString(e.PhysicalResourceId)
			}
		}
		return status, reason, function
	}
	status, reason, function := launch(region, "here", "here.zip")
	if status != "CREATE_COMPLETE" {
		t.Fatal(reason)
	}
	result, err := l.Functions.Invoke(t.Context(), lambda.Resolve(account, region, function), []byte("{}"))
	if err != nil || string(result.Payload) != `"uploaded"` {
		t.Errorf("%s, %v", result.Payload, err)
	}
	for key, want := range map[string]string{"elsewhere.zip": "its own functions", "broken.zip": "open zip"} {
		t.Run(key, func(t *testing.T) {
			_, _, function := launch(region, strings.TrimSuffix(key, ".zip"), key)
			if _, err := l.Functions.Invoke(t.Context(), lambda.Resolve(account, region, function), []byte("{}")); err == nil ||
				!strings.Contains(err.Error(), want) {
				t.Errorf("%v; want %q", err, want)
			}
		})
	}
	if status, reason, _ := launch(region, "none", "none.zip"); status != "ROLLBACK_COMPLETE" ||
		!strings.Contains(reason, "S3 Error Code: NoSuchKey") {
		t.Errorf("a key that does not exist: %s, %s", status, reason)
	}
	existing := bucket
	for _, name := range []string{"placeholder", "amzn-s3-demo-bucket"} { // the latter has the prefix of AWS's examples
		bucket = aws.String(name)
		if status, reason, _ := launch(region, name, "functions/drift"); status != "ROLLBACK_COMPLETE" ||
			!strings.Contains(reason, "S3 Error Code: NoSuchBucket") {
			t.Errorf("bucket %s, which does not exist: %s, %s", name, status, reason)
		}
	}
	bucket = existing
	if status, reason, _ := launch("eu-west-1", "abroad", "here.zip"); status != "ROLLBACK_COMPLETE" ||
		!strings.Contains(reason, "S3 Error Code: PermanentRedirect") {
		t.Errorf("a bucket of another Region: %s, %s", status, reason)
	}
}

// TestDeletedPrincipalInPolicies checks that the policies of functions and buckets have the unique id of a deleted
// role.
func TestDeletedPrincipalInPolicies(t *testing.T) {
	l, err := Start("127.0.0.1:0", Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	const account, region = "111122223333", "us-east-1"
	const arn = "arn:aws:iam::" + account + ":role/reader"
	cfg := l.Config(account, region)
	roles := iam.NewFromConfig(cfg)
	trust := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":` +
		`{"Service":"lambda.amazonaws.com"}}]}`)
	role, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("reader"), AssumeRolePolicyDocument: trust,
	})
	if err != nil {
		t.Fatal(err)
	}
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := aws.String("data-1")
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::data-1/*",` +
			`"Principal":{"AWS":"` + arn + `"}}]}`)}); err != nil {
		t.Fatal(err)
	}
	f, err := l.Functions.Create(lambda.Function{
		Account: account, Region: region, Name: "f", Role: arn, Runtime: "provided.al2023", Handler: "bootstrap",
		Code:        lambda.Code{S3Bucket: "amzn-s3-demo-set-by-packaging", S3Key: "functions/drift"},
		Permissions: []lambda.Permission{{StatementID: "s", Action: "lambda:InvokeFunction", Principal: arn}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := roles.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("reader")}); err != nil {
		t.Fatal(err)
	}
	if f, err = l.Functions.Get(f.ARN()); err != nil {
		t.Fatal(err)
	}
	policy, err := objects.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: bucket})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"function": f.Policy(), "bucket": *policy.Policy} {
		if strings.Contains(text, arn) || !strings.Contains(text, *role.Role.RoleId) {
			t.Errorf("policy of the %s: got %s, want the unique id %s", name, text, *role.Role.RoleId)
		}
	}
}
