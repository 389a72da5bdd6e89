package detect

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/drift/changeevent"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// TestPendingChangeSet checks which change sets somebody may execute: not those of a revert within an hour, and not
// those that were executed, failed, or are obsolete.
func TestPendingChangeSet(t *testing.T) {
	for _, tc := range []struct {
		name      string
		set       string
		status    types.ChangeSetStatus
		execution types.ExecutionStatus
		age       time.Duration
		want      bool
	}{
		{"available", "theirs", types.ChangeSetStatusCreateComplete, types.ExecutionStatusAvailable, 0, true},
		{"being created", "theirs", types.ChangeSetStatusCreateInProgress, types.ExecutionStatusUnavailable, 0, true},
		{"failed", "theirs", types.ChangeSetStatusFailed, types.ExecutionStatusUnavailable, 0, false},
		{"executed", "theirs", types.ChangeSetStatusCreateComplete, types.ExecutionStatusExecuteComplete, 0, false},
		{"execution failed", "theirs", types.ChangeSetStatusCreateComplete, types.ExecutionStatusExecuteFailed, 0, false},
		{"obsolete", "theirs", types.ChangeSetStatusCreateComplete, types.ExecutionStatusObsolete, 0, false},
		{"of a revert", ChangeSetPrefix + "1", types.ChangeSetStatusCreateComplete, types.ExecutionStatusAvailable,
			time.Hour, false},
		{"of an old revert", ChangeSetPrefix + "1", types.ChangeSetStatusCreateComplete, types.ExecutionStatusAvailable,
			time.Hour + time.Second, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := unitCheck(nil, nil).isPending(types.ChangeSetSummary{
				ChangeSetName: &tc.set, Status: tc.status, ExecutionStatus: tc.execution,
				CreationTime: aws.Time(unitNow.Add(-tc.age)),
			})
			if got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// changeSetTemplate is a parent with a choice that grants and choices of the check.
const changeSetTemplate = `
Parameters:
  Account: {Type: String, Default: "111122223333"}
  Tag: {Type: String, Default: a}
  Schedule: {Type: String, Default: rate(1 day)}
Resources:
  Access:
    Type: Custom::PermissionStack
    Properties: {ServiceToken: t, DataPlaneAccountId: !Ref Account, Tags: !Ref Tag}
  Rule: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: !Ref Schedule}}
`

// TestChangeSetFindings checks what is reported of change sets that wait to be executed.
func TestChangeSetFindings(t *testing.T) {
	update := changeevent.Event{Names: []string{"web"}, Call: finding.Call{Action: "cloudformation:UpdateStack"}}
	for _, tc := range []struct {
		name       string
		part       installation.Part
		body       string // of the change set
		parameters map[string]string
		err        map[string]error
		limited    []changeevent.Event
		want       []string
	}{
		{"same template", installation.Access, changeSetTemplate, nil, nil, nil, nil},
		{"another template", installation.Access, changeSetTemplate + "# other", nil, nil, nil,
			[]string{"change-set-added [second] grants-more: none → second"}},
		{"parent, nothing else", "", changeSetTemplate, nil, nil, nil, nil},
		{"parent, a tag", "", changeSetTemplate, map[string]string{"Tag": "b"}, nil, nil, nil},
		{"parent, who gets access", "", changeSetTemplate, map[string]string{"Account": "999988887777"}, nil, nil,
			[]string{"change-set-added [second] grants-more: none → second"}},
		{"parent, nobody gets access", "", changeSetTemplate, map[string]string{"Account": ""}, nil, nil,
			[]string{"change-set-added [second] grants-less: none → second"}},
		{"parent, the schedule", "", changeSetTemplate, map[string]string{"Schedule": "rate(9 days)"}, nil, nil,
			[]string{"change-set-added [second] monitoring: none → second"}},
		{"parent, the schedule and the template", "", changeSetTemplate + "# other",
			map[string]string{"Schedule": "rate(9 days)"}, nil, nil,
			[]string{"change-set-added [second] monitoring: none → second"}},
		{"parent, who gets access, and the schedule", "", changeSetTemplate,
			map[string]string{"Account": "999988887777", "Schedule": "rate(9 days)"}, nil, nil,
			[]string{"change-set-added [second] grants-more: none → second"}},
		{"parent, an invalid template", "", "Resources: [", nil, nil, nil,
			[]string{"change-set-added [second] monitoring: none → second"}},
		{"not listed", "", "", nil, map[string]error{"ListChangeSets": errBroken}, nil,
			[]string{"not-readable [unknown] unreadable (read-failed)"}},
		{"no template", "", "", nil, map[string]error{"GetTemplate": errBroken}, nil,
			[]string{"not-readable [unknown] unreadable (read-failed)"}},
		{"not described", "", changeSetTemplate, nil, map[string]error{"DescribeChangeSet": errBroken}, nil,
			[]string{"not-readable [unknown] unreadable (read-failed)"}},
		{"limited to another stack", installation.Access, "other", nil, nil, []changeevent.Event{update}, nil},
		{"limited to the stack", installation.Access, "other", nil, nil,
			[]changeevent.Event{{Stack: unitStack("backup").id}},
			[]string{"change-set-added [second] grants-more: none → second"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			s.described.Parameters = unitStack("x").parameters(map[string]string{
				"Account": "111122223333", "Tag": "a", "Schedule": "rate(1 day)",
			}).described.Parameters
			s.listed = []listed{{logicalID: "Access", physicalID: "a", typ: customResource}}
			if err := s.evaluate(unitParent(), changeSetTemplate); err != nil {
				t.Fatal(err)
			}
			s.addResources(s.listed)
			s.part = tc.part
			values := map[string]string{"Account": "111122223333", "Tag": "a", "Schedule": "rate(1 day)"}
			for name, value := range tc.parameters {
				values[name] = value
			}
			api := &unitCloudFormation{
				err: tc.err, templates: map[string]string{"id-second": tc.body},
				changeSets: []types.ChangeSetSummary{
					{ChangeSetName: aws.String("first"), ChangeSetId: aws.String("id-first"),
						ExecutionStatus: types.ExecutionStatusObsolete},
					{ChangeSetName: aws.String("second"), ChangeSetId: aws.String("id-second")},
				},
				parameters: unitStack("x").parameters(values).described.Parameters,
			}
			c := unitCheck(api, nil)
			c.o.Limited, c.o.Events = tc.limited != nil, tc.limited
			c.compareChangeSets(t.Context(), unitParent(), s)
			checkDrafts(t, s.drafts, tc.want...)
			for _, d := range s.drafts {
				if d.Kind == finding.ChangeSetAdded && (d.RemovalID != "id-second" || d.Changes == nil) {
					t.Errorf("got %+v", d.Finding)
				}
			}
		})
	}
	t.Run("template that is not known", func(t *testing.T) {
		s := unitStack("backup")
		s.part = installation.Access
		c := unitCheck(&unitCloudFormation{}, nil)
		c.compareChangeSet(t.Context(), unitParent(), s, types.ChangeSetSummary{ChangeSetName: aws.String("second")})
		checkDrafts(t, s.drafts, "change-set-added [second] grants-more: none → second")
	})
	t.Run("stack that does not exist", func(t *testing.T) {
		api := &unitCloudFormation{}
		unitCheck(api, nil).compareChangeSets(t.Context(), unitParent(), &stack{})
		if len(api.calls) > 0 {
			t.Errorf("got calls %q", api.calls)
		}
	})
}
