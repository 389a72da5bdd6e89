package policies_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// acme is all that a vendor has to write: docs/add-a-profile.md walks through it.
// It has no topic, no rules and no second role, and needs no data plane.
var acme = schema.Profile{
	Name:       "acme",
	Vendor:     "Acme",
	Assets:     []schema.AssetInfo{{Asset: "ec2", Title: "EBS volumes"}, {Asset: "s3", Title: "S3 buckets"}},
	Operations: []schema.Operation{"backup", "restore"},
	Settings: []schema.Setting{{
		Name: "release", Title: "Release of the agent", Default: "release=2", Cumulative: true,
		Values: []schema.OptionInfo{{Option: "release=1", Title: "1"}, {Option: "release=2", Title: "2"}},
	}},
	Presets: []schema.Preset{{Name: "volumes", Title: "volumes, to and fro", Assets: []schema.Asset{"ec2"}}},
	Needs: []schema.Need{
		{Value: schema.ControlPlaneRole, Missing: "Acme's console shows it under Accounts"},
	},
	Roles: []schema.Role{{
		Entity: "AcmeRole",
		Why:    "Acme takes this role to back up and restore",
		Trust: []schema.Trust{{
			Sid: "OnlyAcme", Why: "only Acme's one role may take it", AWS: "${ControlPlaneRole}",
			WhenGiven: map[schema.Value]schema.Conditions{
				schema.ExternalID: {"StringEquals": {"sts:ExternalId": {"${ExternalId}"}}},
			},
		}},
		Policies: []schema.Policy{{
			Entity: "AcmePolicy", Kind: schema.Managed, Why: "what Acme does for the chosen assets",
			Statements: []schema.Statement{
				{
					Sid: "ListVolumes", Why: "list what there is to protect",
					For:     []schema.Use{{Asset: "ec2"}},
					Actions: []string{"ec2:DescribeVolumes"}, Resources: []string{"*"},
					WhyWildcard: "AWS has no resource-level permission for this action",
				},
				{
					Sid: "TakeSnapshots", Why: "take snapshots of volumes; from release 2 on, of all volumes of an instance at once",
					For:     []schema.Use{{Asset: "ec2", Operation: "backup"}},
					Actions: []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots"},
					Since:   map[string]schema.Option{"ec2:CreateSnapshots": "release=2"},
					Resources: []string{
						"arn:${Partition}:ec2:${Region}::snapshot/*", "arn:${Partition}:ec2:${Region}:${Account}:volume/*",
						"arn:${Partition}:ec2:${Region}:${Account}:instance/*",
					},
				},
				{
					Sid: "ReadObjects", Why: "read the objects of the customer's buckets",
					For:     []schema.Use{{Asset: "s3", Operation: "backup"}},
					Actions: []string{"s3:GetObject"}, Resources: []string{"arn:${Partition}:s3:::*/*"},
					When: schema.Conditions{"StringEquals": {"s3:ResourceAccount": {"${Account}"}}},
				},
			},
		}},
	}},
}

// TestThirdProfile: a profile is data; a new one needs no change of code.
func TestThirdProfile(t *testing.T) {
	for _, problem := range profileProblems(acme) {
		t.Error(problem)
	}
	env := policies.Environment{
		Account:             account,
		Region:              here,
		ControlPlaneRoleARN: "arn:aws:iam::" + control + ":role/Acme",
	}
	set, err := policies.SynthesizeProfile(
		acme,
		policies.Selection{Assets: []schema.Asset{"ec2"}, Operations: []schema.Operation{"backup"}},
		env,
	)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Roles) != 1 || len(set.Topics)+len(set.Rules) != 0 || set.Profile != "acme" {
		t.Errorf("have %+v", set)
	}
	want := `{"Version":"2012-10-17","Statement":[` +
		`{"Sid":"ListVolumes","Effect":"Allow","Action":"ec2:DescribeVolumes","Resource":"*"},` +
		`{"Sid":"TakeSnapshots","Effect":"Allow","Action":["ec2:CreateSnapshot","ec2:CreateSnapshots"],"Resource":["arn:aws:ec2:eu-central-1::snapshot/*","arn:aws:ec2:eu-central-1:111111111111:volume/*","arn:aws:ec2:eu-central-1:111111111111:instance/*"]}]}`
	if have := text(t, set.Roles[0].Managed[0].Document); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
	if trust := text(t, set.Roles[0].Trust); strings.Contains(trust, "Condition") {
		t.Errorf("no external id is given, yet the trust has a condition: %s", trust)
	}
	env.ExternalID = "shared-secret"
	old, err := policies.SynthesizeProfile(
		acme,
		policies.Selection{Preset: "volumes", Options: []schema.Option{"release=1"}},
		env,
	)
	if err != nil {
		t.Fatal(err)
	}
	if have := roleActions(old.Roles[0]); !slices.Equal(have, []string{"ec2:CreateSnapshot", "ec2:DescribeVolumes"}) {
		t.Errorf("release 1 has %v", have)
	}
	if trust := text(t, old.Roles[0].Trust); !strings.Contains(
		trust,
		`"Condition":{"StringEquals":{"sts:ExternalId":"shared-secret"}}`,
	) {
		t.Errorf("trust %s", trust)
	}
	env.ControlPlaneRoleARN = ""
	_, err = policies.SynthesizeProfile(
		acme,
		policies.Selection{Preset: "tapes", Options: []schema.Option{"release=1", "release=2"}},
		env,
	)
	var input *policies.InputError
	if !errors.As(err, &input) {
		t.Fatalf("have %v", err)
	}
	for _, part := range []string{`unknown preset "tapes"`, "volumes", "release=1, release=2 cannot be combined", "Acme's console shows it", "no asset chosen"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

// TestProfileProblems: what a vendor may get wrong is found before it is
// deployed.
func TestProfileProblems(t *testing.T) {
	for want, spoil := range map[string]func(p *schema.Profile, s *schema.Statement){
		"stands for nothing":    func(_ *schema.Profile, s *schema.Statement) { s.Resources = []string{"arn:${Partiton}:x"} },
		"no reason":             func(_ *schema.Profile, s *schema.Statement) { s.Why = "" },
		"go together":           func(_ *schema.Profile, s *schema.Statement) { s.WhyWildcard = "" },
		"none of the profile's": func(_ *schema.Profile, s *schema.Statement) { s.For[0].Asset = "efs" },
		"no such action": func(_ *schema.Profile, s *schema.Statement) {
			s.Since = map[string]schema.Option{"a:B": "release=2"}
		},
		"stands twice":        func(_ *schema.Profile, s *schema.Statement) { s.Actions = []string{"a:B", "a:B"} },
		"is no marked preset": func(_ *schema.Profile, s *schema.Statement) { s.Presets = []string{"volumes"} },
		"none of its values":  func(p *schema.Profile, _ *schema.Statement) { p.Settings[0].Default = "release=3" },
		"trusts nobody":       func(p *schema.Profile, _ *schema.Statement) { p.Roles[0].Trust = nil },
		"which the page does not": func(p *schema.Profile,
			_ *schema.Statement) {
			p.Rules = []schema.Rule{{Entity: "R", Topic: "T"}}
		},
	} {
		p := acme
		p.Settings, p.Roles = slices.Clone(p.Settings), slices.Clone(p.Roles)
		p.Roles[0].Policies = slices.Clone(p.Roles[0].Policies)
		statements := slices.Clone(p.Roles[0].Policies[0].Statements)
		statements[0].For = slices.Clone(statements[0].For)
		p.Roles[0].Policies[0].Statements = statements
		spoil(&p, &statements[0])
		if problems := strings.Join(profileProblems(p), "\n"); !strings.Contains(problems, want) {
			t.Errorf("want %q, have %q", want, problems)
		}
	}
}
