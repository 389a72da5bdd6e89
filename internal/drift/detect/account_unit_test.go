package detect

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/fakeaws/simclock"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/permissionstack/properties"
)

// unitCheck returns a check with clients that answer from memory.
func unitCheck(cloudFormation *unitCloudFormation, identity *unitIAM) *check {
	clock := simclock.New(unitNow)
	o := Options{Now: clock.Now, Sleep: clock.Sleep}.withDefaults()
	return &check{reader: newReader(Clients{CloudFormation: cloudFormation, IAM: identity}, o), o: o}
}

// TestListStacks checks that all pages are read, and deleted stacks alone are left out.
func TestListStacks(t *testing.T) {
	summary := func(name string) types.StackSummary {
		return types.StackSummary{StackName: &name, StackId: aws.String(stackARN(name, unitUUID))}
	}
	api := &unitCloudFormation{summaries: []types.StackSummary{summary("a"), summary("b"), summary("c")}}
	c := unitCheck(api, nil)
	names, err := c.listStacks(t.Context())
	if err != nil || !slices.Equal(sorted(names), []string{"a", "b", "c"}) || names["b"] != stackARN("b", unitUUID) {
		t.Errorf("got %q, %v", names, err)
	}
	for _, status := range types.StackStatus("").Values() {
		if slices.Contains(api.filter, status) != (status != types.StackStatusDeleteComplete) {
			t.Errorf("status %s: listed with %v", status, api.filter)
		}
	}
	api.err = map[string]error{"ListStacks": errBroken}
	if _, err := c.listStacks(t.Context()); err == nil {
		t.Error("an error of ListStacks is not returned")
	}
}

// accountStacks are the stacks of an account with two installations, by name.
func accountStacks(more ...string) map[string]string {
	out := map[string]string{"backup": unitParent().ID, "other": stackARN("other", otherUUID), "web": stackARN("web", "1")}
	other, _ := installation.ParseParent(out["other"])
	for _, name := range slices.Concat(unitParent().StackNames(), other.StackNames(), more) {
		out[name] = stackARN(name, "2")
	}
	return out
}

// TestAddedStacks checks which stacks are findings: those with the UUID of the parent in the names that are none of its
// permission stacks, unless they are of another installation.
func TestAddedStacks(t *testing.T) {
	marker := unitParent().StackMarker()
	// A parent whose name contains the marker, with permission stacks of its own.
	confusing := "x" + marker + "y"
	confusingID := stackARN(confusing, otherUUID)
	confusingParent, err := installation.ParseParent(confusingID)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		names map[string]string
		want  []string
	}{
		{"none", accountStacks(), nil},
		{"added", accountStacks("theirs" + marker + "extra"),
			[]string{"stack-added [theirs" + marker + "extra] grants-more"}},
		{"another parent and its stacks", func() map[string]string {
			out := accountStacks()
			out[confusing] = confusingID
			for _, name := range confusingParent.StackNames() {
				out[name] = stackARN(name, "3")
			}
			return out
		}(), nil},
		{"a parent without permission stacks", func() map[string]string {
			out := accountStacks()
			out[confusing] = confusingID
			return out
		}(), []string{"stack-added [" + confusing + "] grants-more"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := unitCheck(nil, nil)
			got := c.addedStacks(unitParent(), unitStack("backup"), tc.names)
			checkDrafts(t, got, tc.want...)
			for _, d := range got {
				if d.PhysicalID != tc.names[d.Subject] {
					t.Errorf("got the id %s of %s", d.PhysicalID, d.Subject)
				}
			}
		})
	}
}

// TestRoleOfInstallation checks which roles under the path belong to an installation.
func TestRoleOfInstallation(t *testing.T) {
	own, access := unitStack("backup"), unitStack(unitParent().StackName(installation.Access))
	const byCloudFormation, byUs = "aws:cloudformation:stack-id", installation.ParentTag
	names := accountStacks()
	for _, tc := range []struct {
		name string
		role livestate.RoleSettings
		want bool
	}{
		{"of a permission stack", livestate.RoleSettings{Tags: map[string]string{byCloudFormation: access.id}}, true},
		{"of the parent", livestate.RoleSettings{Tags: map[string]string{byCloudFormation: own.id}}, true},
		{"with a tag that anybody can set",
			livestate.RoleSettings{Tags: map[string]string{byUs: own.id}}, false},
		{"of another installation", livestate.RoleSettings{Tags: map[string]string{byUs: names["other"]}}, true},
		{"of another installation, by CloudFormation",
			livestate.RoleSettings{Tags: map[string]string{byCloudFormation: names["other"]}}, true},
		{"of an installation that does not exist",
			livestate.RoleSettings{Tags: map[string]string{byUs: stackARN("gone", otherUUID)}}, false},
		{"with a tag that anybody can set to a permission stack",
			livestate.RoleSettings{Tags: map[string]string{byUs: names[access.name]}}, false},
		{"of a stack that was created again",
			livestate.RoleSettings{Tags: map[string]string{byUs: stackARN("other", unitUUID)}}, false},
		{"of another stack", livestate.RoleSettings{Tags: map[string]string{byCloudFormation: names["web"]}}, false},
		{"with a tag that is no stack", livestate.RoleSettings{Tags: map[string]string{byUs: "theirs"}}, false},
		{"without tags", livestate.RoleSettings{Name: "other-StackRole-1", Path: "/permstack/"}, false},
		{"of another parent, by its name",
			livestate.RoleSettings{Name: "other-StackRole-1", Path: "/permstack/us-east-1/main/installer/"}, true},
		{"with a name like that of another parent",
			livestate.RoleSettings{Name: "others-StackRole-1", Path: "/permstack/us-east-1/main/installer/"}, false},
		{"named after this parent",
			livestate.RoleSettings{Name: "backup-StackRole-1", Path: "/permstack/us-east-1/main/installer/"}, false},
		{"named after a stack without permission stacks",
			livestate.RoleSettings{Name: "web-StackRole-1", Path: "/permstack/us-east-1/main/installer/"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := unitCheck(nil, nil)
			if got := c.ofInstallation(tc.role, unitParent(), []*stack{own, access}, names); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	t.Run("long name of another parent", func(t *testing.T) {
		const long = "a-parent-with-a-long-name" // 25 characters
		names := map[string]string{long: stackARN(long, otherUUID)}
		parent, _ := installation.ParseParent(names[long])
		names[parent.StackName(installation.Access)] = "x"
		for name, want := range map[string]bool{"a-parent-with-a-long-nam-Role-1": true, long + "-Role-1": false} {
			if got := namedAfterParent(livestate.RoleSettings{Name: name}, unitParent(), names); got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
	})
}

// TestCheckAccount checks what is reported of the account: added roles, and what cannot be read.
func TestCheckAccount(t *testing.T) {
	role := func(name string) iamtypes.Role {
		return iamtypes.Role{
			RoleName: &name, Arn: aws.String("arn:aws:iam::123456789012:role/" + name), RoleId: aws.String("AROA" + name),
			Path: aws.String("/permstack/"), CreateDate: &unitNow, AssumeRolePolicyDocument: aws.String(`{"Statement":[]}`),
		}
	}
	for _, tc := range []struct {
		name  string
		err   map[string]error // of IAM
		stack error            // of ListStacks
		want  []string
	}{
		{"added role", nil, nil, []string{"role-added [Added] grants-more: - → document"}},
		{"role that was deleted meanwhile", map[string]error{"GetRole Added": errMissing}, nil, nil},
		{"role after the deadline", map[string]error{"GetRole Added": context.DeadlineExceeded}, nil, nil},
		{"role that cannot be read", map[string]error{"GetRole Added": errDenied}, nil,
			[]string{"not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"roles that cannot be listed",
			map[string]error{"ListRoles": apiError("IAM", "ListRoles", "ServiceFailure", "broken")}, nil,
			[]string{"not-readable [iam:ListRoles] unreadable (read-failed)"}},
		{"stacks that cannot be listed", nil, apiError("CloudFormation", "ListStacks", "InternalFailure", "broken"),
			[]string{"not-readable [cloudformation:ListStacks] unreadable (read-failed)"}},
		{"stacks after the deadline", nil, context.DeadlineExceeded, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			own := unitStack("backup")
			own.add(typeRole, "Role", "Declared", `{}`)
			forged := unitStack("forged")
			forged.add(typeRole, "Role", "Forged", `{}`)
			m := unitModel(own)
			m.deployed = unitModel(forged)
			api := &unitCloudFormation{}
			if tc.stack != nil {
				api.err = map[string]error{"ListStacks": tc.stack}
			}
			identity := &unitIAM{err: maps.Clone(tc.err), roles: []iamtypes.Role{
				role("Declared"), role("Forged"), role("OfStack"), role("Added"),
			}}
			identity.roles[2].Tags = []iamtypes.Tag{
				{Key: aws.String("aws:cloudformation:stack-id"), Value: &own.id},
			}
			c := unitCheck(api, identity)
			c.chosen = &choices{properties: properties.Properties{}}
			got := c.checkAccount(t.Context(), unitParent(), []*stack{own}, m)
			checkDrafts(t, got, tc.want...)
			for _, d := range got {
				if d.Kind == finding.RoleAdded && (d.PhysicalID != *role("Added").Arn || d.values[0] != "AROAAdded") {
					t.Errorf("got %+v", d)
				}
			}
		})
	}
}
