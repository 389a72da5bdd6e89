package detect

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/notify/finding"
	"permstack/internal/permissionstack/properties"
)

const requiringID = `{"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":"*",` +
	`"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"` + externalIDPlaceholder + `"}}}]}}`

// at is a time of the tests.
func at(seconds int) time.Time { return unitNow.Add(time.Duration(seconds) * time.Second) }

// TestExternalIDChoice checks the choice that shows when the external id was set: the last change of a role that
// requires it, and what is declared.
func TestExternalIDChoice(t *testing.T) {
	const before = "of 2026-11-27T11:00:00.000Z" + finding.DeclarationSeparator + "0123"
	for _, tc := range []struct {
		name      string
		change    func(c *check, s *stack)
		previous  string
		known     bool
		value     string // the beginning
		explained bool
	}{
		{"two roles", nil, "", true, "of 2026-11-27T12:00:05.000Z, template ", false},
		{"no role requires it", func(_ *check, s *stack) { s.resources = s.resources[:1] }, before, false, "", false},
		{"stack in progress", func(_ *check, s *stack) { s.inProgress = true }, before, true, before, false},
		{"stack in progress for the first time", func(_ *check, s *stack) { s.inProgress = true }, "", false, "", false},
		{"time that is not known", func(_ *check, s *stack) { s.resources[1].updated = time.Time{} }, before, true, before,
			false},
		{"declaration that is not JSON", func(_ *check, s *stack) { s.resources[1].props["X"] = func() {} }, before, false,
			"", false},
		{"first role was open", func(c *check, _ *stack) {
			c.o.WasOpen = func(stack, id string) bool { return stack == "access" && id == "First" }
		}, "", true, "of 2026-11-27T12:00:05.000Z, template ", true},
		{"second role was open", func(c *check, _ *stack) {
			c.o.WasOpen = func(stack, id string) bool { return stack == "access" && id == "Second" }
		}, "", true, "of 2026-11-27T12:00:05.000Z, template ", true},
		{"rolled back", func(c *check, _ *stack) {
			c.clients.CloudFormation.(*unitCloudFormation).events = rolledBackEvents(unitStack("backup"), unitStack("access"))
		}, before, true, "of 2026-11-27T12:00:05.000Z, template ", true},
		{"rolled back, and the role is as in the previous check", func(c *check, s *stack) {
			s.resources[1].updated = at(1)
			c.clients.CloudFormation.(*unitCloudFormation).events = rolledBackEvents(unitStack("backup"), unitStack("access"))
		}, "of 2026-11-27T12:00:01.000Z, template x", true, "of 2026-11-27T12:00:01.000Z, template ", false},
		{"previous value that is no time", func(c *check, _ *stack) {
			list := rolledBackEvents(unitStack("backup"), unitStack("access"))
			c.clients.CloudFormation.(*unitCloudFormation).events = list[:len(list)-1]
		}, "x", true, "of 2026-11-27T12:00:05.000Z, template ", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access := unitStack("backup"), unitStack("access")
			access.add(typeRole, "Without", "w", vendorTrustProperty).updated = at(90)
			access.add(typeRole, "First", "f", requiringID).updated = at(5)
			access.add("AWS::SNS::Topic", "Topic", "t", requiringID).updated = at(90)
			access.add(typeRole, "Second", "s", requiringID).updated = at(1)
			api := &unitCloudFormation{}
			c := unitCheck(api, nil)
			c.chosen = &choices{properties: properties.Properties{}}
			c.o.Previous = func(string) string { return tc.previous }
			if tc.change != nil {
				tc.change(c, access)
			}
			got, known := c.externalIDChoice(t.Context(), unitParent(), []*stack{parent, access})
			if known != tc.known || !strings.HasPrefix(got.Value, tc.value) || tc.value == "" && got.Value != "" ||
				got.Explained != tc.explained || got.Name != finding.ExternalIDChoice {
				t.Errorf("got %+v, known %v", got, known)
			}
			if strings.HasSuffix(tc.value, "template ") && len(got.Changes) != 2 {
				t.Errorf("got the changes %q", got.Changes)
			}
		})
	}
	if since, ok := externalIDSince(before); !ok || !since.Equal(unitNow.Add(-time.Hour)) {
		t.Errorf("got %s, %v", since, ok)
	}
}

const vendorTrustProperty = `{"AssumeRolePolicyDocument":` + vendorTrust + `}`

// stackEvent is an event of a resource of a stack, or of the stack itself.
func stackEvent(s *stack, seconds int, typ, logicalID, status, properties, token string) types.StackEvent {
	return types.StackEvent{
		StackId: &s.id, Timestamp: aws.Time(at(seconds)), ResourceType: &typ, LogicalResourceId: &logicalID,
		ResourceStatus: types.ResourceStatus(status), ResourceProperties: &properties, ClientRequestToken: &token,
	}
}

// rolledBackEvents are those of an update of the parent that was rolled back, the newest first.
func rolledBackEvents(parent, access *stack) []types.StackEvent {
	const token = provisionerTokens + "1"
	return []types.StackEvent{
		stackEvent(parent, 12, stackType, "backup", "UPDATE_ROLLBACK_COMPLETE", "", ""),
		stackEvent(access, 11, stackType, "access", "UPDATE_COMPLETE", "", token),
		stackEvent(parent, 10, customResource, "Access", "UPDATE_COMPLETE", "", ""),
		stackEvent(access, 9, typeRole, "Second", "UPDATE_COMPLETE", "old", token),
		stackEvent(access, 9, typeRole, "First", "UPDATE_COMPLETE", "old", token),
		stackEvent(access, 8, stackType, "access", "UPDATE_IN_PROGRESS", "", token),
		stackEvent(parent, 7, customResource, "Access", "UPDATE_IN_PROGRESS", "", ""),
		stackEvent(parent, 6, stackType, "backup", "UPDATE_ROLLBACK_IN_PROGRESS", "", ""),
		stackEvent(parent, 5, customResource, "Access", "UPDATE_COMPLETE", "", ""),
		stackEvent(access, 4, typeRole, "Second", "UPDATE_COMPLETE", "new", token),
		stackEvent(access, 4, typeRole, "First", "UPDATE_FAILED", "new", token),
		stackEvent(access, 3, stackType, "access", "UPDATE_IN_PROGRESS", "", token),
		stackEvent(parent, 3, customResource, "Access", "UPDATE_IN_PROGRESS", "", ""),
		stackEvent(parent, 2, customResource, "Access", "UPDATE_IN_PROGRESS", "", ""),
		stackEvent(parent, 1, stackType, "backup", "UPDATE_IN_PROGRESS", "", ""),
		stackEvent(access, -7200, stackType, "access", "UPDATE_IN_PROGRESS", "", "theirs"),
	}
}

// TestRolledBackUpdates checks when rolled back updates of the parent explain that the roles were written: not
// if anybody else updated the stack, or if an update changed the external id alone.
func TestRolledBackUpdates(t *testing.T) {
	parent, access := unitStack("backup"), unitStack("access")
	edit := func(change func(list []types.StackEvent) []types.StackEvent) []types.StackEvent {
		return change(rolledBackEvents(parent, access))
	}
	with := func(extra types.StackEvent) []types.StackEvent {
		return edit(func(list []types.StackEvent) []types.StackEvent {
			list = append(list, extra)
			slices.SortStableFunc(list, func(a, b types.StackEvent) int { return b.Timestamp.Compare(*a.Timestamp) })
			return list
		})
	}
	properties := func(text string) []types.StackEvent {
		return edit(func(list []types.StackEvent) []types.StackEvent {
			for i := range list {
				if *list[i].LogicalResourceId == "First" {
					list[i].ResourceProperties = &text
				}
			}
			return list
		})
	}
	for _, tc := range []struct {
		name   string
		events []types.StackEvent
		err    error
		roles  []string
		want   bool
	}{
		{"rolled back", rolledBackEvents(parent, access), nil, []string{"First", "Second"}, true},
		{"the role is as it was, so its external id was replaced", properties("old"), nil, []string{"First", "Second"},
			false},
		{"no role was written", rolledBackEvents(parent, access), nil, []string{"Other"}, false},
		{"one write alone", edit(func(list []types.StackEvent) []types.StackEvent {
			return slices.DeleteFunc(list, func(e types.StackEvent) bool {
				return *e.LogicalResourceId == "First" && e.ResourceStatus == "UPDATE_FAILED"
			})
		}), nil, []string{"First"}, false},
		{"an update by somebody else meanwhile",
			with(stackEvent(access, 4, stackType, "access", "UPDATE_IN_PROGRESS", "", "theirs")), nil, []string{"First"}, false},
		{"a rollback of somebody else meanwhile",
			with(stackEvent(access, 4, stackType, "access", "UPDATE_ROLLBACK_IN_PROGRESS", "", "theirs")), nil,
			[]string{"First"}, false},
		{"an update with the provisioner's token afterwards",
			with(stackEvent(access, 20, stackType, "access", "UPDATE_IN_PROGRESS", "", provisionerTokens+"2")), nil,
			[]string{"First"}, false},
		{"the end of an operation afterwards",
			with(stackEvent(access, 20, stackType, "access", "UPDATE_COMPLETE", "", "theirs")), nil, []string{"First"}, true},
		{"a write of the role afterwards",
			with(stackEvent(access, 20, typeRole, "First", "UPDATE_COMPLETE", "x", "")), nil, []string{"First"}, false},
		{"the beginning of a write afterwards",
			with(stackEvent(access, 20, typeRole, "First", "UPDATE_IN_PROGRESS", "x", "")), nil, []string{"First"}, true},
		{"a write of another resource afterwards",
			with(stackEvent(access, 20, typeRole, "Other", "UPDATE_COMPLETE", "x", "")), nil, []string{"First"}, true},
		{"a write at the beginning of the span",
			with(stackEvent(access, 2, typeRole, "First", "UPDATE_COMPLETE", "x", "")), nil, []string{"First"}, true},
		{"a write at the end of the span",
			with(stackEvent(access, 10, typeRole, "First", "UPDATE_COMPLETE", "x", "")), nil, []string{"First"}, true},
		{"a write between the spans",
			with(stackEvent(access, 6, typeRole, "First", "UPDATE_COMPLETE", "x", "")), nil, []string{"First"}, false},
		{"the update was completed",
			edit(func(list []types.StackEvent) []types.StackEvent {
				list[0].ResourceStatus = "UPDATE_COMPLETE"
				return list
			}), nil, []string{"First"}, false},
		{"events that cannot be read", rolledBackEvents(parent, access), errBroken, []string{"First"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api := &unitCloudFormation{events: tc.events, err: map[string]error{"DescribeStackEvents": tc.err}}
			got := unitCheck(api, nil).madeByRolledBackUpdates(t.Context(), parent, access, tc.roles, at(0))
			if got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	t.Run("events of the parent that cannot be read", func(t *testing.T) {
		api := &unitCloudFormation{events: rolledBackEvents(parent, access)}
		api.on = func(string) {
			if len(api.calls) > 11 { // those of the access stack are read
				api.err = map[string]error{"DescribeStackEvents": errBroken}
			}
		}
		if unitCheck(api, nil).madeByRolledBackUpdates(t.Context(), parent, access, []string{"First"}, at(0)) {
			t.Error("it is explained by events that were not read")
		}
	})
}

// TestRolledBackSpans checks the times in which updates that were rolled back changed the custom resource.
func TestRolledBackSpans(t *testing.T) {
	parent := unitStack("backup")
	stackAt := func(seconds int, status string) types.StackEvent {
		return stackEvent(parent, seconds, stackType, "backup", status, "", "")
	}
	resourceAt := func(seconds int, status string) types.StackEvent {
		return stackEvent(parent, seconds, customResource, "Access", status, "", "")
	}
	for _, tc := range []struct {
		name   string
		events []types.StackEvent
		want   []span
	}{
		{"completed, then rolled back", []types.StackEvent{
			stackAt(1, "UPDATE_IN_PROGRESS"), resourceAt(2, "UPDATE_IN_PROGRESS"), resourceAt(3, "UPDATE_COMPLETE"),
			stackAt(4, "UPDATE_COMPLETE"),
			stackAt(5, "UPDATE_IN_PROGRESS"), resourceAt(6, "UPDATE_IN_PROGRESS"), resourceAt(7, "UPDATE_IN_PROGRESS"),
			resourceAt(8, "UPDATE_FAILED"), stackAt(9, "UPDATE_ROLLBACK_COMPLETE"),
		}, []span{{at(6), at(8)}}},
		{"not completed, and another update", []types.StackEvent{
			resourceAt(2, "UPDATE_IN_PROGRESS"), stackAt(3, "UPDATE_IN_PROGRESS"), resourceAt(4, "UPDATE_COMPLETE"),
			stackAt(5, "UPDATE_ROLLBACK_COMPLETE"),
		}, nil},
		{"two that were rolled back", []types.StackEvent{
			resourceAt(1, "UPDATE_IN_PROGRESS"), resourceAt(2, "UPDATE_COMPLETE"), stackAt(3, "UPDATE_ROLLBACK_COMPLETE"),
			resourceAt(4, "UPDATE_IN_PROGRESS"), resourceAt(5, "UPDATE_COMPLETE"), stackAt(6, "UPDATE_ROLLBACK_COMPLETE"),
		}, []span{{at(1), at(2)}, {at(4), at(5)}}},
		{"end without a beginning", []types.StackEvent{
			resourceAt(2, "UPDATE_COMPLETE"), stackAt(3, "UPDATE_ROLLBACK_COMPLETE"),
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := rolledBackSpans(tc.events); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// TestStackEvents checks which events of a stack are read: those after a time, the oldest first, and not too many.
func TestStackEvents(t *testing.T) {
	s := unitStack("access")
	read := func(n int, since time.Time) ([]types.StackEvent, error) {
		api := &unitCloudFormation{}
		for i := range n {
			api.events = append(api.events, stackEvent(s, n-i, typeRole, "R", "", "", ""))
		}
		return unitCheck(api, nil).stackEvents(t.Context(), s.id, since)
	}
	for _, tc := range []struct {
		name         string
		events       int
		since        int
		first, count int
	}{{"all", 3, 0, 1, 3}, {"after a time", 3, 2, 3, 1}, {"none", 0, 0, 0, 0}, {"as many as are read", 20, 0, 1, 20}} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := read(tc.events, at(tc.since))
			if err != nil || len(got) != tc.count || tc.count > 0 && !got[0].Timestamp.Equal(at(tc.first)) {
				t.Errorf("got %d events, %v", len(got), err)
			}
		})
	}
	if _, err := read(21, at(0)); err == nil {
		t.Error("more events than are read are not an error")
	}
}
