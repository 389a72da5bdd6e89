package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/protocol"
)

func TestExports(t *testing.T) {
	h := newHarness(t)
	h.create("from", "Resources: {T: {Type: AWS::SNS::Topic}}\nOutputs: {O: {Value: !Ref T, Export: {Name: topic}}}")
	h.wait("from", "CREATE_COMPLETE")
	h.create("to", "Resources: {Q: {Type: AWS::SQS::Queue}}\nOutputs: {O: {Value: !ImportValue topic}}")
	h.wait("to", "CREATE_COMPLETE")
	if a, b := h.stackOutput("from", "O"), h.stackOutput("to", "O"); a == "" || a != b {
		t.Errorf("exported %q, imported %q", a, b)
	}
	_, err := h.cfn.DeleteStack(t.Context(), &cfn.DeleteStackInput{StackName: aws.String("from")})
	apitest.WantError(t, err, "ValidationError", "Cannot delete export topic as it is in use by to")
	if list, _ := h.cfn.ListExports(t.Context(), &cfn.ListExportsInput{}); len(list.Exports) != 1 ||
		*list.Exports[0].Name != "topic" {
		t.Errorf("exports %+v", list)
	}
}

func TestRetain(t *testing.T) {
	h := newHarness(t)
	const body = "Resources: {T: {Type: AWS::SNS::Topic, DeletionPolicy: Retain, UpdateReplacePolicy: Retain, " +
		"Properties: {TopicName: a}}, Q: {Type: AWS::SQS::Queue}}"
	id := h.create("s", body)
	h.wait("s", "CREATE_COMPLETE")
	if err := h.update("s", strings.Replace(body, "TopicName: a", "TopicName: b", 1)); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	h.delete("s")
	h.wait(id, "DELETE_COMPLETE")
	wantInOrder(t, h.events(id), "T DELETE_SKIPPED", "s UPDATE_COMPLETE", "T DELETE_SKIPPED", "s DELETE_COMPLETE")
	if topics, _ := h.sns.ListTopics(t.Context(), &sns.ListTopicsInput{}); len(topics.Topics) != 2 {
		t.Errorf("%d topics left, want 2", len(topics.Topics))
	}
}

func TestCustomNamedReplacement(t *testing.T) {
	h := newHarness(t)
	const body = "Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: fixed, Path: /a/, " +
		"AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: " +
		"ec2.amazonaws.com}, Action: 'sts:AssumeRole'}]}}}}"
	h.create("s", body)
	h.wait("s", "CREATE_COMPLETE")
	if err := h.update("s", strings.Replace(body, "/a/", "/b/", 1)); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
	wantInOrder(t, h.events("s"),
		"R UPDATE_FAILED CloudFormation cannot update a stack when a custom-named resource requires replacing. "+
			"Rename fixed and update the stack again.")
	h.create("again", body)
	h.wait("again", "ROLLBACK_COMPLETE")
	wantInOrder(t, h.events("again"),
		"R CREATE_FAILED Resource handler returned message: \"Resource of type 'AWS::IAM::Role' with "+
			"identifier 'fixed' already exists.\" (RequestToken: ")
	if _, err := h.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("fixed")}); err != nil {
		t.Errorf("the rollback has deleted another stack's role: %v", err)
	}
}

func TestTokens(t *testing.T) {
	h := newHarness(t)
	token := func(in *cfn.CreateStackInput) { in.ClientRequestToken = aws.String("t1") }
	first := h.create("s", two, token)
	h.wait("s", "CREATE_COMPLETE")
	if again := h.create("s", two, token); again != first {
		t.Errorf("the repeated request returns %s, want %s", again, first)
	}
	events, err := h.cfn.DescribeStackEvents(t.Context(), &cfn.DescribeStackEventsInput{StackName: aws.String("s")})
	if err != nil || aws.ToString(events.StackEvents[0].ClientRequestToken) != "t1" {
		t.Errorf("event's token: %v %v", events, err)
	}
}

func TestDoNothingThenUpdate(t *testing.T) {
	h := newHarness(t)
	h.breakCall("sns:CreateTopic", second)
	h.create("s", two, func(in *cfn.CreateStackInput) { in.OnFailure = types.OnFailureDoNothing })
	h.wait("s", "CREATE_FAILED")
	h.cloud.SetIntercept(nil)
	if err := h.update("s", two); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	h.breakCall("sns:SetTopicAttributes",
		func(c *protocol.Call) bool { return second(c) && c.Form.Get("AttributeValue") == "two" })
	if err := h.update("s", strings.ReplaceAll(two, "one", "two"),
		func(in *cfn.UpdateStackInput) { in.DisableRollback = aws.Bool(true) }); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_FAILED")
	if _, err := h.cfn.RollbackStack(t.Context(), &cfn.RollbackStackInput{StackName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
}

func TestCancelUpdate(t *testing.T) {
	h := newHarness(t)
	h.create("s", customStack("Echo: x"))
	h.wait("s", "CREATE_COMPLETE")
	<-h.output
	if err := h.update("s", customStack("Echo: x, Slow: Update")); err != nil {
		t.Fatal(err)
	}
	<-h.output // the function does not respond to this request
	apitest.WantError(t, h.update("s", customStack("Echo: y")), "ValidationError",
		"is in UPDATE_IN_PROGRESS state and can not be updated.")
	_, err := h.cfn.DeleteStack(t.Context(), &cfn.DeleteStackInput{StackName: aws.String("s")})
	apitest.WantError(t, err, "ValidationError", "cannot be deleted while in status UPDATE_IN_PROGRESS")
	if _, err := h.cfn.CancelUpdateStack(t.Context(),
		&cfn.CancelUpdateStackInput{StackName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
	wantInOrder(t, h.events("s"), "Custom UPDATE_FAILED Resource update cancelled",
		"s UPDATE_ROLLBACK_IN_PROGRESS User Initiated", "Custom UPDATE_COMPLETE")
}

func TestSkipInRollback(t *testing.T) {
	h := newHarness(t)
	h.create("s", two)
	h.wait("s", "CREATE_COMPLETE")
	h.breakCall("sns:SetTopicAttributes", second)
	if err := h.update("s", strings.ReplaceAll(two, "one", "two")); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_FAILED")
	_, err := h.cfn.ContinueUpdateRollback(t.Context(),
		&cfn.ContinueUpdateRollbackInput{StackName: aws.String("s"), ResourcesToSkip: []string{"First"}})
	apitest.WantError(t, err, "ValidationError", "cannot be skipped: [First]")
	if _, err := h.cfn.ContinueUpdateRollback(t.Context(),
		&cfn.ContinueUpdateRollbackInput{StackName: aws.String("s"), ResourcesToSkip: []string{"Second"}}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_ROLLBACK_COMPLETE")
}

func TestDescribe(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	h.create("s", access)
	h.wait("s", "CREATE_COMPLETE")
	one, err := h.cfn.DescribeStackResource(ctx,
		&cfn.DescribeStackResourceInput{StackName: aws.String("s"), LogicalResourceId: aws.String("Role")})
	if err != nil || *one.StackResourceDetail.PhysicalResourceId != "reader" {
		t.Errorf("%+v %v", one, err)
	}
	_, err = h.cfn.DescribeStackResource(ctx,
		&cfn.DescribeStackResourceInput{StackName: aws.String("s"), LogicalResourceId: aws.String("None")})
	apitest.WantError(t, err, "ValidationError", "Resource None does not exist for stack s")
	by, err := h.cfn.DescribeStackResources(ctx,
		&cfn.DescribeStackResourcesInput{PhysicalResourceId: aws.String("reader")})
	if err != nil || len(by.StackResources) != 7 {
		t.Errorf("resources by physical id: %d, %v", len(by.StackResources), err)
	}
	list, err := h.cfn.ListStackResources(ctx, &cfn.ListStackResourcesInput{StackName: aws.String("s")})
	if err != nil || len(list.StackResourceSummaries) != 7 {
		t.Errorf("listed resources: %v, %v", list, err)
	}
	sum, err := h.cfn.GetTemplateSummary(ctx, &cfn.GetTemplateSummaryInput{StackName: aws.String("s")})
	if err != nil || len(sum.Parameters) != 2 || len(sum.Capabilities) != 1 ||
		sum.Capabilities[0] != "CAPABILITY_NAMED_IAM" {
		t.Errorf("summary %+v %v", sum, err)
	}
	valid, err := h.cfn.ValidateTemplate(ctx, &cfn.ValidateTemplateInput{TemplateBody: aws.String(access)})
	if err != nil || len(valid.Parameters) != 2 {
		t.Errorf("validated %+v %v", valid, err)
	}
	_, err = h.cfn.ValidateTemplate(ctx,
		&cfn.ValidateTemplateInput{TemplateBody: aws.String("Resources: {A: {Type: T, Properties: {X: !Ref Y}}}")})
	apitest.WantError(t, err, "ValidationError",
		"Template format error: Unresolved resource dependencies [Y] in the Resources block of the template")
}

func TestNoEchoIsMasked(t *testing.T) {
	h := newHarness(t)
	h.create("s",
		"Parameters: {P: {Type: String, NoEcho: true, Default: hush-hush}}\nResources: {T: {Type: "+
			"AWS::SNS::Topic, Properties: {DisplayName: !Ref P}}}")
	h.wait("s", "CREATE_COMPLETE")
	out, err := h.cfn.DescribeStackEvents(t.Context(), &cfn.DescribeStackEventsInput{StackName: aws.String("s")})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range out.StackEvents {
		if strings.Contains(aws.ToString(ev.ResourceProperties), "hush-hush") {
			t.Errorf("event shows %s", *ev.ResourceProperties)
		}
	}
}
