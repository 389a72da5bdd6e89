package policies_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// layout lists the Sids of each managed policy, in order: how the statements are split.
func layout(set policies.Set) string {
	var parts []string
	for _, r := range set.Roles {
		for _, p := range r.Managed {
			var sids []string
			for _, s := range p.Document.Statement {
				sids = append(sids, s.Sid)
			}
			parts = append(parts, p.Entity+": "+strings.Join(sids, " "))
		}
	}
	return strings.Join(parts, "\n")
}

// deployments has Regions of every partition, with short and long names, and environments that leave the Region, the
// account or the partition to CloudFormation. They differ in nothing else.
func deployments() map[string]policies.Environment {
	out := map[string]policies.Environment{"open": {}, "open, with the account": {Account: account}}
	for _, partition := range []string{"aws", "aws-us-gov", "aws-cn"} {
		out["open, in "+partition] = policies.Environment{Partition: partition}
	}
	for _, region := range append([]string{"eu-west-1", "cn-north-1"}, regions...) {
		out[region] = policies.Environment{Region: region, Account: account}
		out[region+", any account"] = policies.Environment{Region: region}
	}
	for name, env := range out {
		env.StackNames, env.ConnectionID = []string{"parent"}, "prod"
		out[name] = env
	}
	return out
}

// fillerProfile has one managed policy of three statements: a filler of some characters, a statement whose resource or
// condition value depends on the place, and a small one that shows where it went.
func fillerProfile(resource, value string, filler int) schema.Profile {
	statement := func(sid, resource string) schema.Statement {
		return schema.Statement{Sid: sid, Actions: []string{"s3:GetObject"}, Resources: []string{resource}}
	}
	placed := statement("Placed", resource)
	if value != "" {
		placed.When = schema.Conditions{"StringEquals": {"iam:PassedToService": {value}}}
	}
	return schema.Profile{
		Name: "filler", Vendor: "Filler",
		Assets: []schema.AssetInfo{{Asset: "s3"}}, Operations: []schema.Operation{"backup"},
		Terms:  []schema.Term{{Name: "Bucket", Value: "arn:${Partition}:s3:${Region}:${Account}:bucket"}},
		Topics: []schema.Topic{{Entity: "Topic"}},
		Rules: []schema.Rule{
			{Entity: "FirstRule", Asset: "s3", Topic: "Topic"},
			{Entity: "SecondRule", Asset: "s3", Topic: "Topic"},
		},
		Roles: []schema.Role{{Entity: "Role", Policies: []schema.Policy{{
			Entity: "Policy", Kind: schema.Managed, Statements: []schema.Statement{
				statement("Filler", strings.Repeat("f", filler)), placed, statement("Last", "arn:x"),
			},
		}}}},
	}
}

// TestSplitIsIndependentOfTheDeployment checks that statements are split into the same policies in
// every Region, partition and account, also if the place decides whether they fit into one
// document. Otherwise an update of a role in one Region would move statements that it does not move
// in another, and a review of one would not hold for the other.
func TestSplitIsIndependentOfTheDeployment(t *testing.T) {
	sel := policies.Selection{Assets: []schema.Asset{"s3"}}
	places := deployments()
	longest := places["us-isof-south-1"]
	split := func(t *testing.T, profile schema.Profile, env policies.Environment) string {
		t.Helper()
		set, err := policies.SynthesizeProfile(profile, sel, env)
		if err != nil {
			t.Fatal(err)
		}
		return layout(set)
	}
	for name, row := range map[string]struct{ resource, value string }{
		"partition":         {resource: "arn:${Partition}:s3:::bucket"},
		"Region":            {resource: "arn:aws:s3:${Region}::bucket"},
		"account":           {resource: "arn:aws:s3::${Account}:bucket"},
		"term":              {resource: "${Bucket}"},
		"service principal": {resource: "*", value: "${EC2Service}"},
		"role":              {resource: "${roles:Role}"},
		"policy":            {resource: "${policies:*}"},
		"topic":             {resource: "${topics:Topic}"},
		"rules":             {resource: "${rules:*}"},
		"stack":             {resource: "${stacks}"},
	} {
		t.Run(name, func(t *testing.T) {
			one := func(filler int) bool {
				return !strings.Contains(split(t, fillerProfile(row.resource, row.value, filler), longest), "\n")
			}
			// The first size of the filler at which one document is no longer enough.
			limit := 5000 + sort.Search(1000, func(n int) bool { return !one(5000 + n) })
			if !one(limit-1) || one(limit) {
				t.Fatalf("no filler from 5000 to 6000 characters is at the limit")
			}
			for filler := limit - 40; filler < limit+40; filler++ {
				profile := fillerProfile(row.resource, row.value, filler)
				want := split(t, profile, longest)
				for place, env := range places {
					if got := split(t, profile, env); got != want {
						t.Fatalf("filler of %d characters, %s:\n%s\nwant, as in the longest Region:\n%s",
							filler, place, got, want)
					}
				}
			}
		})
	}
}

// TestSplitOfProfiles checks that every choice of a vendor's profile is split alike in every place.
func TestSplitOfProfiles(t *testing.T) {
	for _, sel := range slices.AppendSeq([]policies.Selection{{Profile: "cpm", Preset: "enterprise"}}, selections()) {
		var want, first string
		for _, region := range regions {
			env := environment(region)
			if sel.Profile == "cpm" {
				env = cpmEnvironment(region)
			}
			switch got := layout(synthesize(t, sel, env)); {
			case want == "":
				want, first = got, region
			case got != want:
				t.Fatalf("%s %s:\n%s\nwant, as in %s:\n%s", fmt.Sprint(sel), region, got, first, want)
			}
		}
	}
}
