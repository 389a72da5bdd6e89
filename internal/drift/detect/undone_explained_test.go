package detect

import (
	"testing"
	"time"

	"permstack/internal/drift/changeevent"
	"permstack/internal/notify/finding"
)

// TestMadeByUpdate checks which calls CloudFormation made for an update of the parent: those from a minute before it
// began until an hour after.
func TestMadeByUpdate(t *testing.T) {
	e := func(source string, after time.Duration) changeevent.Event {
		return changeevent.Event{Time: unitNow.Add(after), Call: finding.Call{Source: source}}
	}
	const service = "cloudformation.amazonaws.com"
	for _, tc := range []struct {
		name string
		e    changeevent.Event
		want bool
	}{
		{"in time", e(service, time.Minute), true}, {"by somebody else", e("192.0.2.1", time.Minute), false},
		{"a minute before", e(service, -time.Minute), true}, {"too early", e(service, -time.Minute-time.Second), false},
		{"an hour after", e(service, time.Hour), false}, {"just within the hour", e(service, time.Hour-time.Second), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent := unitStack("backup") // created, and never updated
			m := unitModel(parent)
			if got := m.madeByUpdate(tc.e); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			updated := unitNow.Add(-2 * time.Hour)
			parent.described.LastUpdatedTime = &updated
			if m.madeByUpdate(tc.e) {
				t.Error("it is of an update that is long ago")
			}
			m.installation = nil
			if m.madeByUpdate(tc.e) {
				t.Error("there is no installation")
			}
		})
	}
}

// TestConcerns checks which findings are about a resource.
func TestConcerns(t *testing.T) {
	r := unitStack("access").add(typeRole, "Role", "role", `{}`)
	for _, tc := range []struct {
		name string
		f    finding.Finding
		want bool
	}{
		{"of the resource", finding.Finding{Stack: "access", LogicalID: "Role"}, true},
		{"of another stack", finding.Finding{Stack: "backup", LogicalID: "Role"}, false},
		{"of another resource", finding.Finding{Stack: "access", LogicalID: "Other", PhysicalID: "other"}, false},
		{"of a resource beside it", finding.Finding{Stack: "access", LogicalID: "Other", PhysicalID: "role"}, true},
		{"of the stack", finding.Finding{Stack: "access", Direction: finding.GrantsMore}, false},
		{"of a stack that cannot be read", finding.Finding{Stack: "access", Direction: finding.Unreadable}, true},
		{"of another resource that cannot be read",
			finding.Finding{Stack: "access", LogicalID: "Other", Direction: finding.Unreadable}, false},
		{"of a choice", finding.Finding{Stack: "access", LogicalID: "Role", Kind: finding.ChoiceChanged}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := concerns(tc.f, r); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// TestExplains checks which open findings explain a call: a small difference hides no other change of the resource.
func TestExplains(t *testing.T) {
	put := unitEvent("iam:PutRolePolicy", "role", `{"policyName":"theirs"}`)
	attach := unitEvent("iam:AttachRolePolicy", "role", `{"policyArn":"a"}`)
	for _, tc := range []struct {
		name string
		e    changeevent.Event
		f    finding.Finding
		want bool
	}{
		{"unreadable", put, finding.Finding{Kind: finding.NotReadable, Direction: finding.Unreadable}, true},
		{"deleted", put, finding.Finding{Kind: finding.ResourceDeleted}, true},
		{"another role", put, finding.Finding{Kind: finding.RoleIdentityChanged}, true},
		{"policy", put, finding.Finding{Kind: finding.InlinePolicyAdded, Subject: "theirs"}, true},
		{"another policy", put, finding.Finding{Kind: finding.InlinePolicyAdded, Subject: "other"}, false},
		{"another kind", put, finding.Finding{Kind: finding.TagsChanged, Subject: "theirs"}, false},
		{"attachment", attach, finding.Finding{Kind: finding.AttachmentAdded, Subject: "a"}, true},
		{"another attachment", attach, finding.Finding{Kind: finding.AttachmentAdded, Subject: "b"}, false},
		{"removed attachment", attach, finding.Finding{Kind: finding.AttachmentRemoved, Subject: "a"}, true},
		{"another removed attachment", attach, finding.Finding{Kind: finding.AttachmentRemoved, Subject: "b"}, false},
		{"attached elsewhere", attach, finding.Finding{Kind: finding.AttachedElsewhere, Subject: "b"}, true},
		{"another service", unitEvent("sns:Subscribe", "t", `{}`), finding.Finding{Kind: finding.SubscriptionAdded}, true},
		{"tags, another service", unitEvent("sns:Subscribe", "t", `{}`), finding.Finding{Kind: finding.TagsChanged}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := explains(tc.f, tc.e); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
