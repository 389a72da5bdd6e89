package announcement_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"permstack/internal/fakeaws"
	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/provisioner"
	"permstack/internal/provisioner/announcement"
)

const (
	externalID = "external-id-that-is-never-sent"
	parent     = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f"
)

var monday = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

func set(t *testing.T, edit func(*policies.Selection, *policies.Environment)) *policies.Set {
	t.Helper()
	s := policies.Selection{Profile: "clumio", Assets: []schema.Asset{"ec2"}}
	e := policies.Environment{
		Partition: "aws", Account: "123456789012", Region: "eu-central-1", Path: policies.DefaultPath,
		ControlPlaneRoleARN: "arn:aws:iam::210987654321:role/Control", DataPlaneAccountID: "333333333333",
		ExternalID: externalID, ConnectionID: "main",
	}
	if edit != nil {
		edit(&s, &e)
	}
	out, err := policies.Synthesize(s, e)
	if err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestDifference(t *testing.T) {
	base := set(t, nil)
	if got := announcement.Changes(base, set(t, nil)); len(got) != 0 {
		t.Errorf("the same: %+v", got)
	}
	less := set(t, func(s *policies.Selection, _ *policies.Environment) { s.Operations = []schema.Operation{"backup"} })
	for _, tc := range []struct {
		name          string
		before, after *policies.Set
		direction     finding.Direction
		want          []string // What, Name, "+" or "-" for actions, and Event
	}{
		{"restore removed", base, less, finding.GrantsLess, []string{"policy ClumioEC2RestorePolicy - deleted"}},
		{"restore added", less, base, finding.GrantsMore, []string{"policy ClumioEC2RestorePolicy + new"}},
		{"another external id", base, set(t, func(_ *policies.Selection,
			e *policies.Environment) {
			e.ExternalID = "another"
		}), finding.Changed, []string{"trust   changed"}},
		{"assets added", base, set(t, func(s *policies.Selection, _ *policies.Environment) {
			s.Assets = append(s.Assets, "dynamodb", "s3")
		}), finding.GrantsMore, []string{
			"rule   new", "rule   new", "policy ClumioBaseManagedPolicy + ", "policy ClumioDriftDetectPolicy  changed",
			"policy ClumioDynamoDbBackupPolicy + new", "policy ClumioDynamoDbRestorePolicy + new",
			"policy ClumioInventoryPolicy + ", "policy ClumioKMSPolicy  changed",
			"policy ClumioS3BackupPolicy + new", "policy ClumioS3RestorePolicy + new", "rule   new", "trust   new",
			"policy ClumioS3ContinuousBackupEventBridgePolicy + new",
		}},
		{"boundary added", base, set(t, func(_ *policies.Selection, e *policies.Environment) {
			e.PermissionsBoundaryARN = "arn:aws:iam::123456789012:policy/Boundary"
		}), finding.Changed, []string{"boundary   new"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			changes := announcement.Changes(tc.before, tc.after)
			for _, c := range changes {
				sign := ""
				if len(c.Added) > 0 {
					sign = "+"
				}
				if len(c.Removed) > 0 {
					sign += "-"
				}
				got = append(got, string(c.What)+" "+c.Name+" "+sign+" "+string(c.Event))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.name, diff)
			}
			m := notify.AccessMessage(
				notify.Origin{
					StackID: parent,
					Stack:   "backup",
					Account: "123456789012",
					Region:  "eu-central-1",
					Profile: "clumio",
				},
				notify.Altered,
				notify.Access{Changes: changes},
				monday,
			)
			if m.Direction != tc.direction {
				t.Errorf("%s, want %s", m.Direction, tc.direction)
			}
		})
	}
}

// TestPolicies checks an action that another one replaces, and a policy after one that is not announced.
func TestPolicies(t *testing.T) {
	role := func(action string) *policies.Set {
		document := func(action string) iampolicy.Document {
			return iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
				Effect: "Allow", Action: iampolicy.Values{action}, Resource: iampolicy.Values{"*"},
			}}}
		}
		return &policies.Set{Roles: []policies.Role{{Name: "role", Inline: []policies.Policy{
			{Entity: policies.GuardPolicy, Document: document("guard:" + action)},
			{Entity: "Backup", Document: document("ec2:" + action)},
		}}}}
	}
	want := []notify.AccessChange{{
		What: notify.PolicyPart, Of: "role", Name: "Backup", Added: []string{"ec2:B"}, Removed: []string{"ec2:A"},
	}}
	if diff := cmp.Diff(want, announcement.Changes(role("A"), role("B"))); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// TestAnnouncer checks the message of every kind of event, and that none contains a secret.
func TestAnnouncer(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	client := sns.NewFromConfig(cloud.Config("123456789012", "eu-central-1"))
	topic, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("alerts")})
	if err != nil {
		t.Fatal(err)
	}
	p, err := installation.ParseParent(parent)
	if err != nil {
		t.Fatal(err)
	}
	a := &announcement.Announcer{Sender: notify.Sender{Client: client, TopicARN: *topic.TopicArn}}
	less := set(t, func(s *policies.Selection, _ *policies.Environment) { s.Operations = []schema.Operation{"backup"} })
	for i, tc := range []struct {
		announcement provisioner.Announcement
		subject      string
		text         string
	}{
		{provisioner.Announcement{Event: cfn.RequestCreate, After: set(t, nil)},
			"permstack: access granted: 90 actions added, 0 removed", "+ ec2:RunInstances"},
		{provisioner.Announcement{Event: cfn.RequestUpdate, Before: set(t, nil), After: less},
			"permstack: access changed: 0 actions added", "- ec2:RunInstances"},
		{provisioner.Announcement{Event: cfn.RequestDelete, Before: less}, "permstack: access removed: 74 actions",
			"no longer has access"},
		{provisioner.Announcement{Event: cfn.RequestDelete}, "permstack: access removed - backup", "no longer has access"},
	} {
		t.Run(tc.subject, func(t *testing.T) {
			tc.announcement.Parent = p
			if err := a.Announce(t.Context(), tc.announcement); err != nil {
				t.Fatal(err)
			}
			sent := cloud.SNS().Messages("")
			m := sent[len(sent)-1]
			if len(sent) != i+1 || !strings.HasPrefix(m.Subject, tc.subject) || !strings.Contains(m.Body, tc.text) {
				t.Errorf("%d: %q\n%.1500s", i, m.Subject, m.Body)
			}
			if strings.Contains(m.Body+m.Subject, externalID) {
				t.Errorf("%d: the message contains the external id", i)
			}
		})
	}
}
