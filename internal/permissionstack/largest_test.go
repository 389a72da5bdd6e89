package permissionstack_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// everyChoice returns the largest selections of a profile: every asset and option, once with each value of each
// setting.
func everyChoice(p schema.Profile) []policies.Selection {
	base := policies.Selection{Profile: p.Name}
	for _, a := range p.Assets {
		base.Assets = append(base.Assets, a.Asset)
	}
	for _, o := range p.Options {
		base.Options = append(base.Options, o.Option)
	}
	out := []policies.Selection{base}
	for _, s := range p.Settings {
		for _, v := range s.Values {
			sel := base
			sel.Options = append(slices.Clone(base.Options), v.Option)
			out = append(out, sel)
		}
	}
	return out
}

// accountsThatFit is the number of other accounts that fit with every choice, by partition. ARNs are longest in
// GovCloud. More are refused with the number before anything is created.
var accountsThatFit = map[string]int{"aws": 10, "aws-cn": 10, "aws-us-gov": 8}

// TestLargestChoicesFit builds the stacks of the largest choices of every profile as an installation deploys them: with
// resources of other accounts and of the organization opened, the guard of everything that template.yaml protects,
// and the longest names.
func TestLargestChoicesFit(t *testing.T) {
	largest := map[string]int{}
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		for _, place := range [][2]string{{"aws", "ap-southeast-1"}, {"aws-us-gov", "us-gov-west-1"},
			{"aws-cn", "cn-northwest-1"}} {
			t.Run(name+" in "+place[1], func(t *testing.T) {
				for _, sel := range everyChoice(profile) {
					long := environment(place[0], place[1])
					env := choice.Example(sel, policies.Environment{
						Partition: long.Partition, Region: long.Region, Account: long.Account, ConnectionID: long.ConnectionID,
						PermissionsBoundaryARN: long.PermissionsBoundaryARN, Path: long.Path, Tags: long.Tags,
						OtherAccounts: otherAccounts(accountsThatFit[place[0]]), Organization: true,
					})
					env.InstallationID, env.Protected = "7b0c9a52", protected(env)
					set, err := policies.Synthesize(sel, env)
					if err != nil && strings.Contains(err.Error(), "nothing of this selection uses") {
						env.OtherAccounts, env.Organization = nil, false
						set, err = policies.Synthesize(sel, env)
					}
					if err != nil {
						t.Fatalf("%s: %v", choice.String(sel), err)
					}
					stacks, err := permissionstack.Stacks(set)
					if err != nil {
						t.Fatalf("%s: %v", choice.String(sel), err)
					}
					for _, s := range stacks {
						checkPolicies(t, choice.String(sel), set, s, env)
						key := fmt.Sprint(name, " ", place[0], " ", s.Part)
						largest[key] = max(largest[key], s.Template.Size())
					}
				}
			})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(largest)) {
		t.Logf("%s: %d bytes", key, largest[key])
	}
}

// otherAccounts returns ids of accounts.
func otherAccounts(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint(888899990000+i))
	}
	return out
}

// protected returns ARNs like those of ProtectedArns in template.yaml, with names as long as CloudFormation makes them.
func protected(env policies.Environment) []string {
	const name = "platform-backup-of-production-StackResource-1A2B3C4D5E6F"
	arn := func(service, region, account, resource string) string {
		return "arn:" + env.Partition + ":" + service + ":" + region + ":" + account + ":" + resource
	}
	in := func(service, resource string) string { return arn(service, env.Region, env.Account, resource) }
	return []string{
		in("cloudformation", "stack/platform-backup-of-production/"+env.ConnectionID),
		arn("iam", "", env.Account, "role"+env.Path+env.Region+"/"+env.ConnectionID+"/installer/*"),
		in("lambda", "function:"+name), in("lambda", "function:"+name), in("sns", name), in("ssm", "parameter/"+name),
		in("sqs", name), in("events", "rule/permstack-"+env.ConnectionID), in("cloudwatch", "alarm:"+name),
		in("logs", "log-group:"+name+"*"),
	}
}
