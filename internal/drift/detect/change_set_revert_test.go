package detect

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// unitChangeSets is CloudFormation with one change set.
type unitChangeSets struct {
	err      map[string]error
	statuses []types.ChangeSetStatus // of one description after the other; the last remains
	reason   string
	changes  []types.Change // two on a page
	created  *cloudformation.CreateChangeSetInput
	calls    []string
}

func (c *unitChangeSets) CreateChangeSet(
	_ context.Context, in *cloudformation.CreateChangeSetInput, _ ...func(*cloudformation.Options),
) (*cloudformation.CreateChangeSetOutput, error) {
	c.created, c.calls = in, append(c.calls, "create")
	return nil, c.err["create"]
}

func (c *unitChangeSets) DescribeChangeSet(
	_ context.Context, in *cloudformation.DescribeChangeSetInput, _ ...func(*cloudformation.Options),
) (*cloudformation.DescribeChangeSetOutput, error) {
	c.calls = append(c.calls, "describe")
	status := types.ChangeSetStatusCreateComplete
	if len(c.statuses) > 0 {
		status = c.statuses[0]
	}
	if len(c.statuses) > 1 {
		c.statuses = c.statuses[1:]
	}
	page, token := unitPage(c.changes, in.NextToken, 2)
	return &cloudformation.DescribeChangeSetOutput{
		Status: status, StatusReason: &c.reason, Changes: page, NextToken: token,
	}, c.err["describe"]
}

func (c *unitChangeSets) ExecuteChangeSet(
	context.Context, *cloudformation.ExecuteChangeSetInput, ...func(*cloudformation.Options),
) (*cloudformation.ExecuteChangeSetOutput, error) {
	c.calls = append(c.calls, "execute")
	return nil, c.err["execute"]
}

func (c *unitChangeSets) DeleteChangeSet(
	ctx context.Context, _ *cloudformation.DeleteChangeSetInput, _ ...func(*cloudformation.Options),
) (*cloudformation.DeleteChangeSetOutput, error) {
	if ctx.Err() == nil {
		c.calls = append(c.calls, "delete")
	}
	return nil, ctx.Err()
}

// resourceChange is a change of a resource in a change set.
func resourceChange(id, physical string, action types.ChangeAction, replacement types.Replacement) types.Change {
	return types.Change{ResourceChange: &types.ResourceChange{
		LogicalResourceId: &id, PhysicalResourceId: &physical, Action: action, Replacement: replacement,
	}}
}

// TestExecuteChangeSet checks that a change set is executed only if it modifies resources in place, and deleted
// otherwise.
func TestExecuteChangeSet(t *testing.T) {
	modify := resourceChange("Role", "role", types.ChangeActionModify, types.ReplacementFalse)
	for _, tc := range []struct {
		name    string
		api     unitChangeSets
		change  func(v *reverter, s *stack)
		want    finding.Outcome
		changed []string
		calls   string
		err     string
	}{
		{"modified", unitChangeSets{changes: []types.Change{{}, modify, modify}}, nil, finding.Restored,
			[]string{"Role", "Role"}, "create,describe,describe,execute", ""},
		{"nothing to change", unitChangeSets{statuses: []types.ChangeSetStatus{types.ChangeSetStatusFailed},
			reason: "The submitted information didn't contain changes."}, nil, finding.Restored, nil,
			"create,describe,delete", ""},
		{"failed", unitChangeSets{statuses: []types.ChangeSetStatus{types.ChangeSetStatusFailed}, reason: "x"}, nil,
			finding.CallFailed, nil, "create,describe,delete", "create change set for stack access: x"},
		{"in progress", unitChangeSets{changes: []types.Change{modify}, statuses: []types.ChangeSetStatus{
			types.ChangeSetStatusCreateInProgress, types.ChangeSetStatusCreateComplete}}, nil, finding.Restored,
			[]string{"Role"}, "create,describe,describe,execute", ""},
		{"replaced", unitChangeSets{changes: []types.Change{resourceChange("Role", "role", types.ChangeActionModify,
			types.ReplacementTrue)}}, nil, finding.CallFailed, nil, "create,describe,delete", "would replace resource Role"},
		{"maybe replaced", unitChangeSets{changes: []types.Change{resourceChange("Role", "role", types.ChangeActionModify,
			types.ReplacementConditional)}}, nil, finding.CallFailed, nil, "create,describe,delete",
			"would replace resource Role"},
		{"removed", unitChangeSets{changes: []types.Change{resourceChange("Role", "role", types.ChangeActionRemove, "")}},
			nil, finding.CallFailed, nil, "create,describe,delete", "would remove resource Role"},
		{"removed, and not defined by the catalogue", unitChangeSets{changes: []types.Change{
			resourceChange("Theirs", "t", types.ChangeActionRemove, "")}}, nil, finding.Restored, []string{"Theirs"},
			"create,describe,execute", ""},
		{"removed under another name", unitChangeSets{changes: []types.Change{
			resourceChange("Role", "theirs", types.ChangeActionRemove, "")}}, nil, finding.Restored, []string{"Role"},
			"create,describe,execute", ""},
		{"removed, of the parent", unitChangeSets{changes: []types.Change{
			resourceChange("Theirs", "t", types.ChangeActionRemove, "")}}, func(_ *reverter, s *stack) { s.part = "" },
			finding.CallFailed, nil, "create,describe,delete", "would remove resource Theirs"},
		{"not created", unitChangeSets{err: map[string]error{"create": errDenied}}, nil, finding.CallFailed, nil, "create",
			"create change set"},
		{"not described", unitChangeSets{err: map[string]error{"describe": errDenied}}, nil, finding.CallFailed, nil,
			"create,describe,delete", "describe change set"},
		{"not executed", unitChangeSets{changes: []types.Change{modify}, err: map[string]error{"execute": errDenied}}, nil,
			finding.CallFailed, nil, "create,describe,execute,delete", "execute change set"},
		{"update failed", unitChangeSets{changes: []types.Change{modify}}, func(v *reverter, s *stack) {
			s.described.StackStatus = types.StackStatusUpdateRollbackComplete
		}, finding.CallFailed, nil, "create,describe,execute", "is UPDATE_ROLLBACK_COMPLETE"},
		{"not stable", unitChangeSets{}, func(_ *reverter, s *stack) {
			s.described.StackStatus = types.StackStatusRollbackComplete
		}, finding.StackBusy, nil, "", ""},
		{"in progress itself", unitChangeSets{}, func(_ *reverter, s *stack) { s.inProgress = true }, finding.StackBusy, nil,
			"", ""},
		{"missing", unitChangeSets{}, func(_ *reverter, s *stack) { s.described = nil }, finding.StackBusy, nil, "", ""},
		{"forged", unitChangeSets{changes: []types.Change{modify}}, func(v *reverter, s *stack) {
			v.forged["access"] = true
			s.parameters(map[string]string{"ExternalId": "****"})
		}, finding.Restored, []string{"Role"}, "create,describe,execute", ""},
		{"forged, without an external id", unitChangeSets{}, func(v *reverter, s *stack) {
			v.forged["access"] = true
			s.parameters(map[string]string{"Other": "x"})
		}, finding.ExternalIDUnknown, nil, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access := unitStack("backup"), unitStack("access").parameters(map[string]string{"A": "a", "B": "b"})
			access.part = installation.Access
			access.add(typeRole, "Role", "role", `{}`)
			cf := &unitCloudFormation{stacks: map[string]*types.Stack{access.id: access.described}}
			v := unitReverter(Clients{ChangeSets: &tc.api, CloudFormation: cf}, parent, access)
			v.chosen = unitChoices(t, nil)
			if tc.change != nil {
				tc.change(v, access)
			}
			changed, o := v.executeChangeSet(t.Context(), access)
			if o.result != tc.want || !slices.Equal(changed, tc.changed) || strings.Join(tc.api.calls, ",") != tc.calls {
				t.Errorf("got %s, %v, changed %q after %q", o.result, o.err, changed, tc.api.calls)
			}
			if tc.err != "" && !strings.Contains(o.err.Error(), tc.err) {
				t.Errorf("got %v, want %s", o.err, tc.err)
			}
			in := tc.api.created
			if in == nil {
				return
			}
			var kept []string
			for _, p := range in.Parameters {
				kept = append(kept, *p.ParameterKey)
				if !aws.ToBool(p.UsePreviousValue) {
					t.Errorf("the value of %s is not kept", *p.ParameterKey)
				}
			}
			forged := v.forged["access"]
			want := []string{"A", "B"}
			if forged {
				want = []string{"ExternalId"}
			}
			if !slices.Equal(kept, want) || aws.ToBool(in.UsePreviousTemplate) == forged || (in.TemplateBody != nil) != forged ||
				in.DeploymentMode != types.DeploymentModeRevertDrift || !strings.HasPrefix(*in.ChangeSetName, ChangeSetPrefix) ||
				!slices.Equal(in.Capabilities, []types.Capability{types.CapabilityCapabilityNamedIam}) {
				t.Errorf("created with %+v", in)
			}
		})
	}
	t.Run("of the parent", func(t *testing.T) {
		parent := unitStack("backup")
		parent.described.Capabilities = []types.Capability{types.CapabilityCapabilityIam}
		api := &unitChangeSets{}
		_, o := unitReverter(Clients{ChangeSets: api}, parent).executeChangeSet(t.Context(), parent)
		if o.result != finding.Restored || !slices.Equal(api.created.Capabilities, parent.described.Capabilities) {
			t.Errorf("got %s with %+v", o.result, api.created)
		}
	})
	t.Run("that is never created", func(t *testing.T) {
		access := unitStack("access")
		api := &unitChangeSets{statuses: []types.ChangeSetStatus{types.ChangeSetStatusCreateInProgress}}
		_, o := unitReverter(Clients{ChangeSets: api}, unitStack("backup"), access).executeChangeSet(t.Context(), access)
		if o.result != finding.CallFailed || !strings.Contains(o.err.Error(), "still CREATE_IN_PROGRESS") ||
			len(api.calls) != maxPolls+3 { // and create, the last description, delete
			t.Errorf("got %v after %d calls", o.err, len(api.calls))
		}
	})
}

// TestWaitUntilStable checks how the end of an update is awaited.
func TestWaitUntilStable(t *testing.T) {
	for _, tc := range []struct {
		name     string
		statuses []types.StackStatus // one after the other; the last remains
		err      error
		want     string
		calls    int
	}{
		{"complete", []types.StackStatus{types.StackStatusUpdateInProgress, types.StackStatusUpdateComplete}, nil, "", 2},
		{"failed", []types.StackStatus{types.StackStatusUpdateRollbackInProgress, types.StackStatusUpdateRollbackComplete},
			nil, "is UPDATE_ROLLBACK_COMPLETE", 2},
		{"deleted", nil, nil, "was deleted", 1},
		{"never", []types.StackStatus{types.StackStatusUpdateInProgress}, nil, "has not finished", maxPolls},
		{"after the deadline", nil, context.DeadlineExceeded, "has not finished", 0},
		{"denied", nil, errDenied, "AccessDenied", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			access := unitStack("access")
			api := &unitCloudFormation{stacks: map[string]*types.Stack{}, err: map[string]error{"DescribeStacks": tc.err}}
			api.on = func(string) {
				if len(tc.statuses) > 0 {
					now := *access.described
					now.StackStatus = tc.statuses[min(len(api.calls), len(tc.statuses))-1]
					api.stacks[access.id] = &now
				}
			}
			err := unitReverter(Clients{CloudFormation: api}, access).waitUntilStable(t.Context(), access)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) ||
				tc.calls > 0 && len(api.calls) != tc.calls {
				t.Errorf("got %v after %d calls", err, len(api.calls))
			}
		})
	}
}

// TestRevertByChangeSet checks which findings a change set reverts, and what their outcomes are.
func TestRevertByChangeSet(t *testing.T) {
	property := finding.Finding{ID: "1", Stack: "access", LogicalID: "Role", PhysicalID: "role", Type: typeRole,
		Kind: finding.PropertyChanged, Property: "Path"}
	for _, tc := range []struct {
		name     string
		f        finding.Finding
		changes  []string // logical ids in the change set
		forged   bool
		operator bool
		err      error
		want     finding.Outcome
		executed bool
	}{
		{"property", property, []string{"Role"}, false, false, nil, finding.Restored, true},
		{"property that is not in the change set", property, []string{"Other"}, false, false, nil, finding.NotInChangeSet,
			true},
		{"property, of a forged template", property, []string{"Other"}, true, false, nil, finding.Restored, true},
		{"template", finding.Finding{ID: "1", Stack: "access", Type: stackType, Kind: finding.TemplateChanged},
			[]string{"Other"}, true, false, nil, finding.TemplateRestored, true},
		{"template, by a person", finding.Finding{ID: "1", Stack: "access", Type: stackType, Kind: finding.TemplateChanged},
			[]string{"Other"}, true, true, nil, finding.TemplateRestored, true},
		{"failed", property, []string{"Role"}, false, false, errDenied, finding.CallFailed, false},
		{"obstacle", finding.Finding{ID: "1", Stack: "access", LogicalID: "Role", PhysicalID: "role", Type: typeRole,
			Kind: finding.NotReadable}, nil, false, false, nil, finding.NothingKnown, false},
		{"by calls", finding.Finding{ID: "1", Stack: "access", LogicalID: "Role", PhysicalID: "role", Type: typeRole,
			Kind: finding.InlinePolicyAdded}, nil, false, false, nil, "", false},
		{"another stack", finding.Finding{ID: "1", Stack: "other", LogicalID: "Role", Type: typeRole,
			Kind: finding.PropertyChanged}, nil, false, false, nil, "", false},
		{"by a person", finding.Finding{ID: "1", Stack: "access", Type: stackType, Kind: finding.TagsChanged}, nil, false,
			true, nil, "", false},
		{"of the stack, not by a person", finding.Finding{ID: "1", Stack: "access", Type: stackType,
			Kind: finding.TagsChanged}, nil, false, false, nil, finding.ByHand, false},
		{"deleted", finding.Finding{ID: "1", Stack: "access", LogicalID: "Role", PhysicalID: "role", Type: typeRole,
			Kind: finding.ResourceDeleted}, []string{"Role"}, false, false, nil, finding.Restored, true},
		{"deleted topic", finding.Finding{ID: "1", Stack: "access", LogicalID: "Topic", PhysicalID: unitTopic,
			Type: typeTopic,
			Kind: finding.ResourceDeleted}, []string{"Topic"}, false, false, nil, finding.TopicRecreated, true},
		{"changed topic", finding.Finding{ID: "1", Stack: "access", LogicalID: "Topic", PhysicalID: unitTopic,
			Type: typeTopic,
			Kind: finding.PropertyChanged}, []string{"Topic"}, false, false, nil, finding.Restored, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access := unitStack("backup"), unitStack("access").parameters(map[string]string{"ExternalId": "****"})
			access.part = installation.Access
			access.add(typeRole, "Role", "role", `{"Path":"/"}`)
			access.add(typeTopic, "Topic", unitTopic, `{}`)
			access.add(typeTopicInlinePolicy, "Policy", "p", `{"TopicArn":"`+unitTopic+`","PolicyDocument":`+everyoneTrust+`}`)
			api := &unitChangeSets{err: map[string]error{"create": tc.err}}
			for _, id := range tc.changes {
				api.changes = append(api.changes, resourceChange(id, "x", types.ChangeActionModify, types.ReplacementFalse))
			}
			cf := &unitCloudFormation{
				stacks: map[string]*types.Stack{access.id: access.described}, resources: []types.StackResourceSummary{{
					LogicalResourceId: aws.String("Topic"), PhysicalResourceId: aws.String(unitTopic),
					ResourceType: aws.String(typeTopic),
				}},
			}
			clients := Clients{ChangeSets: api, CloudFormation: cf, TopicPolicies: &unitSNS{}}
			if tc.operator {
				clients.Operator = &Operator{}
			}
			v := unitReverter(clients, parent, access)
			v.chosen, v.forged["access"] = unitChoices(t, nil), tc.forged
			v.outcomes["0"] = outcome{result: finding.PolicyDeleted}
			done := property
			done.ID = "0"
			v.byChangeSet(t.Context(), access, finding.Report{Findings: []finding.Finding{done, tc.f}})
			if got := v.outcomes["1"].result; got != tc.want || slices.Contains(api.calls, "execute") != tc.executed ||
				v.outcomes["0"].result != finding.PolicyDeleted {
				t.Errorf("got %q, %v after %q", got, v.outcomes["1"].err, api.calls)
			}
		})
	}
}

// TestRevertAfterObstacle checks that a finding that cannot be reverted does not keep the next one from it.
func TestRevertAfterObstacle(t *testing.T) {
	parent, access := unitStack("backup"), unitStack("access")
	access.part = installation.Access
	access.add(typeRole, "Role", "role", `{"Path":"/"}`)
	api := &unitChangeSets{changes: []types.Change{
		resourceChange("Role", "role", types.ChangeActionModify, types.ReplacementFalse),
	}}
	cf := &unitCloudFormation{stacks: map[string]*types.Stack{access.id: access.described}}
	v := unitReverter(Clients{ChangeSets: api, CloudFormation: cf}, parent, access)
	v.byChangeSet(t.Context(), access, finding.Report{Findings: []finding.Finding{
		{ID: "1", Stack: "access", LogicalID: "Role", Type: typeRole, Kind: finding.NotReadable},
		{ID: "2", Stack: "access", LogicalID: "Role", PhysicalID: "role", Type: typeRole, Kind: finding.PropertyChanged},
	}})
	if v.outcomes["1"].result != finding.NothingKnown || v.outcomes["2"].result != finding.Restored {
		t.Errorf("got %+v", v.outcomes)
	}
}
