package flows_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/schema"
)

// environment is a complete one. Every value that some selection requires is
// added by choice.Example.
func environment(sel policies.Selection) policies.Environment {
	return choice.Example(sel, policies.Environment{
		Partition: "aws", Account: "111111111111", Region: "eu-central-1", ConnectionID: "prod", StackNames: []string{"stack"},
	})
}

// TestClosure evaluates every flow that a selection promises, for selections that
// leave out each part in turn, and with resources of other accounts opened in
// each way. Flows that need an opening are refused without it.
//
// It draws 40 random selections beside the systematic ones, and 2,000 with
// PERMSTACK_FULL=1.
func TestClosure(t *testing.T) {
	random := 40
	if os.Getenv("PERMSTACK_FULL") != "" {
		random = 2000
	}
	for _, name := range policies.ProfileNames() {
		for _, release := range policies.Releases {
			t.Run(name+"@"+release, func(t *testing.T) {
				profile, _ := policies.ProfileAt(name, release)
				list := flows.Get(name)
				failures := map[string]string{} // failure → the first selection
				for sel := range flows.Selections(profile, release, random) {
					for _, f := range check(t, profile, list, sel) {
						if _, ok := failures[f]; !ok {
							failures[f] = choice.String(sel)
						}
					}
				}
				for _, f := range sorted(failures) {
					t.Errorf("%s\n\tin %s", f, failures[f])
				}
			})
		}
	}
}

// check evaluates a selection without and with each way of opening resources of
// other accounts that it accepts.
func check(t *testing.T, profile schema.Profile, list []schema.Flow, sel policies.Selection) []string {
	t.Helper()
	var out []string
	for _, open := range []struct {
		name string
		set  func(*policies.Environment)
	}{
		{"nothing opened", func(*policies.Environment) {}},
		{"--other-account", func(e *policies.Environment) { e.OtherAccounts = []string{"888899990000"} }},
		{"--organization", func(e *policies.Environment) { e.Organization = true }},
	} {
		env := environment(sel)
		open.set(&env)
		set, err := policies.Synthesize(sel, env)
		if err != nil {
			if open.name == "nothing opened" {
				t.Fatalf("%s: %v", choice.String(sel), err)
			}
			continue // the selection has nothing to open
		}
		for _, f := range flows.Check(set, flows.Promised(profile, list, sel, env), env) {
			out = append(out, fmt.Sprintf("%s, %s", f, open.name))
		}
		out = append(out, closed(profile, list, sel, set, env)...)
	}
	return out
}

// closed returns the shared calls that are allowed although nothing opens them.
func closed(
	profile schema.Profile, list []schema.Flow, sel policies.Selection, set policies.Set, env policies.Environment,
) []string {
	if len(env.OtherAccounts) > 0 || env.Organization {
		return nil
	}
	var out []string
	for _, f := range list {
		if f.Sharing == "" || !policies.InRelease(f.In, sel.CatalogVersion) || !policies.Includes(profile, sel, f.For) {
			continue
		}
		if len(flows.Check(set, []schema.Flow{f}, env)) == 0 {
			out = append(out, fmt.Sprintf("%s: needs no opening of other accounts: sharing %q is untrue", f.Name, f.Sharing))
		}
	}
	return out
}

func sorted(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// TestCheckFindsFailures: a refused call and an allowed control are both found.
func TestCheckFindsFailures(t *testing.T) {
	sel := policies.Selection{Profile: "clumio", Assets: []schema.Asset{"ec2"}, Operations: []schema.Operation{"backup"}}
	env := environment(sel)
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
