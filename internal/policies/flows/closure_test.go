package flows_test

import (
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/schema"
)

// TestClosure evaluates every flow that a selection promises, for the systematic selections and 2,000 random ones. The
// systematic ones and 40 random ones are evaluated in every run of the tests by TestBuiltInProfiles of package lint.
func TestClosure(t *testing.T) {
	policytest.RequireFull(t, "package lint evaluates the flows for fewer random selections")
	const random = 2000
	for _, name := range policies.ProfileNames() {
		for _, release := range policies.Releases {
			t.Run(name+"@"+release, func(t *testing.T) {
				profile, _ := policies.ProfileAt(name, release)
				failures, err := flows.Closure(profile, flows.Get(name), release, random)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range failures {
					t.Error(f)
				}
			})
		}
	}
}

// TestCheckFindsFailures checks that a refused call and an allowed control are both found.
func TestCheckFindsFailures(t *testing.T) {
	sel := policies.Selection{Profile: "clumio", Assets: []schema.Asset{"ec2"}, Operations: []schema.Operation{"backup"}}
	env := choice.Example(sel, policies.Environment{
		Partition: "aws", Account: "111111111111", Region: "eu-central-1", ConnectionID: "prod",
		StackNames: []string{"stack"},
	})
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		t.Fatal(err)
	}
	volume := []string{"arn:${Partition}:ec2:${Region}:${Account}:volume/vol-1"}
	list := []schema.Flow{{Name: "test", Calls: []schema.Call{
		{Actions: []string{"ec2:CreateSnapshot"}, Resources: volume, Source: "allowed"},
		{Actions: []string{"ec2:DeleteVolume"}, Resources: volume, Source: "refused"},
		{Actions: []string{"ec2:CreateSnapshot"}, Resources: volume, Denied: true, Source: "control"},
	}}}
	got := flows.Check(set, list, env)
	if len(got) != 2 || got[0].Action != "ec2:DeleteVolume" || !got[1].Denied {
		t.Fatalf("got %v", got)
	}
	for i, want := range []string{"ec2:DeleteVolume on arn:aws:ec2:eu-central-1:111111111111:volume/vol-1", "must be refused and is allowed"} {
		if !strings.Contains(got[i].String(), want) {
			t.Errorf("%s does not say %q", got[i], want)
		}
	}
}
