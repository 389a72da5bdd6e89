package policies

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

const (
	anyVolume   = "arn:${Partition}:ec2:${Region}:${Account}:volume/*"
	anyInstance = "arn:${Partition}:ec2:${Region}:${Account}:instance/*"
	anySnapshot = "arn:${Partition}:ec2:${Region}::snapshot/*"
	anyDatabase = "arn:${Partition}:rds:${Region}:${Account}:db:*"
	anyObject   = "arn:${Partition}:s3:::*/*"
)

// TestWhyNotNarrowed checks the reason why a kind of a scope does not limit an action; none if it does, or if the
// action is about something else.
func TestWhyNotNarrowed(t *testing.T) {
	narrow := func(kind scope.Kind, actions ...string) []schema.Narrowing {
		return []schema.Narrowing{{Kind: string(kind), Actions: actions}}
	}
	on := func(resources ...string) schema.Statement { return schema.Statement{Resources: resources} }
	with := func(st schema.Statement, n []schema.Narrowing) schema.Statement { st.Narrow = n; return st }
	when := func(st schema.Statement, key string) schema.Statement {
		st.When = schema.Conditions{"StringEquals": {key: {"v"}}}
		return st
	}
	uses := func(st schema.Statement, operation schema.Operation) schema.Statement {
		st.For = []schema.Use{{Operation: operation}}
		return st
	}
	said := on(anyObject)
	said.NotNarrowed = map[string]string{"bucket": "they are the vendor's"}
	byTag := with(on(anyVolume), narrow(scope.Tag))
	end := time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		kind   scope.Kind
		st     schema.Statement
		action string
		until  time.Time
		want   string
	}{
		{"a Region", scope.Region, on("*"), "ec2:DescribeVolumes", end, ""},
		{"a global service", scope.Region, on("*"), "iam:PassRole", end, whyGlobal},
		{"another service", scope.Bucket, on("*"), "ec2:DescribeVolumes", end, ""},
		{"a named bucket", scope.Bucket, on(anyObject), "s3:GetObject", end, ""},
		{"every bucket", scope.Bucket, on("*"), "s3:ListAllMyBuckets", end, whyListing},
		{"a recorded reason", scope.Bucket, said, "s3:GetObject", end, "they are the vendor's"},
		{"databases", scope.Database, on(anyDatabase), "rds:StartDBInstance", end, ""},
		{"another type", scope.Database, on(anyDatabase, "arn:${Partition}:rds:${Region}:${Account}:snapshot:*"),
			"rds:DeleteDBSnapshot", end, whyOther},
		{"a pattern of another kind", scope.Table, on("arn:${Partition}:dynamodb:${Region}:${Account}:backup/*"),
			"dynamodb:DeleteBackup", end, whyOther},
		{"tags", scope.Tag, uses(byTag, "backup"), "ec2:CreateSnapshot", end, ""},
		{"tags with this action", scope.Tag, uses(with(on(anyVolume), narrow(scope.Tag, "ec2:CreateSnapshot")), "backup"),
			"ec2:CreateSnapshot", end, ""},
		{"tags with another action", scope.Tag, uses(with(on(anyVolume), narrow(scope.Tag, "ec2:CreateSnapshot")), "backup"),
			"ec2:ModifyVolume", end, whyNoKey},
		{"VPCs instead of tags", scope.Tag, uses(with(on(anyVolume), narrow(scope.VPC)), "backup"), "ec2:ModifyVolume", end,
			whyNoKey},
		{"what restores create", scope.Tag, uses(byTag, "restore"), "ec2:ModifyVolume", time.Time{}, whyNew},
		{"until a window ends", scope.Tag, uses(byTag, "restore"), "ec2:ModifyVolume", end, ""},
		{"what restores create in a VPC", scope.VPC, uses(with(on(anyInstance), narrow(scope.VPC)), "restore"),
			"ec2:RunInstances", time.Time{}, ""},
		{"tags of buckets", scope.Tag, uses(on(anyObject), "backup"), "s3:GetObject", end, whyBuckets},
		{"tags of the vendor's resources", scope.Tag, uses(when(on(anyVolume), "aws:ResourceTag/Vendor"), "backup"),
			"ec2:DeleteVolume", end, whyVendorTag},
		{"tags that the vendor sets", scope.Tag, uses(when(on(anyVolume), "aws:RequestTag/Vendor"), "backup"),
			"ec2:CreateVolume", end, whyVendorTag},
		{"tags of new resources", scope.Tag, uses(when(on(anyVolume), "ec2:CreateAction"), "backup"), "ec2:CreateTags", end,
			whyVendorTag},
		{"another condition", scope.Tag, uses(when(on(anyVolume), "ec2:Owner"), "backup"), "ec2:ModifyVolume", end, whyNoKey},
		{"tags of snapshots", scope.Tag, uses(on(anySnapshot), "backup"), "ec2:DeleteSnapshot", end, whyOther},
		{"tags of everything", scope.Tag, uses(on("*"), "backup"), "ec2:DescribeVolumes", end, whyListing},
		{"another service on an instance", scope.Tag, uses(on(anyInstance), "backup"), "ssm:SendCommand", end, whyNoKey},
		{"and on everything", scope.Tag, uses(on(anyInstance, "*"), "backup"), "ssm:SendCommand", end, ""},
		{"another service on a document", scope.Tag, uses(on("arn:${Partition}:ssm:*::document/*"), "backup"),
			"ssm:SendCommand", end, ""},
		{"the VPC of another service", scope.VPC, uses(on(anyInstance), "backup"), "ssm:SendCommand", end, ""},
		{"the VPC of an instance", scope.VPC, uses(on(anyInstance), "backup"), "ec2:StartInstances", end, whyOther},
		{"every network", scope.VPC, uses(on("*"), "backup"), "ec2:DescribeSubnets", end, whyListing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := narrower{restores: []schema.Operation{"restore"}, until: tt.until}
			if got := n.whyNotNarrowed(tt.kind, tt.st, tt.action); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestNotNarrowed checks which access of a selection is listed: what it grants to its roles on the customer's
// resources, by kind and reason.
func TestNotNarrowed(t *testing.T) {
	statement := func(sid string, resource string, actions ...string) schema.Statement {
		return schema.Statement{Sid: sid, Actions: actions, Resources: []string{resource}}
	}
	denied := statement("Denied", "*", "s3:ListMultiRegionAccessPoints")
	denied.Deny = true
	vendors := statement("Vendors", anyObject, "s3:PutObject")
	vendors.When = schema.Conditions{"StringEquals": {"s3:ResourceAccount": {"${DataPlaneAccount}"}}}
	both := statement("Both", "arn:${Partition}:kms:*:${DataPlaneAccount}:key/*", "kms:Decrypt", "iam:GetRole")
	both.Resources = append(both.Resources, "*")
	role := func(entity string, asset schema.Asset, list ...schema.Statement) schema.Role {
		return schema.Role{Entity: entity, For: []schema.Use{{Asset: asset}}, Policies: []schema.Policy{
			{Entity: entity + "Policy", Kind: schema.Managed, Statements: list},
		}}
	}
	profile := schema.Profile{
		Name: "rest", Assets: []schema.AssetInfo{{Asset: "a"}, {Asset: "b"}}, Operations: []schema.Operation{"o"},
		Roles: []schema.Role{
			role("Other", "b", statement("Unchosen", "*", "s3:CreateJob")),
			role("First", "a", denied, vendors, statement("Keys", "arn:${Partition}:kms:*:${DataPlaneAccount}:key/*",
				"kms:DescribeKey", "iam:GetUser"), statement("Lists", "*", "s3:ListAllMyBuckets", "s3:GetAccountPublicAccessBlock"),
				both, statement("Objects", anyObject, "s3:GetObject")),
		},
	}
	sel := Selection{
		Assets: []schema.Asset{"a"}, Scope: scope.Scope{Buckets: []string{"reports"}, Regions: []string{"eu-central-1"}},
	}
	set, err := SynthesizeProfile(profile, sel, Environment{
		Account: "111111111111", Region: "eu-central-1", DataPlaneAccountID: "333333333333",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []NotNarrowed{
		{scope.Bucket, whyListing, []string{"s3:GetAccountPublicAccessBlock", "s3:ListAllMyBuckets"}},
		{scope.Region, whyGlobal, []string{"iam:GetRole", "s3:GetAccountPublicAccessBlock", "s3:ListAllMyBuckets"}},
	}
	if d := cmp.Diff(want, set.NotNarrowed); d != "" {
		t.Errorf("not narrowed (-want +got):\n%s", d)
	}
}
