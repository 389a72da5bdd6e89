package detect

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/drift/changeevent"
	"permstack/internal/fakeaws/simclock"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// runTemplate is a parent with a choice, an alert topic, and a resource that no source checks.
const runTemplate = `
Resources:
  Access:
    Type: Custom::PermissionStack
    Properties:
      {ServiceToken: t, Profile: clumio, Assets: [ec2], Operations: [backup], ExternalId: an-id, ConnectionId: main,
       ControlPlaneRoleArn: 'arn:aws:iam::111122223333:role/C', DataPlaneAccountId: '444455556666', Path: /permstack/,
       CatalogVersion: '1'}
  Topic: {Type: AWS::SNS::Topic}
  Log: {Type: AWS::Logs::LogGroup}
`

// runEnvironment is an account with the parent alone: its permission stacks were deleted.
func runEnvironment() (*unitCloudFormation, *unitIAM, *unitSNS, Options) {
	parent := unitStack("backup").parameters(map[string]string{"RestoreUntil": "2027-01-01T00:00:00Z"})
	resource := func(id, physical, typ string) types.StackResourceSummary {
		return types.StackResourceSummary{
			LogicalResourceId: &id, PhysicalResourceId: &physical, ResourceType: &typ, LastUpdatedTimestamp: aws.Time(at(-9)),
		}
	}
	added := "x" + unitParent().StackMarker() + "y"
	api := &unitCloudFormation{
		stacks:    map[string]*types.Stack{"backup": parent.described, parent.id: parent.described},
		templates: map[string]string{"": runTemplate, "theirs": runTemplate + "# other"},
		resources: []types.StackResourceSummary{
			resource("Access", "a", customResource), resource("Topic", unitTopic, typeTopic),
			resource("Log", "log", "AWS::Logs::LogGroup"),
		},
		summaries: []types.StackSummary{{StackName: &added, StackId: aws.String(stackARN(added, "1"))}},
		changeSets: []types.ChangeSetSummary{{
			ChangeSetName: aws.String("theirs"), ChangeSetId: aws.String("theirs"),
		}},
		drift: &types.StackResourceDrift{StackResourceDriftStatus: types.StackResourceDriftStatusInSync},
	}
	clock := simclock.New(unitNow)
	return api, &unitIAM{}, &unitSNS{attributes: map[string]string{}}, Options{
		Parent: "backup", AnyStack: true, Now: clock.Now, Sleep: clock.Sleep, Concurrency: 1,
	}
}

// TestRun checks what a report of a whole check holds.
func TestRun(t *testing.T) {
	changeSet := "change-set-added theirs"
	stackAdded := "stack-added x" + unitParent().StackMarker() + "y"
	deleted := "resource-deleted "
	for _, tc := range []struct {
		name       string
		change     func(api *unitCloudFormation, identity *unitIAM, topics *unitSNS, o *Options)
		want       []string // kinds and subjects of the findings
		choices    []string // some of the choices, with values; "-" before the name of one that is not there
		noReader   bool     // nobody is subscribed
		checked    int
		notReached []string
		undone     int
		progress   int // of how many steps
		restorable bool
		narrowed   bool // whether it is known to what the choice is narrowed
	}{
		{"everything", nil, []string{deleted, changeSet, stackAdded},
			[]string{"StackSettings none", "Subscribers email:a,sqs:b,sqs:c", "-ExternalId"}, false, 2, nil, 0, 3, true,
			true},
		{"choice that cannot be evaluated", func(api *unitCloudFormation, _ *unitIAM, _ *unitSNS, _ *Options) {
			api.templates[""] = strings.Replace(runTemplate, "an-id", "!FindInMap [Missing, a, b]", 1)
		}, []string{"not-readable Custom::PermissionStack"}, []string{"-StackSettings", "-Subscribers"},
			false, 2, nil, 0, 3, true, false},
		{"subscribers denied", func(_ *unitCloudFormation, _ *unitIAM, topics *unitSNS, o *Options) {
			topics.err = map[string]error{"ListSubscriptionsByTopic": errDenied}
			o.Previous = func(name string) string { return map[string]string{"Subscribers": "before"}[name] }
		}, []string{deleted, changeSet, "not-readable iam:GetRole", stackAdded}, []string{"Subscribers before"}, false, 2,
			nil,
			0, 3, true, true},
		{"subscribers denied in the first check", func(_ *unitCloudFormation, _ *unitIAM, topics *unitSNS, _ *Options) {
			topics.err = map[string]error{"ListSubscriptionsByTopic": errDenied}
		}, []string{deleted, changeSet, "not-readable iam:GetRole", stackAdded}, []string{"-Subscribers"}, false, 2, nil, 0,
			3,
			true, true},
		{"limited", func(_ *unitCloudFormation, _ *unitIAM, _ *unitSNS, o *Options) {
			o.Limited, o.Events = true, []changeevent.Event{unitEvent("sns:SetTopicAttributes", unitTopic, `{}`)}
		}, []string{deleted}, nil, false, 1, nil, 1, 2, true, true},
		{"limited, to a created stack", func(_ *unitCloudFormation, _ *unitIAM, _ *unitSNS, o *Options) {
			o.Limited, o.Events = true, []changeevent.Event{unitEvent("cloudformation:CreateStack", "x", `{}`)}
		}, []string{deleted, stackAdded}, []string{"Subscribers "}[:0], false, 0, nil, 0, 0, true, true},
		{"detection denied", func(api *unitCloudFormation, _ *unitIAM, _ *unitSNS, _ *Options) {
			api.drift, api.err = &types.StackResourceDrift{}, map[string]error{"DetectStackResourceDrift": apiError(
				"CloudFormation", "D", "ValidationError", "Drift detection cannot be performed on stack [x] while")}
		}, []string{deleted, changeSet, stackAdded}, nil, false, 0, []string{"backup/Log", "backup/Topic"}, 0, 3, true, true},
		{"change that was undone", func(api *unitCloudFormation, _ *unitIAM, topics *unitSNS, o *Options) {
			o.Events = []changeevent.Event{unitEvent("sns:DeleteTopic", unitTopic, `{}`)}
		}, []string{deleted, changeSet, stackAdded}, nil, false, 2, nil, 1, 3, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api, identity, topics, o := runEnvironment()
			if tc.change != nil {
				tc.change(api, identity, topics, &o)
			}
			identity.roles = []iamtypes.Role{}
			steps, total := 0, 0
			o.Progress = func(p Progress) { steps, total = p.Done, p.Total }
			report, err := Check(t.Context(), Clients{
				CloudFormation: api, IAM: identity, SNS: topics, Events: &unitEvents{},
			}, o)
			if err != nil {
				t.Fatal(err)
			}
			var got, names []string
			for _, f := range report.Findings {
				if f.Stack != unitParent().StackName(installation.Inventory) {
					got = append(got, string(f.Kind)+" "+f.Subject)
				}
			}
			want := slices.Clone(tc.want)
			slices.Sort(got)
			slices.Sort(want)
			for _, c := range report.Choices {
				names = append(names, c.Name+" "+c.Value)
			}
			for _, choice := range tc.choices {
				name, missing := strings.CutPrefix(choice, "-")
				if slices.ContainsFunc(names, func(s string) bool {
					return s == name || strings.HasPrefix(s,
						name+" ")
				}) == missing {
					t.Errorf("got the choices %q, want %s", names, choice)
				}
			}
			if !slices.Equal(got, want) || report.NoSubscriber != tc.noReader || report.Checked != tc.checked ||
				!slices.Equal(report.NotReached, tc.notReached) || len(report.Undone) != tc.undone ||
				!slices.Equal(report.Stacks, []string{unitParent().ID}) || steps != tc.progress || total != tc.progress ||
				report.RestoreUntil.IsZero() == tc.restorable || (report.NarrowedEntries != nil) != tc.narrowed {
				t.Errorf("got findings %q, %d checked, not %q, %d undone, stacks %q, step %d of %d, narrowed to %q, nobody %v",
					got, report.Checked, report.NotReached, len(report.Undone), report.Stacks, steps, total,
					report.NarrowedEntries, report.NoSubscriber)
			}
		})
	}
}

// TestRunInProgress checks what a report holds of a permission stack in progress.
func TestRunInProgress(t *testing.T) {
	api, identity, topics, o := runEnvironment()
	access := unitStack(unitParent().StackName(installation.Access))
	access.described.StackStatus, access.described.LastUpdatedTime = types.StackStatusUpdateInProgress, aws.Time(at(-20))
	api.stacks[access.name], api.stacks[access.id] = access.described, access.described
	o.Previous = func(name string) string { return map[string]string{finding.ExternalIDChoice: "before"}[name] }
	report, err := Check(t.Context(), Clients{CloudFormation: api, IAM: identity, SNS: topics, Events: &unitEvents{}}, o)
	if err != nil {
		t.Fatal(err)
	}
	direct := slices.ContainsFunc(report.Choices, func(c finding.Choice) bool {
		return c.Name == "accessStackUpdate" && c.Value == finding.NoDirectUpdate
	})
	id := slices.ContainsFunc(report.Choices, func(c finding.Choice) bool {
		return c.Name == finding.ExternalIDChoice && c.Value == "before"
	})
	if !direct || !id || !slices.Equal(report.InProgress, []string{access.id}) || len(report.Stacks) != 2 ||
		report.Checked != 2 || !slices.IsSorted(report.NotReached) || len(report.NotReached) == 0 {
		t.Errorf("got the choices %+v, %q in progress, stacks %q, %d checked, not %q", report.Choices, report.InProgress,
			report.Stacks, report.Checked, report.NotReached)
	}
}
