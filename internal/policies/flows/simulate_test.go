package flows_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/flows"
)

// TestFlowsByOutsideEvaluator evaluates flows of every profile and release with @cloud-copilot/iam-simulate: one
// request in 400, by a hash of its name, and all with PERMSTACK_FULL=1. The choices are those of TestClosure without
// the random ones, with resources of other accounts opened.
func TestFlowsByOutsideEvaluator(t *testing.T) {
	judge := policytest.OutsideEvaluator(t)
	sample := policytest.NewSample(400)
	for _, name := range policies.ProfileNames() {
		for _, release := range policies.Releases {
			t.Run(name+"@"+release, func(t *testing.T) {
				var requests []flows.Request
				var simulations []policytest.Simulation
				seen := map[string]bool{}
				digests := map[*iampolicy.Document]string{} // of a role's documents, which its requests share
				for _, r := range promised(t, name, release) {
					var documents string
					if len(r.Documents) > 0 {
						known := false
						if documents, known = digests[&r.Documents[0]]; !known {
							documents = fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, r.Documents)))
							digests[&r.Documents[0]] = documents
						}
					}
					key := fmt.Sprint(r.Flow, r.Action, r.Resource, r.Context, documents)
					if seen[key] || !sample.Includes(key) {
						continue
					}
					seen[key] = true
					requests = append(requests, r)
					simulations = append(simulations,
						policytest.NewSimulation("111111111111", r.Documents, r.Action, r.Resource, r.Context))
				}
				unjudged := 0
				for i, result := range judge(simulations) {
					r := requests[i]
					switch {
					case policytest.Agrees(result, !r.Denied, r.Resource):
					case policytest.Unjudged(result):
						unjudged++
					default:
						t.Errorf("%s: %s on %s with %v: %s, want allowed %v", r.Flow, r.Action, r.Resource, r.Context, result,
							!r.Denied)
					}
				}
				t.Logf("%s: %d requests; of %d the evaluator does not know the resource's type", sample, len(requests), unjudged)
				if len(requests) < 15 || unjudged > max(1, len(requests)/20) {
					t.Errorf("got %d requests, %d of them not judged", len(requests), unjudged)
				}
			})
		}
	}
}

// promised returns the requests of the flows that each systematic choice promises.
func promised(t *testing.T, name, release string) []flows.Request {
	t.Helper()
	profile, _ := policies.ProfileAt(name, release)
	var out []flows.Request
	for sel := range flows.Selections(policies.AtRelease(profile, release), release, 0) {
		for _, other := range [][]string{nil, {"888899990000"}} {
			env := choice.Example(sel, policies.Environment{
				Partition: "aws", Account: "111111111111", Region: "eu-central-1", ConnectionID: "prod",
				StackNames: []string{"stack"}, OtherAccounts: other, Organization: other != nil,
			})
			set, err := policies.Synthesize(sel, env)
			if err != nil && other != nil {
				continue // the selection has nothing to open
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, flows.Requests(set, flows.Promised(profile, flows.Get(name), sel, env), env)...)
		}
	}
	return out
}
