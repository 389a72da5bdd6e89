package flows_test

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/schema"
)

// TestFlowsByOutsideEvaluator evaluates flows of every profile and release with @cloud-copilot/iam-simulate: one
// request in 400, by a hash of its name, and all with PERMSTACK_FULL=1. The choices are those of TestClosure without
// the random ones, with resources of other accounts opened. A release in which a profile is as before is left out.
func TestFlowsByOutsideEvaluator(t *testing.T) {
	evaluate := policytest.OutsideEvaluator(t)
	sample := policytest.NewSample(400)
	var tests []simulatedRequests
	for _, name := range policies.ProfileNames() {
		var before offer
		for _, release := range policies.Releases {
			now := offered(name, release)
			if reflect.DeepEqual(now, before) {
				continue
			}
			before = now
			requests := simulatedRequests{name: name + "@" + release}
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
				requests.add(r, !r.Denied)
			}
			tests = append(tests, requests)
		}
	}
	simulate(t, evaluate, tests, func(t *testing.T, requests, undecided int) {
		t.Helper()
		t.Logf("%s: %d requests; of %d the evaluator does not know the resource's type", sample, requests, undecided)
		least := 15
		if !policytest.Slow() { // a sample of a quarter, of which a release of a profile may have few
			least = 1
		}
		if requests < least || undecided > max(1, requests/20) {
			t.Errorf("got %d requests, %d of them not decided", requests, undecided)
		}
	})
}

// simulatedRequests are the requests of one test, and whether each must be allowed.
type simulatedRequests struct {
	name     string
	requests []flows.Request
	allowed  []bool
}

func (s *simulatedRequests) add(r flows.Request, allowed bool) {
	s.requests, s.allowed = append(s.requests, r), append(s.allowed, allowed)
}

// simulate compares the evaluator's decisions of the requests with the expected ones, and calls check with the numbers
// of requests and of those that were not decided. The evaluator is started once for all tests.
func simulate(
	t *testing.T, evaluate func([]policytest.Simulation) []string, tests []simulatedRequests,
	check func(t *testing.T, requests, undecided int),
) {
	t.Helper()
	var list []policytest.Simulation
	for _, s := range tests {
		for _, r := range s.requests {
			list = append(list, policytest.NewSimulation("111111111111", r.Documents, r.Action, r.Resource, r.Context))
		}
	}
	results := evaluate(list)
	for _, s := range tests {
		of := results[:len(s.requests)]
		results = results[len(s.requests):]
		t.Run(s.name, func(t *testing.T) {
			undecided := 0
			for i, result := range of {
				r := s.requests[i]
				switch {
				case policytest.Agrees(result, s.allowed[i], r.Resource):
				case policytest.Undecided(result):
					undecided++
				default:
					t.Errorf("%s: %s on %s with %v: %s, want allowed %v", r.Flow, r.Action, r.Resource, r.Context, result,
						s.allowed[i])
				}
			}
			check(t, len(s.requests), undecided)
		})
	}
}

// offer is what a release of a profile grants and promises.
type offer struct {
	profile schema.Profile
	flows   []schema.Flow
}

func offered(name, release string) offer {
	profile, _ := policies.ProfileAt(name, release)
	return offer{profile, slices.DeleteFunc(flows.Get(name), func(f schema.Flow) bool {
		return !policies.InRelease(f.In, release)
	})}
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
