package policies_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/lint"
	"permstack/internal/policies/schema"
)

// TestThirdProfile checks that a new profile is data alone and requires no change of code.
func TestThirdProfile(t *testing.T) {
	loaded, problems, err := lint.Load(os.DirFS("testdata"), "acme.yaml")
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	acme := loaded.Profile
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
		t.Errorf("got\n%s\nwant\n%s", have, want)
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
		trust, `"Condition":{"StringEquals":{"sts:ExternalId":"shared-secret"}}`,
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
	for _, part := range []string{`unknown preset "tapes"`, "volumes", "release=1, release=2 cannot be combined",
		"Acme's console shows it", "no asset chosen"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}
