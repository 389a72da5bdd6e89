package policies

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// TestMaximumGrants checks how wide each statement is that a profile may grant: vendor's accounts and roles are
// wildcards, conditions with values that only the customer knows are left out, and the resources of other accounts
// replace those of this one. Denies, and statements whose resources no choice has, are no grants.
func TestMaximumGrants(t *testing.T) {
	uses := func(assets ...schema.Asset) (out []schema.Use) {
		for _, a := range assets {
			out = append(out, schema.Use{Asset: a})
		}
		return out
	}
	const key, bucket = "arn:${Partition}:kms:${Region}:${Account}:key/*", "arn:${Partition}:s3:::*"
	profile := schema.Profile{
		Name: "widest", Assets: []schema.AssetInfo{{Asset: "a"}, {Asset: "b"}}, Operations: []schema.Operation{"backup"},
		Options: []schema.OptionInfo{{Option: "x"}},
		Topics:  []schema.Topic{{Entity: "Topic", For: []schema.Use{{Option: "x"}}}},
		Roles: []schema.Role{
			{Entity: "First", For: uses("a"), Policies: []schema.Policy{
				{Entity: "OfRole", Kind: schema.Managed, Statements: []schema.Statement{
					{Sid: "Deny", Deny: true, Actions: []string{"s3:*"}, Resources: []string{"*"}},
					{Sid: "Nothing", Actions: []string{"sns:Publish"}, Resources: []string{"${topics:None}"}},
					{Sid: "Vendor", Actions: []string{"s3:GetObject", "s3:PutObject"}, Resources: []string{
						"arn:${Partition}:kms:*:${DataPlaneAccount}:key/*", "arn:${Partition}:kms:*:${ControlPlaneAccount}:key/*",
						"${topics:Topic}",
					}},
					{Sid: "Role", Actions: []string{"sts:AssumeRole"}, Resources: []string{"${ControlPlaneRole}"}},
				}},
				{Entity: "OfPolicy", Kind: schema.Inline, For: uses("b"), Statements: []schema.Statement{
					{
						Sid: "Shared", Actions: []string{"kms:Decrypt"}, Resources: []string{key}, Shared: []string{key},
						When: schema.Conditions{"StringEquals": {
							"aws:ResourceAccount": {"${Account}"}, "kms:ViaService": {"ec2.${Region}.amazonaws.com"},
						}},
					},
					{
						Sid: "Own", For: uses("a", "b"), Actions: []string{"s3:GetObject"}, Resources: []string{bucket},
						When: schema.Conditions{
							"StringEquals": {
								"s3:ResourceAccount": {"${Account}"}, "s3:prefix": {"p"}, "aws:PrincipalTag/Id": {"${ExternalId}"},
							},
							"StringNotEquals": {"aws:ResourceAccount": {"${DataPlaneAccount}"}},
							"ArnEquals":       {"aws:SourceAccount": {"${OtherAccount}"}},
						},
					},
					{Sid: "Two", Actions: []string{"kms:Encrypt"}, Resources: []string{key, bucket}, Shared: []string{key}},
				}},
			}},
		},
	}
	allow := func(when iampolicy.Conditions, actions []string, resources ...string) iampolicy.Statement {
		return iampolicy.Statement{Effect: "Allow", Action: actions, Resource: resources, Condition: when}
	}
	const anyKey = "arn:${AWS::Partition}:kms:${AWS::Region}:*:key/*"
	want := []MaximumGrant{
		{uses("a"), allow(nil, []string{"s3:GetObject", "s3:PutObject"}, "arn:${AWS::Partition}:kms:*:*:key/*",
			"arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:Topic-${AWS::Region}-connection-placeholder")},
		{uses("a"), allow(nil, []string{"sts:AssumeRole"}, "*")},
		{uses("b"), allow(iampolicy.Conditions{"StringEquals": {"kms:ViaService": {"ec2.${AWS::Region}.amazonaws.com"}}},
			[]string{"kms:Decrypt"}, anyKey)},
		{uses("a", "b"), allow(iampolicy.Conditions{"StringEquals": {
			"s3:ResourceAccount": {"${AWS::AccountId}"}, "s3:prefix": {"p"},
		}}, []string{"s3:GetObject"}, "arn:${AWS::Partition}:s3:::*")},
		{uses("b"), allow(nil, []string{"kms:Encrypt"}, "arn:${AWS::Partition}:s3:::*", anyKey)},
	}
	if d := cmp.Diff(want, MaximumGrants(profile, "")); d != "" {
		t.Errorf("grants (-want +got):\n%s", d)
	}
}

// TestEveryChoice checks that each value of each setting is in one of the choices, and everything else in all of them.
func TestEveryChoice(t *testing.T) {
	profile := schema.Profile{
		Assets: []schema.AssetInfo{{Asset: "a"}}, Operations: []schema.Operation{"o"},
		Options: []schema.OptionInfo{{Option: "x"}}, Settings: []schema.Setting{
			{Name: "s", Values: []schema.OptionInfo{{Option: "s=1"}, {Option: "s=2"}, {Option: "s=3"}}},
			{Name: "t", Values: []schema.OptionInfo{{Option: "t=1"}, {Option: "t=2"}}},
		},
	}
	assets, operations := map[schema.Asset]bool{"a": true}, map[schema.Operation]bool{"o": true}
	want := []map[schema.Option]bool{
		{"x": true, "s=1": true, "t=1": true}, {"x": true, "s=2": true, "t=2": true}, {"x": true, "s=3": true, "t=2": true},
	}
	got := everyChoice(profile)
	if len(got) != len(want) {
		t.Fatalf("got %d choices, want %d", len(got), len(want))
	}
	for i, c := range got {
		if !cmp.Equal(c.assets, assets) || !cmp.Equal(c.operations, operations) || !cmp.Equal(c.options, want[i]) {
			t.Errorf("choice %d: got %v, %v, %v, want %v", i, c.assets, c.operations, c.options, want[i])
		}
	}
}
