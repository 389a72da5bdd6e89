package main_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// nameService creates a role, a grant, a bucket, a topic and a queue that name the
// principal of the backup service, outside of every stack.
func (w *installation) nameService() {
	w.t.Helper()
	ctx, cfg := w.t.Context(), w.Config(account, region)
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	policy := func(action, resource string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` +
			fakeawstest.ControlPlaneARN + `"},"Action":"` + action + `"` + resource + `}]}`)
	}
	_, err := w.IAM.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("theirs"), AssumeRolePolicyDocument: policy("sts:AssumeRole", ""),
	})
	must(err)
	keys := kms.NewFromConfig(cfg)
	key, err := keys.CreateKey(ctx, &kms.CreateKeyInput{})
	must(err)
	_, err = keys.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: key.KeyMetadata.KeyId, GranteePrincipal: aws.String(fakeawstest.ControlPlaneARN),
		Operations: []kmstypes.GrantOperation{"Decrypt"},
	})
	must(err)
	buckets := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = buckets.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket:                    aws.String("theirs"),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region},
	})
	must(err)
	_, err = buckets.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: aws.String("theirs"), Policy: policy("s3:GetObject", `,"Resource":"arn:aws:s3:::theirs/*"`),
	})
	must(err)
	topic, err := w.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("theirs")})
	must(err)
	_, err = w.SNS.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: topic.TopicArn, AttributeName: aws.String("Policy"),
		AttributeValue: policy("sns:Subscribe", `,"Resource":"`+*topic.TopicArn+`"`),
	})
	must(err)
	queues := sqs.NewFromConfig(cfg)
	queue, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("theirs")})
	must(err)
	_, err = queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: queue.QueueUrl, Attributes: map[string]string{
			"Policy": *policy("sqs:SendMessage", `,"Resource":"arn:aws:sqs:`+region+`:`+account+`:theirs"`),
		},
	})
	must(err)
}

// checkAfterUpdate invokes the drift check as CloudFormation's event of the parent does.
func (w *installation) checkAfterUpdate() {
	w.t.Helper()
	out := w.Invoke("Drift", `{"source":"aws.cloudformation","detail-type":"CloudFormation Stack Status Change",`+
		`"detail":{"stack-id":"`+w.StackID+`"}}`)
	if out.FunctionError != "" {
		w.t.Fatalf("the check failed: %s", out.Payload)
	}
}

// audited returns the kinds of the audit's findings in a message, sorted.
func audited(m fakeawstest.Message) string {
	var out []string
	for _, f := range m.Findings {
		if f.LogicalID == finding.AuditID {
			out = append(out, string(f.Kind))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestAccountAudit checks that the scheduled check audits the account if that is chosen,
// with the permissions that its role then has, and that what it found can be accepted and
// is otherwise open until it no longer exists.
func TestAccountAudit(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	t.Parallel()
	w := launch(t, nil)
	w.nameService()
	w.CheckDrift()
	if got := w.Messages(); len(got) != 1 || got[0].Kind != notify.KindAccess {
		t.Fatalf("without the audit: got messages %+v", got)
	}
	hub, err := w.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("hub")})
	if err != nil {
		t.Fatal(err)
	}
	chosen := map[string]string{"AccountAudit": "yes", "OrgHubTopicArn": *hub.TopicArn}
	w.update(chosen)
	w.checkAfterUpdate()
	messages := w.Messages()
	const want = "key-grant-added resource-policy-names resource-policy-names resource-policy-names role-trusts-service"
	if len(messages) != 1 || audited(messages[0]) != want || messages[0].Direction != finding.GrantsMore {
		t.Fatalf("got messages %+v, want one with %s\n%s", messages, want, w.Log)
	}
	if sent := w.AWS.SNS().Messages(*hub.TopicArn); len(sent) != 1 || !strings.Contains(sent[0].Body, "key-grant-added") {
		t.Errorf("the hub received %+v, want what the audit found", sent)
	}
	calls := w.AWS.CallCount("kms:ListKeys")
	w.CheckDrift()
	if got := w.Messages(); len(got) != 0 || w.AWS.CallCount("kms:ListKeys") != calls {
		t.Errorf("a second check on the day audits again or reports %+v", got)
	}
	var role notify.Reported
	for _, f := range messages[0].Findings {
		if f.Kind == finding.TrustsService {
			role = f
		}
	}
	chosen["AcceptedDifferences"] = finding.Acceptance{
		ID: role.ID, Hash: role.Hash, Until: time.Now().AddDate(0, 1, 0), By: "me", Reason: "a test",
	}.String()
	w.update(chosen)
	w.checkAfterUpdate()
	messages = w.Messages()
	if len(messages) != 1 || len(messages[0].Resolved) != 1 || !strings.Contains(messages[0].Resolved[0].What, "a test") {
		t.Errorf("after the acceptance: got messages %+v", messages)
	}
	chosen["AccountAudit"] = "no"
	w.update(chosen)
	w.checkAfterUpdate()
	messages = w.Messages()
	if len(messages) != 1 || len(messages[0].Resolved) != 4 ||
		!strings.Contains(messages[0].Resolved[0].What, "switched off") {
		t.Errorf("after the audit was switched off: got messages %+v", messages)
	}
}
