package explain_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/review/explain"
)

// statement parses a statement of a test: effect, actions, resources and conditions as JSON.
func statement(t *testing.T, text string) iampolicy.Statement {
	t.Helper()
	doc, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + text + `]}`))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc.Statement[0]
}

// roleGrants returns the grants of a role with some statements, in their order.
func roleGrants(t *testing.T, texts ...string) []explain.Grant {
	t.Helper()
	p := policies.Policy{Entity: "P", Document: iampolicy.Document{Version: iampolicy.Version}}
	for _, text := range texts {
		p.Document.Statement = append(p.Document.Statement, statement(t, text))
		p.Grants = append(p.Grants, policies.Grant{})
	}
	set := policies.Set{Profile: "clumio", Roles: []policies.Role{{Entity: "R", Inline: []policies.Policy{p}}}}
	describer := explain.Describer{Account: "123456789012", Accounts: map[string]string{"444455556666": "the vendor"}}
	return explain.Grants(set, policies.Selection{Profile: "clumio"}, describer)
}

const (
	deleteTagged = `{"Sid":"Delete","Effect":"Allow","Action":"rds:DeleteDBInstance",
		"Resource":"arn:aws:rds:*:123456789012:db:*","Condition":{"StringEquals":{"aws:ResourceTag/Vendor":"Clumio"}}}`
	tagAny = `{"Sid":"Tag","Effect":"Allow","Action":"rds:AddTagsToResource",
		"Resource":"arn:aws:rds:*:123456789012:db:*"%}`
)

// tagIf returns a statement that tags databases under a condition.
func tagIf(condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return strings.Replace(tagAny, "%", condition, 1)
}

// TestBoundsOfTags checks when a condition on a tag bounds a role: only if no other statement lets the role set it.
func TestBoundsOfTags(t *testing.T) {
	for _, c := range []struct {
		name   string
		others []string
		want   explain.BoundEffect
	}{
		{"nobody tags", nil, explain.Bounds},
		{"any tag", []string{tagIf("")}, explain.SelfMet},
		{"this tag", []string{tagIf(`{"StringEquals":{"aws:RequestTag/Vendor":"Clumio"}}`)}, explain.SelfMet},
		{"another value", []string{tagIf(`{"StringEquals":{"aws:RequestTag/Vendor":"Other"}}`)}, explain.Bounds},
		{"another tag is required too", []string{tagIf(`{"StringEquals":{"aws:RequestTag/Name":"x"}}`)}, explain.SelfMet},
		{"only listed tags", []string{tagIf(`{"ForAllValues:StringEquals":{"aws:TagKeys":["Name"]}}`)}, explain.Bounds},
		{"listed tags with this one", []string{tagIf(`{"ForAllValues:StringEquals":{"aws:TagKeys":["Name","Vendor"]}}`)},
			explain.SelfMet},
		{"only what has it", []string{tagIf(`{"StringEquals":{"aws:ResourceTag/Vendor":"Clumio"}}`)}, explain.Bounds},
		{"only tags that RDS copies", []string{tagIf(`{"Bool":{"rds:TagsFromRequest":"false"}}`)}, explain.Bounds},
		{"another resource type", []string{strings.ReplaceAll(tagIf(""), ":db:*", ":snapshot:*")}, explain.Bounds},
		{"another service", []string{`{"Sid":"Tag","Effect":"Allow","Action":"ec2:CreateTags","Resource":"*"}`},
			explain.Bounds},
		{"denied", []string{tagIf(""), `{"Sid":"No","Effect":"Deny","Action":"rds:AddTags*","Resource":"*"}`},
			explain.Bounds},
		{"untagging", []string{strings.Replace(tagIf(""), "AddTagsToResource", "RemoveTagsFromResource", 1)}, explain.Bounds},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := roleGrants(t, append([]string{deleteTagged}, c.others...)...)[0]
			if got := g.Bounds[0].Effect; got != c.want {
				t.Errorf("got %s (%s), want %s", got, g.Bounds[0].Why, c.want)
			}
			high := g.Risk.Level == explain.High
			if high != (c.want == explain.SelfMet) {
				t.Errorf("risk %s", g.Risk)
			}
		})
	}
}

// TestBounds checks the effect of conditions that do not depend on other statements.
func TestBounds(t *testing.T) {
	for _, c := range []struct {
		condition string
		want      explain.BoundEffect
	}{
		{`{"StringEquals":{"aws:ResourceAccount":"123456789012"}}`, explain.OwnAccount},
		{`{"StringEquals":{"s3:ResourceAccount":"${aws:PrincipalAccount}"}}`, explain.OwnAccount},
		{`{"StringEquals":{"s3:ResourceAccount":"444455556666"}}`, explain.Bounds},
		{`{"StringNotEquals":{"aws:ResourceAccount":"123456789012"}}`, explain.Bounds},
		{`{"StringNotEquals":{"aws:ResourceAccount":"444455556666"}}`, explain.OwnAccount},
		{`{"StringEquals":{"aws:PrincipalAccount":"123456789012"}}`, explain.AlwaysTrue},
		{`{"StringEquals":{"aws:PrincipalTag/team":"a"}}`, explain.AlwaysTrue},
		{`{"StringLike":{"aws:userid":"*:*"}}`, explain.AlwaysTrue},
		{`{"StringEquals":{"aws:RequestTag/Vendor":"Clumio"}}`, explain.SelfMet},
		{`{"Null":{"aws:RequestTag/Vendor":"false"}}`, explain.SelfMet},
		{`{"StringLike":{"ec2:Add/userId":"*"}}`, explain.SelfMet},
		{`{"StringEquals":{"ec2:Add/userId":"444455556666"}}`, explain.Bounds},
		{`{"StringEquals":{"aws:UserAgent":"backup"}}`, explain.SelfMet},
		{`{"Bool":{"aws:SecureTransport":"true"}}`, explain.SelfMet},
		{`{"StringEquals":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}}`, explain.Bounds},
		{`{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`, explain.Bounds},
		{`{"StringEquals":{"ec2:CreateAction":"CreateVolume"}}`, explain.Bounds},
		{`{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":"a"}}`, explain.SelfMet},
		{`{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}`, explain.Bounds},
		{`{"StringEqualsIfExists":{"s3:x-amz-acl":"private"}}`, explain.Openings},
	} {
		t.Run(c.condition, func(t *testing.T) {
			g := roleGrants(t, `{"Sid":"S","Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::*/*",
				"Condition":`+c.condition+`}`)[0]
			if got := g.Bounds[0]; got.Effect != c.want || (got.Why == "") != (c.want == explain.Bounds) {
				t.Errorf("got %s, %q; want %s", got.Effect, got.Why, c.want)
			}
		})
	}
}

// TestBoundsByResource checks that a tag that the role can set on images does not make snapshots deletable.
func TestBoundsByResource(t *testing.T) {
	_, some, _ := grants(t, "clumio:ec2")
	i := slices.IndexFunc(some, func(g explain.Grant) bool { return g.Sid == "CleanUpVendorResources" })
	for action, want := range map[string]explain.BoundEffect{
		"ec2:DeleteSnapshot": explain.Bounds, "ec2:DeregisterImage": explain.SelfMet,
	} {
		if got := some[i].WithActions([]string{action}).Bounds[0]; got.Effect != want {
			t.Errorf("%s: got %s (%s), want %s", action, got.Effect, got.Why, want)
		}
	}
}
