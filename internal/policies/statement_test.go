package policies

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// sharingProfile has a statement for keys, which accounts share, and one for
// buckets, whose ARNs have no account.
func sharingProfile() schema.Profile {
	return schema.Profile{
		Name: "sharing", Assets: []schema.AssetInfo{{Asset: "a"}, {Asset: "b"}}, Operations: []schema.Operation{"backup"},
		Roles: []schema.Role{{
			Entity: "Role", Why: "works",
			Trust: []schema.Trust{{Sid: "T", Service: "ec2.amazonaws.com"}},
			Policies: []schema.Policy{{
				Entity: "Policy", Kind: schema.Managed, Why: "works",
				Statements: []schema.Statement{
					{
						Sid: "UseKeys", For: []schema.Use{{Asset: "a"}}, Actions: []string{"kms:Decrypt"},
						Resources: []string{"arn:${Partition}:kms:${Region}:${Account}:key/*"},
						Shared:    []string{"arn:${Partition}:kms:${Region}:${Account}:key/*"},
					},
					{
						Sid: "ReadBuckets", For: []schema.Use{{Asset: "a"}}, Actions: []string{"s3:GetObject"},
						Resources: []string{"arn:${Partition}:s3:::*/*"}, Shared: []string{"arn:${Partition}:s3:::*/*"},
						When: schema.Conditions{"StringEquals": {"s3:ResourceAccount": {"${Account}", "${OtherAccount}"}}},
					},
					{
						Sid: "Plain", For: []schema.Use{{Asset: "b"}}, Actions: []string{"ec2:StartInstances"},
						Resources: []string{"arn:${Partition}:ec2:${Region}:${Account}:instance/*"},
					},
				},
			}},
		}},
	}
}

func TestSharedResources(t *testing.T) {
	key := func(account string) string { return "arn:aws:kms:eu-central-1:" + account + ":key/*" }
	for _, tc := range []struct {
		name         string
		accounts     []string
		organization bool
		want         []iampolicy.Statement
	}{
		{"own account alone", nil, false, []iampolicy.Statement{
			{Sid: "UseKeys", Effect: "Allow", Action: iampolicy.Values{"kms:Decrypt"},
				Resource: iampolicy.Values{key("111111111111")}},
			{
				Sid: "ReadBuckets", Effect: "Allow", Action: iampolicy.Values{"s3:GetObject"},
				Resource:  iampolicy.Values{"arn:aws:s3:::*/*"},
				Condition: iampolicy.Conditions{"StringEquals": {"s3:ResourceAccount": {"111111111111"}}},
			},
		}},
		{"a listed account", []string{"222222222222"}, false, []iampolicy.Statement{
			{
				Sid: "UseKeys", Effect: "Allow", Action: iampolicy.Values{"kms:Decrypt"},
				Resource: iampolicy.Values{key("111111111111"), key("222222222222")},
			},
			{
				Sid: "ReadBuckets", Effect: "Allow", Action: iampolicy.Values{"s3:GetObject"},
				Resource:  iampolicy.Values{"arn:aws:s3:::*/*"},
				Condition: iampolicy.Conditions{"StringEquals": {"s3:ResourceAccount": {"111111111111", "222222222222"}}},
			},
		}},
		{"the organization", nil, true, []iampolicy.Statement{
			{Sid: "UseKeys", Effect: "Allow", Action: iampolicy.Values{"kms:Decrypt"},
				Resource: iampolicy.Values{key("111111111111")}},
			{
				Sid: "UseKeysOfOrganization", Effect: "Allow", Action: iampolicy.Values{"kms:Decrypt"},
				Resource:  iampolicy.Values{key("*")},
				Condition: iampolicy.Conditions{"StringEquals": {"aws:ResourceOrgID": {"${aws:PrincipalOrgID}"}}},
			},
			{
				Sid: "ReadBuckets", Effect: "Allow", Action: iampolicy.Values{"s3:GetObject"},
				Resource:  iampolicy.Values{"arn:aws:s3:::*/*"},
				Condition: iampolicy.Conditions{"StringEquals": {"s3:ResourceAccount": {"111111111111"}}},
			},
			{
				Sid: "ReadBucketsOfOrganization", Effect: "Allow", Action: iampolicy.Values{"s3:GetObject"},
				Resource:  iampolicy.Values{"arn:aws:s3:::*/*"},
				Condition: iampolicy.Conditions{"StringEquals": {"aws:ResourceOrgID": {"${aws:PrincipalOrgID}"}}},
			},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env := Environment{
				Account:       "111111111111",
				Region:        "eu-central-1",
				OtherAccounts: tc.accounts,
				Organization:  tc.organization,
			}
			set, err := SynthesizeProfile(sharingProfile(), Selection{Assets: []schema.Asset{"a"}}, env)
			if err != nil {
				t.Fatal(err)
			}
			policy := set.Roles[0].Managed[0]
			if d := cmp.Diff(tc.want, policy.Document.Statement); d != "" {
				t.Errorf("statements (-want +got):\n%s", d)
			}
			if len(policy.Grants) != len(policy.Document.Statement) {
				t.Errorf("%d reasons for %d statements", len(policy.Grants), len(policy.Document.Statement))
			}
		})
	}
}

// TestUnusedSharingIsRefused checks that other accounts are refused if they make no difference to
// the choice.
func TestUnusedSharingIsRefused(t *testing.T) {
	for name, env := range map[string]Environment{
		"other accounts": {OtherAccounts: []string{"222222222222"}},
		"organization":   {Organization: true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := SynthesizeProfile(sharingProfile(), Selection{Assets: []schema.Asset{"b"}}, env)
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want an error about %s", err, name)
			}
			if _, err := SynthesizeProfile(sharingProfile(), Selection{Assets: []schema.Asset{"a", "b"}}, env); err != nil {
				t.Errorf("with an asset that uses them: %v", err)
			}
		})
	}
}

// TestOtherAccountResources checks what ${OtherAccount} is in resources: the listed accounts, or with the organization
// any of its accounts.
func TestOtherAccountResources(t *testing.T) {
	const other = "arn:${Partition}:kms:${Region}:${OtherAccount}:key/*"
	key := func(account string) string { return "arn:aws:kms:eu-central-1:" + account + ":key/*" }
	list := []string{"222222222222", "333333333333"}
	for _, tt := range []struct {
		name         string
		accounts     []string
		organization bool
		own, shared  iampolicy.Values
	}{
		{"none", nil, false, iampolicy.Values{key("*")}, nil},
		{"listed accounts", list, false, iampolicy.Values{key(list[0]), key(list[1])}, nil},
		{"the organization", nil, true, nil, iampolicy.Values{key("*")}},
		{"both", list, true, iampolicy.Values{key(list[0]), key(list[1])}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := Environment{
				Partition: "aws", Account: "111111111111", Region: "eu-central-1", OtherAccounts: tt.accounts,
				Organization: tt.organization,
			}
			s := synthesis{names: names{env}, terms: newTerms(schema.Profile{}, choice{}, env)}
			own, shared := s.ownAndShared(schema.Statement{Resources: []string{other}})
			if !slices.Equal(own, tt.own) || !slices.Equal(shared, tt.shared) {
				t.Errorf("got %q, %q, want %q, %q", own, shared, tt.own, tt.shared)
			}
		})
	}
}

// TestOrganizationConditions checks that the conditions on this account, and no others, become one on the organization.
func TestOrganizationConditions(t *testing.T) {
	when := schema.Conditions{
		"StringEquals":         {"s3:ResourceAccount": {"1"}, "aws:PrincipalTag/x": {"y"}},
		"StringLike":           {"s3:prefix": {"p*"}},
		"StringEqualsIfExists": {"aws:ResourceAccount": {"1"}},
	}
	want := schema.Conditions{
		"StringEquals": {"aws:PrincipalTag/x": {"y"}, "aws:ResourceOrgID": {"${aws:PrincipalOrgID}"}},
		"StringLike":   {"s3:prefix": {"p*"}},
	}
	if d := cmp.Diff(want, organizationConditions(when)); d != "" {
		t.Errorf("conditions (-want +got):\n%s", d)
	}
}

// TestSharingOfChosenRoles checks that only roles of the selection decide whether other accounts make a difference.
func TestSharingOfChosenRoles(t *testing.T) {
	profile := sharingProfile()
	other := profile.Roles[0]
	other.Entity, other.For = "Other", []schema.Use{{Asset: "b"}}
	profile.Roles = []schema.Role{other, profile.Roles[0]}
	for asset, want := range map[schema.Asset]bool{"a": true, "b": false} {
		if got := sharing(profile, newChoice(profile, Selection{Assets: []schema.Asset{asset}})); got != want {
			t.Errorf("asset %s: got %v, want %v", asset, got, want)
		}
	}
}
