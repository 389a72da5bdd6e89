package detect_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/cfn/stacks"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// TestCompactTemplateInstalled launches so many other accounts that the template of the access stack is written in its
// compact form: the live comparison finds nothing, and finds a change.
func TestCompactTemplateInstalled(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	var accounts []string
	for i := range 12 {
		accounts = append(accounts, fmt.Sprint(888899990000+i))
	}
	w := newEnvironment(t)
	w.launchTemplate(map[string]string{
		"ProtectEC2MSSQL": "yes", "ProtectRDS": "yes", "ProtectDynamoDB": "yes", "AWSBackupInventory": "yes",
		"ProtectIcebergOnGlue": "yes", "ProtectIcebergOnS3Tables": "yes", "OtherAccountIds": strings.Join(accounts, ","),
		"SharedResources": "organization", "RolePath": "/platform/backup/", "Options": "dynamodb-local-indexes",
		"ConnectionId": "7b0c9a52-1f0e-4c1b-9d5e-0a1b2c3d4e5f",
	})
	stack := w.Stack(parentName).PermissionStack("access")
	template := must(w.CloudFormation.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: &stack}))
	if body := aws.ToString(template.TemplateBody); !strings.Contains(body, `"Fn::Split"`) ||
		!strings.Contains(body, `"Fn::FindInMap"`) {
		t.Fatalf("the template of %d bytes is not compact", len(body))
	}
	_, role, _ := strings.Cut(w.output("access", "RoleArn"), ":role/platform/backup/")
	role = role[strings.LastIndex(role, "/")+1:]
	testChanges(t, w, []change{{
		"statement added",
		func(ctx context.Context, w *environment) error {
			w.PutInlinePolicy(role, "More", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*",`+
				`"Resource":"*"}]}`)
			return nil
		},
		func(ctx context.Context, w *environment) error {
			_, err := w.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{
				RoleName: &role, PolicyName: aws.String("More"),
			})
			return err
		},
		finding.InlinePolicyAdded, finding.GrantsMore, "More",
	}})
}

// output returns an output of a permission stack.
func (w *environment) output(part installation.Part, name string) string {
	stack := w.Stack(w.Stack(parentName).PermissionStack(part)).Describe()
	return stacks.Outputs(&stack)[name]
}

// TestTopicKey checks a topic of events that a key encrypts: without the key whoever may publish need not be allowed
// to use it, and with another key nobody's events arrive.
func TestTopicKey(t *testing.T) {
	const key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	w := newEnvironment(t)
	w.launchTemplate(map[string]string{"TopicKeyArn": key})
	topic := w.output("inventory", "EventTopicArn")
	set := func(value string) func(context.Context, *environment) error {
		return func(ctx context.Context, w *environment) error {
			_, err := w.SNS.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
				TopicArn: &topic, AttributeName: aws.String("KmsMasterKeyId"), AttributeValue: &value,
			})
			return err
		}
	}
	testChanges(t, w, []change{
		{"key removed", set(""), set(key), finding.TopicChanged, finding.GrantsMore, key},
		{"another key", set("alias/theirs"), set(key), finding.TopicChanged, finding.GrantsLess, "alias/theirs"},
	})
}
