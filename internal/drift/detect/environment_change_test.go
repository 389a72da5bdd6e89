package detect_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

const (
	admin    = "arn:aws:iam::aws:policy/AdministratorAccess"
	policies = "arn:aws:iam::123456789012:policy/permstack/"
	topicARN = "arn:aws:sns:us-east-1:123456789012:ClumioEventPub-us-east-1-main"
	support  = "ClumioSupportRole-us-east-1-main"
	instance = "ClumioEC2MSSQLSSMInstanceRoleV2-us-east-1-main"

	allowsMore    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	allowsNothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
)

// parse reads a document that somebody may edit.
func parse(t testing.TB, text string) map[string]any {
	t.Helper()
	plain, err := url.PathUnescape(text)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(plain), &out); err != nil {
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
	out := must(w.iam.GetRolePolicy(w.t.Context(), &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name}))
	return parse(w.t, *out.PolicyDocument)
}

func (w *environment) inlineNames(role string) []string {
	w.t.Helper()
	return must(w.iam.ListRolePolicies(w.t.Context(), &iam.ListRolePoliciesInput{RoleName: &role})).PolicyNames
}

func (w *environment) attached(role string) []string {
	w.t.Helper()
	var out []string
	for _, p := range must(w.iam.ListAttachedRolePolicies(w.t.Context(),
		&iam.ListAttachedRolePoliciesInput{RoleName: &role})).AttachedPolicies {
		out = append(out, *p.PolicyArn)
	}
	slices.Sort(out)
	return out
}

func (w *environment) putInline(role, name, document string) {
	w.t.Helper()
	must(w.iam.PutRolePolicy(w.t.Context(), &iam.PutRolePolicyInput{
		RoleName: &role, PolicyName: &name, PolicyDocument: &document,
	}))
}

func (w *environment) trust(role string) map[string]any {
	w.t.Helper()
	out := must(w.iam.GetRole(w.t.Context(), &iam.GetRoleInput{RoleName: &role}))
	return parse(w.t, *out.Role.AssumeRolePolicyDocument)
}

func (w *environment) putTrust(role string, document any) {
	w.t.Helper()
	must(w.iam.UpdateAssumeRolePolicy(w.t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: &role, PolicyDocument: format(document),
	}))
}

func (w *environment) managed(arn string) map[string]any {
	w.t.Helper()
	p := must(w.iam.GetPolicy(w.t.Context(), &iam.GetPolicyInput{PolicyArn: &arn}))
	v := must(w.iam.GetPolicyVersion(w.t.Context(), &iam.GetPolicyVersionInput{PolicyArn: &arn,
		VersionId: p.Policy.DefaultVersionId}))
	return parse(w.t, *v.PolicyVersion.Document)
}

func (w *environment) putManaged(arn string, document any) {
	w.t.Helper()
	must(w.iam.CreatePolicyVersion(w.t.Context(), &iam.CreatePolicyVersionInput{
		PolicyArn: &arn, PolicyDocument: format(document), SetAsDefault: true,
	}))
}

func (w *environment) topicPolicy() map[string]any {
	w.t.Helper()
	out := must(w.sns.GetTopicAttributes(w.t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(topicARN)}))
	return parse(w.t, url.PathEscape(out.Attributes["Policy"]))
}

func (w *environment) putTopicPolicy(document any) {
	w.t.Helper()
	must(w.sns.SetTopicAttributes(w.t.Context(), &sns.SetTopicAttributesInput{
		TopicArn: aws.String(topicARN), AttributeName: aws.String("Policy"), AttributeValue: format(document),
	}))
}

func (w *environment) rules() []string {
	w.t.Helper()
	var out []string
	for _, r := range must(w.events.ListRules(w.t.Context(), &eventbridge.ListRulesInput{})).Rules {
		out = append(out, *r.Name)
	}
	slices.Sort(out)
	return out
}

// logical is the logical id of a physical one.
func (w *environment) logical(physical string) string {
	w.t.Helper()
	for _, name := range []string{parentName, parentName + "-permstack-access", parentName + "-permstack-inventory"} {
		out := must(w.cfn.ListStackResources(w.t.Context(), &cloudformation.ListStackResourcesInput{StackName: &name}))
		for _, r := range out.StackResourceSummaries {
			if *r.PhysicalResourceId == physical {
				return *r.LogicalResourceId
			}
		}
	}
	w.t.Fatalf("no resource %s", physical)
	return ""
}

func statements(document map[string]any) []any { return document["Statement"].([]any) }

// somePolicy is a managed policy of the vendor's role, by its ARN.
func (w *environment) somePolicy() string { return w.attached(role)[0] }
