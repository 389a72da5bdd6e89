package detect_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"permstack/internal/fakeaws/fakeawstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

const (
	admin    = fakeawstest.AdministratorAccess
	policies = "arn:aws:iam::123456789012:policy/permstack/"
	topicARN = "arn:aws:sns:us-east-1:123456789012:ClumioEventPub-us-east-1-main"
	support  = "ClumioSupportRole-us-east-1-main"
	instance = "ClumioEC2MSSQLSSMInstanceRoleV2-us-east-1-main"

	allowsMore    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	allowsNothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
)

// parse parses a document so that a test can edit it.
func parse(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func format(v any) *string {
	data, _ := json.Marshal(v)
	return aws.String(string(data))
}

func (w *environment) inline(role, name string) map[string]any {
	w.t.Helper()
	return parse(w.t, must(w.Live.InlinePolicy(w.t.Context(), role, name)))
}

func (w *environment) inlineNames(role string) []string {
	w.t.Helper()
	return must(w.Live.InlinePolicyNames(w.t.Context(), role))
}

func (w *environment) trust(role string) map[string]any {
	w.t.Helper()
	return parse(w.t, w.Role(role).Trust)
}

func (w *environment) putTrust(role string, document any) {
	w.t.Helper()
	must(w.IAM.UpdateAssumeRolePolicy(w.t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: &role, PolicyDocument: format(document),
	}))
}

func (w *environment) managed(arn string) map[string]any {
	w.t.Helper()
	return parse(w.t, must(w.Live.DefaultVersion(w.t.Context(), arn)).Text)
}

func (w *environment) putManaged(arn string, document any) {
	w.t.Helper()
	must(w.IAM.CreatePolicyVersion(w.t.Context(), &iam.CreatePolicyVersionInput{
		PolicyArn: &arn, PolicyDocument: format(document), SetAsDefault: true,
	}))
}

func (w *environment) topicPolicy() map[string]any {
	w.t.Helper()
	return parse(w.t, must(w.Live.TopicPolicy(w.t.Context(), topicARN)))
}

func (w *environment) putTopicPolicy(document any) {
	w.t.Helper()
	must(w.SNS.SetTopicAttributes(w.t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: aws.String(topicARN), AttributeName: aws.String("Policy"), AttributeValue: format(document),
	}))
}

// rules returns the names of the event rules, sorted.
func (w *environment) rules() []string {
	w.t.Helper()
	var out []string
	for _, r := range must(w.Live.Rules(w.t.Context())) {
		out = append(out, r.Name)
	}
	slices.Sort(out)
	return out
}

// logical returns the logical id of a resource of the installation.
func (w *environment) logical(physical string) string {
	w.t.Helper()
	for _, name := range []string{parentName, w.accessStack(), w.inventoryStack()} {
		in := &cloudformation.ListStackResourcesInput{StackName: &name}
		out := must(w.CloudFormation.ListStackResources(w.t.Context(), in))
		for _, r := range out.StackResourceSummaries {
			if *r.PhysicalResourceId == physical {
				return *r.LogicalResourceId
			}
		}
	}
	w.t.Fatalf("no resource has the physical id %s", physical)
	return ""
}

func statements(document map[string]any) []any { return document["Statement"].([]any) }

// somePolicy returns the ARN of a managed policy of the vendor's role.
func (w *environment) somePolicy() string { return w.AttachedPolicies(role)[0] }

// updateStack updates a stack with a template, and with tags if there are any.
func (w *environment) updateStack(name, body string, tags ...types.Tag) {
	w.t.Helper()
	if strings.Contains(body, boundaryPlaceholder) {
		body = strings.ReplaceAll(body, boundaryPlaceholder, w.boundary())
	}
	url := w.TemplateURL("changed.yaml", []byte(body))
	in := &cloudformation.UpdateStackInput{TemplateURL: &url, Tags: tags}
	if len(tags) == 0 {
		in.Tags = w.Stack(name).Describe().Tags
	}
	for _, p := range w.Stack(name).Describe().Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	w.Stack(name).BeginUpdate(in)
	w.Stack(name).Wait("UPDATE_COMPLETE")
}
