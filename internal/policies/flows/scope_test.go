package flows_test

import (
	"slices"
	"testing"

	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

func TestDbg(t *testing.T) {
	scopes := map[string]scope.Scope{
		"tag": {Tags: []string{"backup=yes"}}, "bucket": {Buckets: []string{"reports", "logs-*"}},
		"table": {Tables: []string{"orders"}}, "db": {Databases: []string{"main"}},
		"key":    {Keys: []string{"12345678-1234-1234-1234-123456789012"}},
		"region": {Regions: []string{"eu-central-1", "eu-west-1"}}, "vpc": {VPCs: []string{"vpc-1"}},
	}
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		for k, sc := range scopes {
			t.Run(name+"/"+k, func(t *testing.T) {
				seen := map[string]bool{}
				for sel := range flows.Selections(profile, "", 0) {
					env := choice.ExampleFor(profile, sel, policies.Environment{
						Partition: "aws", Account: "111111111111", Region: "eu-central-1", ConnectionID: "prod",
						StackNames: []string{"stack"},
					})
					sel.Scope = sc
					set, err := policies.SynthesizeProfile(profile, sel, env)
					if err != nil {
						if !seen[err.Error()] {
							t.Log(choice.String(sel), err)
							seen[err.Error()] = true
						}
						continue
					}
					if err := flows.CheckScope(profile, flows.Get(name), set, sel, env); err != nil {
						for _, f := range err.(*flows.ScopeError).Failures {
							if !seen[f.String()] {
								seen[f.String()] = true
								t.Log(f, choice.String(sel))
							}
						}
					}
					rest := map[string]bool{}
					for _, n := range set.NotNarrowed {
						for _, a := range n.Actions {
							rest[a] = true
						}
					}
					for _, r := range flows.Requests(set, flows.Promised(profile, flows.Get(name), sel, env), env) {
						if out, ok := r.Outside(profile, set.Scope, env, scope.Kind(k)); ok && !r.Denied && !slices.Contains([]string{}, r.Action) {
							d := eval.Documents(out.Documents, eval.Request{Action: out.Action, Resource: out.Resource, Context: out.Context})
							key := r.Flow + out.Action + out.Resource
							if d == eval.Allow && !rest[out.Action] && !seen[key] {
								seen[key] = true
								t.Log("OUTSIDE ALLOWED", r.Flow, out.Action, out.Resource, choice.String(sel))
							}
						}
					}
				}
			})
		}
	}
	_ = schema.Asset("")
}
