package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/fakeaws/apitest"
)

func TestChangeSets(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	make := func(name, typ, body string) *cfn.DescribeChangeSetOutput {
		t.Helper()
		if _, err := h.cfn.CreateChangeSet(ctx,
			&cfn.CreateChangeSetInput{StackName: aws.String("s"), ChangeSetName: &name, ChangeSetType: types.ChangeSetType(typ),
				TemplateBody: &body}); err != nil {
			t.Fatal(err)
		}
		out, err := h.cfn.DescribeChangeSet(ctx,
			&cfn.DescribeChangeSetInput{StackName: aws.String("s"), ChangeSetName: &name})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if cs := make("first", "CREATE", two); cs.Status != "CREATE_COMPLETE" || len(cs.Changes) != 2 ||
		cs.Changes[0].ResourceChange.Action != "Add" {
		t.Errorf("change set %+v", cs)
	}
	h.wait("s", "REVIEW_IN_PROGRESS")
	if _, err := h.cfn.ExecuteChangeSet(ctx,
		&cfn.ExecuteChangeSetInput{StackName: aws.String("s"), ChangeSetName: aws.String("first")}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "CREATE_COMPLETE")
	if cs := make("none", "UPDATE", two); cs.Status != "FAILED" ||
		!strings.Contains(*cs.StatusReason, "didn't contain changes") {
		t.Errorf("change set without changes: %s %s", cs.Status, aws.ToString(cs.StatusReason))
	}
	changed := strings.Replace(two, "second, DisplayName: one", "second, DisplayName: two", 1)
	cs := make("second", "UPDATE", strings.ReplaceAll(changed, "TopicName: first", "TopicName: other"))
	got := map[string]types.Replacement{}
	for _, c := range cs.Changes {
		got[*c.ResourceChange.LogicalResourceId] = c.ResourceChange.Replacement
	}
	if got["First"] != "True" || got["Second"] != "False" {
		t.Errorf("changes %v", got)
	}
	list, err := h.cfn.ListChangeSets(ctx, &cfn.ListChangeSetsInput{StackName: aws.String("s")})
	if err != nil || len(list.Summaries) != 2 {
		t.Errorf("got change sets %+v, %v, want 2", list, err)
	}
	if _, err := h.cfn.ExecuteChangeSet(ctx, &cfn.ExecuteChangeSetInput{ChangeSetName: cs.ChangeSetId}); err != nil {
		t.Fatal(err)
	}
	h.wait("s", "UPDATE_COMPLETE")
	_, err = h.cfn.DescribeChangeSet(ctx,
		&cfn.DescribeChangeSetInput{StackName: aws.String("s"), ChangeSetName: aws.String("none")})
	apitest.WantError(t, err, "ChangeSetNotFound", "ChangeSet [none] does not exist")
}
