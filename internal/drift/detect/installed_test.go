package detect_test

import (
	"os"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack"
	"permstack/internal/fakeaws/standalone"
	"permstack/internal/notify/finding"
	"permstack/internal/provisioner/provisionerlambda"
)

// TestMain runs this program as the provisioner's function if it is asked to.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "function" {
		provisionerlambda.Start()
		return
	}
	os.Exit(m.Run())
}

// installTemplate launches template.yaml itself.
func installTemplate(t *testing.T) *environment {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, err := standalone.Start(
		"127.0.0.1:0",
		standalone.Options{BuiltIn: []string{self, "function"}, Names: []string{"provisioner", "drift"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	cfg := l.Config(account, region)
	w := &environment{
		t: t, cloud: l.Cloud, engine: l.Stacks, cfn: cloudformation.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg),
		sns: sns.NewFromConfig(cfg), events: eventbridge.NewFromConfig(cfg),
	}
	var parameters []types.Parameter
	for key, value := range map[string]string{
		"ProtectEC2": "yes", "ProtectS3": "yes", "ExternalId": secret, "ConnectionId": "main",
		"DataPlaneAccountId":  "444455556666",
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/ControlPlane", "SupportRole": "yes",
		"SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Support", "ResourceTags": "team=storage",
	} {
		parameters = append(parameters, types.Parameter{ParameterKey: aws.String(key), ParameterValue: aws.String(value)})
	}
	url, err := l.UploadTemplate(t.Context(), "template.yaml", permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	created, err := w.cfn.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String(parentName), TemplateURL: &url, Parameters: parameters,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.upload = l.UploadTemplate
	w.rest(parentName)
	w.parent = *created.StackId
	return w
}

// TestInstalled checks template.yaml itself: it is in sync after its launch; its
// own roles are checked; drift of the permission stacks is reverted with the stack
// role's permissions; a deleted permission stack is reported.
func TestInstalled(t *testing.T) {
	w := installTemplate(t)
	report := w.check()
	for _, f := range report.Findings {
		t.Errorf("unexpected finding: %s", inWords(f))
	}
	if len(report.Stacks) != 3 || report.Checked < 20 || report.Profile != "clumio" {
		t.Errorf("report %+v", report)
	}

	w.putInline(w.parentRole(), "rogue", allowsMore)
	w.putInline(role, "rogue", allowsMore)
	must(w.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{
		RoleName: aws.String(support), PolicyArn: aws.String(admin),
	}))
	must(w.iam.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{
		RoleName: aws.String(role), PolicyArn: aws.String(w.somePolicy()),
	}))
	must(w.events.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String(w.rules()[0])}))
	report = w.check()
	if len(report.Findings) != 5 {
		t.Errorf("findings %q", summaries(report))
	}
	if out := w.revert(report); len(out.Failed) != 0 {
		t.Errorf("not reverted: %+v", out.Failed)
	}
	if got := summaries(w.check()); len(got) != 0 {
		t.Errorf("findings after the revert: %q", got)
	}

	name := parentName + "-permstack-inventory"
	must(w.cfn.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &name}))
	if _, _, err := w.engine.Wait(t.Context(), account, region, name); err != nil {
		t.Fatal(err)
	}
	report = w.check()
	if len(report.Findings) != 1 || report.Findings[0].Kind != finding.ResourceDeleted ||
		report.Findings[0].Stack != name ||
		report.Findings[0].Type != "AWS::CloudFormation::Stack" {
		t.Errorf("without the inventory stack: %q", summaries(report))
	}
	// A stack of that name is compared with what the catalogue defines, whoever made it.
	w.create(name, "Resources: {T: {Type: AWS::SNS::Topic, Properties: {TopicName: theirs}}}")
	again := summaries(w.check())
	if !slices.Contains(again, " template-changed [inventory] grants-more live") ||
		!slices.Contains(again, "ClumioEventPub resource-deleted grants-less live") {
		t.Errorf("with a stack of others: %q", again)
	}
}
