package permstack_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
)

// TestRollOutOfScopeAndWindow rolls a narrowed choice of backups out with a stack set, opens a restore window for all
// accounts by an update of the set, and lets an account join after the window has ended.
func TestRollOutOfScopeAndWindow(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	t.Parallel()
	const prefix, region = "example-releases", "us-east-1"
	cloud := fakeawstest.Start(t, fakeawstest.Options{})
	organization := cloud.NewOrganization("999999999999", region)
	unit := organization.CreateUnit(organization.Root, "production")
	outside := organization.CreateUnit(organization.Root, "outside")
	organization.Join("111111111111", unit)
	organization.Join("222222222222", outside)
	putRelease(t, organization, prefix, region)

	parameters := map[string]string{
		"OrganizationalUnitIds": unit, "Regions": region, "CodeBucketPrefix": prefix, "ProtectEC2": "no",
		"ProtectS3": "yes", "AllowRestore": "no", "OnlyBuckets": "reports,logs-*", "OnlyRegions": region,
		"ControlPlaneRoleArn": fakeawstest.ControlPlaneARN, "ExternalId": fakeawstest.ExternalID, "ConnectionId": "org",
		"DataPlaneAccountId": "444455556666",
	}
	admin := organization.Launch(fakeawstest.Launch{
		Name: "permstack", Template: read(t, "templates/clumio-stackset.yaml"), Parameters: parameters,
	})
	setWindow := func(until string) {
		t.Helper()
		parameters["RestoreUntil"] = until
		admin.Update(parameters)
	}
	want := map[string]string{"111111111111 " + region: "CURRENT"}
	requireInstances := func() {
		t.Helper()
		if got := organization.StackSetInstances("permstack"); !maps.Equal(got, want) {
			t.Fatalf("got instances %v, want %v", got, want)
		}
	}
	policies := func(account string) string {
		t.Helper()
		stack := memberStack(t, cloud.In(account, region))
		role, found := cloud.IAM().Lookup(account, stack.RoleName())
		if !found {
			t.Fatalf("account %s has no role", account)
		}
		return strings.Join(role.Policies, "\n")
	}
	requireInstances()
	text := policies("111111111111")
	if !strings.Contains(text, ":s3:::logs-*/*") || strings.Contains(text, `"s3:DeleteObject"`) {
		t.Error("the first roll-out: want backups of the buckets alone")
	}

	until := time.Now().UTC().Add(2 * time.Hour).Truncate(time.Second).Format(time.RFC3339)
	setWindow(until)
	requireInstances()
	if text := policies("111111111111"); !strings.Contains(text, `"aws:CurrentTime":"`+until+`"`) ||
		!strings.Contains(text, "s3:DeleteObject") || !strings.Contains(text, ":s3:::logs-*/*") {
		t.Error("the window: want restores of these buckets until its end")
	}

	// An ended window must not keep an account from joining.
	const ended = "2026-01-01T00:00:00Z"
	setWindow(ended)
	organization.Move("222222222222", outside, unit)
	want["222222222222 "+region] = "CURRENT"
	requireInstances()
	if text := policies("222222222222"); !strings.Contains(text, `"aws:CurrentTime":"`+ended+`"`) {
		t.Error("the account that joined: want restores that have ended")
	}
	setWindow("")
	requireInstances()
	for _, account := range []string{"111111111111", "222222222222"} {
		if text := policies(account); strings.Contains(text, "aws:CurrentTime") || !strings.Contains(text, ":s3:::logs-*/*") {
			t.Errorf("account %s: want no restores, and the scope as it was", account)
		}
	}
	admin.Delete()
}
