package detect

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/fakeaws/simclock"
	"permstack/internal/installation"
	"permstack/internal/permissionstack"
)

// unitChoices are the choices of a launch with the access stack alone, or with both.
func unitChoices(t *testing.T, more map[string]any) *choices {
	t.Helper()
	raw := map[string]any{
		"ServiceToken": "t", "Profile": "clumio", "Assets": []any{"ec2"}, "Operations": []any{"backup"},
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/ControlPlane", "DataPlaneAccountId": "444455556666",
		"ExternalId": unknown, "ConnectionId": "main", "Path": "/permstack/", "CatalogVersion": "1",
	}
	for name, value := range more {
		if raw[name] = value; value == nil {
			delete(raw, name)
		}
	}
	c, err := synthesize("PermissionStack", raw, unitParent())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPermissionStacks checks which permission stacks are opened, and what is reported of those that should or should
// not exist.
func TestPermissionStacks(t *testing.T) {
	access, inventory := unitParent().StackName(installation.Access), unitParent().StackName(installation.Inventory)
	for _, tc := range []struct {
		name   string
		exists []string
		parts  []installation.Part // that are expected
		err    error
		want   map[string][]string
	}{
		{"as expected", []string{access, inventory}, installation.Parts, nil,
			map[string][]string{access: nil, inventory: nil}},
		{"none expected", nil, nil, nil, map[string][]string{}},
		{"deleted", []string{access}, installation.Parts, nil, map[string][]string{access: nil, inventory: {
			"resource-deleted grants-less: - → none"}}},
		{"not expected", []string{access, inventory}, []installation.Part{installation.Access}, nil,
			map[string][]string{access: nil, inventory: {"stack-added grants-more"}}},
		{"not readable", nil, installation.Parts, errDenied, map[string][]string{
			access:    {"not-readable [iam:GetRole] unreadable (access-denied)"},
			inventory: {"not-readable [iam:GetRole] unreadable (access-denied)"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const template = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
			chosen := &choices{logicalID: "PermissionStack", templates: map[installation.Part]permissionstack.Template{}}
			full := unitChoices(t, nil).templates[installation.Access]
			for _, part := range tc.parts {
				chosen.templates[part] = full
			}
			api := &unitCloudFormation{
				stacks: map[string]*types.Stack{}, templates: map[string]string{"": template},
				err: map[string]error{"DescribeStacks": tc.err},
			}
			for _, name := range tc.exists {
				api.stacks[name] = unitStack(name).described
				for key, value := range chosen.stackTags(unitParent()) {
					api.stacks[name].Tags = append(api.stacks[name].Tags, types.Tag{Key: &key, Value: &value})
				}
			}
			parent := settingsParent()
			got := map[string][]string{}
			for _, s := range unitCheck(api, nil).permissionStacks(t.Context(), unitParent(), parent, chosen) {
				got[s.name] = describeDrafts(s.drafts)
				if s.part == "" != (tc.err != nil) || len(s.drafts) > 0 && tc.name == "deleted" &&
					s.drafts[0].PhysicalID != s.name {
					t.Errorf("got the part %q of %s, id %s", s.part, s.name, s.drafts[0].PhysicalID)
				}
			}
			if len(got) != len(tc.want) {
				t.Errorf("got %v", got)
			}
			for name, want := range tc.want {
				if !slices.Equal(got[name], want) {
					t.Errorf("%s: got %q, want %q", name, got[name], want)
				}
			}
		})
	}
}

// TestOpenExpected checks when a permission stack in progress is checked nevertheless, and which tags are findings.
func TestOpenExpected(t *testing.T) {
	held := func(status string) []string {
		return []string{"stack-held [" + status + "] monitoring: - → " + status}
	}
	for _, tc := range []struct {
		name      string
		status    types.StackStatus
		began     int // seconds after the custom resource was complete
		now       int // seconds after that, too
		change    func(c *check, parent *stack, s *types.Stack)
		checked   bool // its resources are compared
		unstable  bool
		completed bool // the parent's custom resource, and that is known
		want      []string
	}{
		{"complete", types.StackStatusUpdateComplete, 0, 9, nil, true, false, true, nil},
		{"failed", types.StackStatusUpdateRollbackFailed, 0, 9, nil, true, false, true,
			[]string{"stack-failed [UPDATE_ROLLBACK_FAILED] monitoring: - → UPDATE_ROLLBACK_FAILED"}},
		{"not stable", types.StackStatusRollbackComplete, 0, 9, nil, true, true, true,
			[]string{"not-readable [ROLLBACK_COMPLETE] unreadable: - → ROLLBACK_COMPLETE (stack-not-stable)"}},
		{"in progress, parent too", types.StackStatusUpdateInProgress, 5, 5000, func(_ *check, parent *stack,
			_ *types.Stack) {
			parent.inProgress = true
		}, false, false, true, nil},
		{"in progress for 15 minutes", types.StackStatusUpdateInProgress, -5, 895, nil, false, false, true, nil},
		{"in progress for longer", types.StackStatusUpdateInProgress, -5, 896, nil, true, true, true,
			held("UPDATE_IN_PROGRESS")},
		{"began after the custom resource was complete", types.StackStatusUpdateInProgress, 1, 9, nil, true, true, true,
			held("UPDATE_IN_PROGRESS")},
		{"began while it was updated", types.StackStatusUpdateInProgress, 0, 9, nil, false, false, true, nil},
		{"not known when the custom resource was complete", types.StackStatusUpdateInProgress, 1, 9, nil, false, false, false,
			nil},
		{"began after that, but may be a revert", types.StackStatusUpdateInProgress, 1, 9,
			func(c *check, _ *stack, s *types.Stack) {
				c.o.WasOpen = func(name, id string) bool { return name == *s.StackName && id == "" }
			}, false, false, true, nil},
		{"began after that, and the parent was updated since", types.StackStatusUpdateInProgress, 1, 9,
			func(_ *check, parent *stack, _ *types.Stack) { parent.described.LastUpdatedTime = aws.Time(at(-7)) }, false, false,
			true, nil},
		{"began after that, and the parent is in progress now", types.StackStatusUpdateInProgress, 1, 9,
			func(c *check, _ *stack, _ *types.Stack) {
				c.clients.CloudFormation.(*unitCloudFormation).stacks["backup-now"].StackStatus = types.StackStatusUpdateInProgress
			}, false, false, true, nil},
		{"began after that, and the parent does not exist", types.StackStatusUpdateInProgress, 1, 9,
			func(c *check, _ *stack, _ *types.Stack) { c.clients.CloudFormation.(*unitCloudFormation).stacks = nil }, false,
			false, true, nil},
		{"began after that, and the parent cannot be read", types.StackStatusUpdateInProgress, 1, 9,
			func(c *check, _ *stack, _ *types.Stack) {
				c.clients.CloudFormation.(*unitCloudFormation).err["DescribeStacks"] = errBroken
			}, false, false, true, nil},
		{"tag missing", types.StackStatusUpdateComplete, 0, 9, func(_ *check, _ *stack,
			s *types.Stack) {
			s.Tags = s.Tags[:1]
		},
			true, false, true, []string{"tags-changed [permstack:resource] changed: PermissionStack → none"}},
		{"tag changed", types.StackStatusUpdateComplete, 0, 9,
			func(_ *check, _ *stack, s *types.Stack) { s.Tags[1].Value = aws.String("x") }, true, false, true,
			[]string{"tags-changed [permstack:resource] changed: PermissionStack → x"}},
		{"tag missing while in progress", types.StackStatusUpdateInProgress, -5, 9,
			func(_ *check, _ *stack, s *types.Stack) { s.Tags = nil }, false, false, true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			chosen := unitChoices(t, nil)
			s := unitStack(unitParent().StackName(installation.Access))
			s.described.StackStatus, s.described.LastUpdatedTime = tc.status, aws.Time(at(tc.began))
			for key, value := range map[string]string{
				installation.ParentTag: unitParent().ID, installation.ResourceTag: "PermissionStack",
			} {
				s.described.Tags = append(s.described.Tags, types.Tag{Key: &key, Value: &value})
			}
			slices.SortFunc(s.described.Tags, func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) })
			parent := settingsParent()
			now := *parent.described
			if r := parent.add(customResource, "PermissionStack", "p", `{}`); tc.completed {
				r.updated = at(0)
			}
			api := &unitCloudFormation{
				stacks: map[string]*types.Stack{parent.id: &now, "backup-now": &now}, err: map[string]error{},
				templates: map[string]string{"": string(chosen.templates[installation.Access].JSON())},
			}
			c := unitCheck(api, nil)
			c.o.Now = simclock.New(at(tc.now)).Now
			if tc.change != nil {
				tc.change(c, parent, s.described)
			}
			got := c.openExpected(t.Context(), unitParent(), parent, s.described, installation.Access, chosen)
			checkDrafts(t, got.drafts, tc.want...)
			if got.inProgress == tc.checked || got.unstable != tc.unstable || (got.template != nil) != tc.checked ||
				got.bound == nil {
				t.Errorf("in progress %v, unstable %v, read %v", got.inProgress, got.unstable, got.template != nil)
			}
		})
	}
}
