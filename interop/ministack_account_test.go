package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.yaml.in/yaml/v3"
)

// miniStackAccount is one account of MiniStack.
type miniStackAccount struct {
	t        *testing.T
	ctx      context.Context
	endpoint string
	cfn      *cloudformation.Client
	iam      *iam.Client
	lambda   *lambda.Client
	sns      *sns.Client
	sqs      *sqs.Client
	queue    *string
	outputs  map[string]string
}

const miniStackName = "backup"

// miniStackBucket is the bucket of the functions and the template in an account.
func miniStackBucket(account string) string { return "code-" + account }

func newMiniStackAccount(
	t *testing.T, endpoint, account string, code map[string][]byte, parameters map[string]string,
) *miniStackAccount {
	t.Helper()
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: account, SecretAccessKey: "local"}, nil
		}),
	}
	m := &miniStackAccount{
		t: t, ctx: t.Context(), endpoint: endpoint, cfn: cloudformation.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg),
		lambda: lambda.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg), sqs: sqs.NewFromConfig(cfg),
	}
	store := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := miniStackBucket(account)
	if _, err := store.CreateBucket(m.ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	objects := map[string][]byte{"template.yaml": []byte(miniStackTemplate(t, bucket, parameters))}
	for name, data := range code {
		objects[name+".zip"] = data
	}
	for name, data := range objects {
		if _, err := store.PutObject(m.ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &name,
			Body: bytes.NewReader(data)}); err != nil {
			t.Fatal(err)
		}
	}
	m.endpoint += "/" + bucket + "/template.yaml"
	return m
}

// miniStackTemplate returns template.yaml without what MiniStack does not have. Its conditions on lists are those of
// the parameters.
func miniStackTemplate(t *testing.T, bucket string, parameters map[string]string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := constantListConditions(t, data, parameters)
	for _, r := range []struct{ old, new string }{
		{`\nRules:\n(?:[ #].*\n|\n)*`, "\n"},
		{`(?m)^      - Fn::Equals: \[!Select .*$`, `      - Fn::Equals: ["", ""]`},
		{`(?m)^        - !If \[HasTag.*\n`, ""},
		{`(?m)^      Tags:\n(\n)`, "$1"},
		{`amzn-s3-demo-set-by-packaging, S3Key: functions/(\w+)`, bucket + ", S3Key: $1.zip"},
		{`\[arm64\]`, map[string]string{"arm64": "[arm64]", "amd64": "[x86_64]"}[runtime.GOARCH]},
		{rolePolicyType + `(\n    Properties:\n      )RoleName: (.*)`, policyType + "${1}Roles: [$2]"},
		{`AWS::SNS::TopicInlinePolicy(\n    Properties:\n      )TopicArn: (.*)`, topicPolicyType + "${1}Topics: [$2]"},
	} {
		pattern := regexp.MustCompile(r.old)
		if !pattern.MatchString(text) {
			t.Fatalf("template.yaml does not match %s: the difference of MiniStack has another form", r.old)
		}
		text = pattern.ReplaceAllString(text, r.new)
	}
	return text
}

var (
	// listIsEmpty and listContains match what the generator of the permissions boundary writes (listContains in package
	// launch).
	listIsEmpty  = regexp.MustCompile(`Fn::Equals: \[!Join \["", !Ref \w+\], ""\]`)
	listContains = regexp.MustCompile(`Fn::Not: \[\{Fn::Equals: \[!Select \[0, !Split \[",[^"]+,", ` + paddedList +
		`\]\], ` + paddedList + `\]\}\]`)
	listAndValue = regexp.MustCompile(`!Split \[",([^"]+),".*?!Ref (\w+)\]`)
	listName     = regexp.MustCompile(`!Ref (\w+)`)
)

// paddedList matches a list with a comma before its first and after its last member.
const paddedList = `!Sub \[",\$\{L\},", \{L: !Join \[",", !Ref \w+\]\}\]`

// constantListConditions returns a template in which the conditions that a parameter with a list is empty, or contains
// a value, are constants. They have the result that they have for the parameters.
func constantListConditions(t *testing.T, data []byte, parameters map[string]string) string {
	t.Helper()
	var template struct {
		Parameters map[string]struct {
			Type    string `yaml:"Type"`
			Default string `yaml:"Default"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(data, &template); err != nil {
		t.Fatal(err)
	}
	list := func(name string) string {
		if template.Parameters[name].Type != "CommaDelimitedList" {
			t.Fatalf("template.yaml: parameter %s is not a list", name)
		}
		if value, ok := parameters[name]; ok {
			return value
		}
		return template.Parameters[name].Default
	}
	constant := func(result bool) string {
		return fmt.Sprintf(`Fn::Equals: ["%t", "true"]`, result)
	}
	text := string(data)
	if !listIsEmpty.MatchString(text) || !listContains.MatchString(text) {
		t.Fatal("template.yaml has no condition on a list: the difference of MiniStack has another form")
	}
	text = listIsEmpty.ReplaceAllStringFunc(text, func(condition string) string {
		return constant(list(listName.FindStringSubmatch(condition)[1]) == "")
	})
	return listContains.ReplaceAllStringFunc(text, func(condition string) string {
		m := listAndValue.FindStringSubmatch(condition)
		return constant(slices.Contains(strings.Split(list(m[2]), ","), m[1]))
	})
}

func (m *miniStackAccount) launch(parameters map[string]string) {
	m.t.Helper()
	_, err := m.cfn.CreateStack(m.ctx, &cloudformation.CreateStackInput{
		StackName: aws.String(miniStackName), TemplateURL: &m.endpoint,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam}, Parameters: stackParameters(parameters),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.waitFor("CREATE_COMPLETE")
	m.setBoundaries()
}

// setBoundaries sets the permissions boundary of the vendor's roles, which MiniStack does not.
func (m *miniStackAccount) setBoundaries() {
	m.t.Helper()
	ceiling, err := m.cfn.DescribeStackResource(m.ctx, &cloudformation.DescribeStackResourceInput{
		StackName: aws.String(miniStackName), LogicalResourceId: aws.String("VendorCeiling"),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	roles, err := m.iam.ListRoles(m.ctx, &iam.ListRolesInput{PathPrefix: aws.String("/permstack/")})
	if err != nil {
		m.t.Fatal(err)
	}
	for _, role := range roles.Roles {
		if strings.Contains(*role.Path, "/installer/") {
			continue
		}
		// ListRoles returns no boundary (IAM API reference).
		got, err := m.iam.GetRole(m.ctx, &iam.GetRoleInput{RoleName: role.RoleName})
		if err != nil {
			m.t.Fatal(err)
		}
		if got.Role.PermissionsBoundary != nil {
			m.t.Errorf("MiniStack sets the permissions boundary of %s: the difference does not exist any more", *role.RoleName)
		}
		if _, err := m.iam.PutRolePermissionsBoundary(m.ctx, &iam.PutRolePermissionsBoundaryInput{
			RoleName: role.RoleName, PermissionsBoundary: ceiling.StackResourceDetail.PhysicalResourceId,
		}); err != nil {
			m.t.Fatal(err)
		}
	}
}

func stackParameters(values map[string]string) []types.Parameter {
	var out []types.Parameter
	for k, v := range values {
		out = append(out, types.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(v)})
	}
	return out
}

// waitFor waits until the stack has a status, and fails the test if it ends in
// another one.
func (m *miniStackAccount) waitFor(want types.StackStatus) {
	m.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out, err := m.cfn.DescribeStacks(m.ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(miniStackName)})
		if err != nil {
			m.t.Fatal(err)
		}
		s := out.Stacks[0]
		if strings.HasSuffix(string(s.StackStatus), "_IN_PROGRESS") && time.Now().Before(end) {
			continue
		}
		if s.StackStatus != want {
			m.t.Fatalf("stack is %s (%s), want %s\n%s", s.StackStatus, aws.ToString(s.StackStatusReason), want, m.failures())
		}
		m.outputs = map[string]string{}
		for _, o := range s.Outputs {
			m.outputs[*o.OutputKey] = *o.OutputValue
		}
		return
	}
}

// failures returns the events of failed resources.
func (m *miniStackAccount) failures() string {
	out, err := m.cfn.DescribeStackEvents(m.ctx,
		&cloudformation.DescribeStackEventsInput{StackName: aws.String(miniStackName)})
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, e := range out.StackEvents {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			lines = append(lines, *e.LogicalResourceId+": "+aws.ToString(e.ResourceStatusReason))
		}
	}
	return strings.Join(lines, "\n")
}

// checkResult is what the drift function returns.
type checkResult struct {
	Status                     string
	Checked, Drifted, Notified int
	Completed                  bool
}

// check invokes the drift function.
func (m *miniStackAccount) check() checkResult {
	m.t.Helper()
	function := m.outputs["DriftFunction"]
	out, err := m.lambda.Invoke(m.ctx, &lambda.InvokeInput{FunctionName: &function, Payload: []byte(`{}`)})
	if err != nil || out.FunctionError != nil {
		m.t.Fatalf("invoke %s: %v %s %s", function, err, aws.ToString(out.FunctionError), out.Payload)
	}
	var result checkResult
	if err := json.Unmarshal(out.Payload, &result); err != nil {
		m.t.Fatalf("result of the drift function: %v: %s", err, out.Payload)
	}
	return result
}

// subscribeToAlerts subscribes a queue to the alert topic.
func (m *miniStackAccount) subscribeToAlerts() {
	m.t.Helper()
	queue, err := m.sqs.CreateQueue(m.ctx, &sqs.CreateQueueInput{QueueName: aws.String("alerts")})
	if err != nil {
		m.t.Fatal(err)
	}
	m.queue = queue.QueueUrl
	account := strings.Split(m.outputs["AlertTopicArn"], ":")[4]
	_, err = m.sns.Subscribe(m.ctx, &sns.SubscribeInput{
		TopicArn: aws.String(m.outputs["AlertTopicArn"]), Protocol: aws.String("sqs"),
		Endpoint: aws.String("arn:aws:sqs:us-east-1:" + account + ":alerts"),
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// alert returns the messages in the queue of alerts.
func (m *miniStackAccount) alert() string {
	m.t.Helper()
	out, err := m.sqs.ReceiveMessage(m.ctx,
		&sqs.ReceiveMessageInput{QueueUrl: m.queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 2})
	if err != nil {
		m.t.Fatal(err)
	}
	var text strings.Builder
	for _, message := range out.Messages {
		text.WriteString(*message.Body)
	}
	return text.String()
}

// tamper adds an inline policy to a role.
func (m *miniStackAccount) tamper(role string) {
	m.t.Helper()
	_, err := m.iam.PutRolePolicy(m.ctx, &iam.PutRolePolicyInput{
		RoleName: &role, PolicyName: aws.String("tampered"), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}`),
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// restore removes what tamper added.
func (m *miniStackAccount) restore(role string) {
	m.t.Helper()
	if _, err := m.iam.DeleteRolePolicy(m.ctx,
		&iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: aws.String("tampered")}); err != nil {
		m.t.Fatal(err)
	}
}

func (m *miniStackAccount) update(parameters map[string]string) {
	m.t.Helper()
	_, err := m.cfn.UpdateStack(m.ctx, &cloudformation.UpdateStackInput{
		StackName: aws.String(miniStackName), TemplateURL: &m.endpoint,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam}, Parameters: stackParameters(parameters),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.waitFor("UPDATE_COMPLETE")
}

// attached returns the names and documents of the managed policies of a role.
func (m *miniStackAccount) attached(role string) string {
	m.t.Helper()
	managed, err := m.iam.ListAttachedRolePolicies(m.ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	if err != nil {
		m.t.Fatal(err)
	}
	var names []string
	for _, p := range managed.AttachedPolicies {
		policy, err := m.iam.GetPolicy(m.ctx, &iam.GetPolicyInput{PolicyArn: p.PolicyArn})
		if err != nil {
			m.t.Fatal(err)
		}
		version, err := m.iam.GetPolicyVersion(m.ctx,
			&iam.GetPolicyVersionInput{PolicyArn: p.PolicyArn, VersionId: policy.Policy.DefaultVersionId})
		if err != nil {
			m.t.Fatal(err)
		}
		document, err := url.QueryUnescape(aws.ToString(version.PolicyVersion.Document))
		if err != nil {
			m.t.Fatal(err)
		}
		names = append(names, *p.PolicyName, document)
	}
	return strings.Join(names, " ")
}

// remove deletes the stack and checks that it leaves no stack, role or policy.
func (m *miniStackAccount) remove() {
	m.t.Helper()
	if _, err := m.cfn.DeleteStack(m.ctx,
		&cloudformation.DeleteStackInput{StackName: aws.String(miniStackName)}); err != nil {
		m.t.Fatal(err)
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out, err := m.cfn.DescribeStacks(m.ctx, &cloudformation.DescribeStacksInput{})
		if err != nil {
			m.t.Fatal(err)
		}
		if len(out.Stacks) == 0 {
			break
		}
		if time.Now().After(end) || out.Stacks[0].StackStatus == "DELETE_FAILED" {
			m.t.Fatalf("stacks are left: %+v\n%s", out.Stacks, m.failures())
		}
	}
	roles, err := m.iam.ListRoles(m.ctx, &iam.ListRolesInput{PathPrefix: aws.String("/permstack/")})
	if err != nil || len(roles.Roles) > 0 {
		m.t.Errorf("roles after the deletion: got %+v, %v, want none", roles, err)
	}
	policies, err := m.iam.ListPolicies(m.ctx, &iam.ListPoliciesInput{Scope: "Local"})
	if err != nil || len(policies.Policies) > 0 {
		m.t.Errorf("policies after the deletion: got %+v, %v, want none", policies, err)
	}
}
