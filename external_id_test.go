package permstack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
)

// TestExternalIDIsDisclosedNowhere launches a stack with an external id, replaces it,
// lets another principal change it in IAM, and searches everything that CloudFormation
// returns about the three stacks, every message, log line, parameter and object for
// all three ids. Only IAM returns the id, in the trust policy.
func TestExternalIDIsDisclosedNowhere(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	t.Parallel()
	const first, second, third = "marker-1-0c5f7f9d3b0e", "marker-2-77d20b9a61c4", "marker-3-5be1f0a8d2c9"
	w := fakeawstest.Start(t, fakeawstest.Options{}).In("123456789012", "eu-central-1").
		Launch(fakeawstest.Launch{Parameters: map[string]string{"ExternalId": first, "ProtectS3": "yes"}})
	role := w.RoleName()
	requireID := func(id string) {
		t.Helper()
		if trust := w.Role(role).Trust; !strings.Contains(trust, id) {
			t.Fatalf("got trust policy %s, want external id %s", trust, id)
		}
	}
	requireID(first)
	d := disclosure{t: t, w: w, ids: []string{first, second, third}}
	d.search("after the launch")

	w.Update(map[string]string{"ExternalId": second, "ProtectS3": "yes"})
	requireID(second)
	w.RequireMessages("access granted: 132 actions added, 0 removed", "access changed: 0 actions added, 0 removed")
	d.search("after the update")

	trust := strings.ReplaceAll(w.Role(role).Trust, second, third)
	if _, err := w.IAM.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: &role, PolicyDocument: &trust,
	}); err != nil {
		t.Fatal(err)
	}
	w.RequireMessages("GRANTS MORE: 1 new")
	d.ids = d.ids[:2] // CloudFormation's drift detection returns what it finds in AWS
	d.search("after a change by hand")

	w.Update(map[string]string{"OnDrift": "revert", "ExternalId": second, "ProtectS3": "yes"})
	w.CheckDrift()
	requireID(second)
	d.search("after the change was reverted")
}

// disclosure searches for external ids.
type disclosure struct {
	t   *testing.T
	w   *fakeawstest.Stack
	ids []string
}

// found fails the test if an answer contains an id.
func (d *disclosure) found(when, where string, answer any, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Errorf("%s, %s: %v", when, where, err)
		return
	}
	data, err := json.Marshal(answer)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(data) < 10 {
		d.t.Errorf("%s, %s: got %s, want an answer to search", when, where, data)
	}
	for _, id := range d.ids {
		if i := strings.Index(string(data), id); i >= 0 {
			d.t.Errorf("%s, %s has the external id: …%s…", when, where, data[max(0, i-100):min(len(data), i+60)])
		}
	}
}

func (d *disclosure) search(when string) {
	d.t.Helper()
	ctx, w := d.t.Context(), d.w
	for _, stack := range []string{w.Name, w.PermissionStack("access"), w.PermissionStack("inventory")} {
		d.searchStack(ctx, when, stack)
	}
	d.found(when, "messages", w.AWS.SNS().Messages(""), nil)
	d.found(when, "log", w.Log.String(), nil)
	state, err := w.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(w.PhysicalID("DriftState"))})
	d.found(when, "state of the drift check", state, err)
	d.searchObjects(ctx, when)
}

func (d *disclosure) searchStack(ctx context.Context, when, stack string) {
	d.t.Helper()
	c := d.w.CloudFormation
	for _, stage := range []types.TemplateStage{types.TemplateStageOriginal, types.TemplateStageProcessed} {
		out, err := c.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack, TemplateStage: stage})
		d.found(when, "GetTemplate", out, err)
	}
	summary, err := c.GetTemplateSummary(ctx, &cloudformation.GetTemplateSummaryInput{StackName: &stack})
	d.found(when, "GetTemplateSummary", summary, err)
	described, err := c.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	d.found(when, "DescribeStacks", described, err)
	events, err := c.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
	d.found(when, "DescribeStackEvents", events, err)
	resources, err := c.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &stack})
	d.found(when, "DescribeStackResources", resources, err)
	for _, r := range resources.StackResources {
		resource, err := c.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{
			StackName: &stack, LogicalResourceId: r.LogicalResourceId,
		})
		d.found(when, "DescribeStackResource", resource, err)
		if aws.ToString(r.ResourceType) != "AWS::IAM::Role" {
			continue
		}
		drift, err := c.DetectStackResourceDrift(ctx, &cloudformation.DetectStackResourceDriftInput{
			StackName: &stack, LogicalResourceId: r.LogicalResourceId,
		})
		d.found(when, "DetectStackResourceDrift", drift, err)
	}
	drifts, err := c.DescribeStackResourceDrifts(ctx, &cloudformation.DescribeStackResourceDriftsInput{StackName: &stack})
	d.found(when, "DescribeStackResourceDrifts", drifts, err)
	d.searchChangeSet(ctx, when, stack, described)
}

// searchChangeSet searches a change set that keeps the parameters.
func (d *disclosure) searchChangeSet(
	ctx context.Context, when, stack string, described *cloudformation.DescribeStacksOutput,
) {
	d.t.Helper()
	name := fmt.Sprint("search-", strings.ReplaceAll(when, " ", "-"))
	in := &cloudformation.CreateChangeSetInput{
		StackName: &stack, ChangeSetName: &name, UsePreviousTemplate: aws.Bool(true),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		Tags:         []types.Tag{{Key: aws.String("searched"), Value: aws.String("yes")}},
	}
	for _, p := range described.Stacks[0].Parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	created, err := d.w.CloudFormation.CreateChangeSet(ctx, in)
	d.found(when, "CreateChangeSet", created, err)
	set, err := d.w.CloudFormation.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{
		StackName: &stack, ChangeSetName: &name, IncludePropertyValues: aws.Bool(true),
	})
	d.found(when, "DescribeChangeSet", set, err)
	if _, err := d.w.CloudFormation.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{
		StackName: &stack, ChangeSetName: &name,
	}); err != nil {
		d.t.Error(err)
	}
}

func (d *disclosure) searchObjects(ctx context.Context, when string) {
	d.t.Helper()
	client := s3.NewFromConfig(d.w.Config(d.w.ID, d.w.Region), func(o *s3.Options) { o.UsePathStyle = true })
	buckets, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, b := range buckets.Buckets {
		objects, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b.Name})
		d.found(when, "ListObjectsV2", objects, err)
	}
}
