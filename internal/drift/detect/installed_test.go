package detect_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"permstack"
	"permstack/internal/drift/detect"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/notify/finding"
)

// installTemplate launches template.yaml itself.
func installTemplate(t *testing.T) *environment {
	t.Helper()
	w := newEnvironment(t)
	w.launchTemplate(nil)
	return w
}

// launchTemplate launches template.yaml with further parameters.
func (w *environment) launchTemplate(more map[string]string) {
	w.t.Helper()
	parameters := map[string]string{
		"ProtectEC2": "yes", "ProtectS3": "yes", "ExternalId": secret, "ConnectionId": "main",
		"DataPlaneAccountId":  "444455556666",
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/ControlPlane", "SupportRole": "yes",
		"SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Support", "ResourceTags": "team=storage",
	}
	maps.Copy(parameters, more)
	w.parent = w.Launch(fakeawstest.Launch{Name: parentName, Parameters: parameters}).StackID
	w.release = detect.Release{Template: permstack.Template}
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

	w.PutInlinePolicy(w.parentRole(), "rogue", allowsMore)
	w.PutInlinePolicy(role, "rogue", allowsMore)
	w.AttachPolicy(support, admin)
	w.DetachPolicy(role, w.somePolicy())
	must(w.Events.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String(w.rules()[0])}))
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

	name := w.inventoryStack()
	must(w.CloudFormation.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &name}))
	if _, _, err := w.Stacks.Wait(t.Context(), account, region, name); err != nil {
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
