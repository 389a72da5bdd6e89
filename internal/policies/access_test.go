package policies_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
)

// TestAccess evaluates the requests that follow from testdata/access.txt, for every selection of one asset and one
// operation and for everything together.
func TestAccess(t *testing.T) {
	total := 0
	for _, profile := range []string{"clumio", "cpm"} {
		for _, b := range benches[profile](t) {
			total += len(b.requests)
			t.Run(choice.String(b.sel), func(t *testing.T) {
				allowed, denied := 0, 0
				for i, r := range b.requests {
					if r.real && r.allowed {
						allowed++
					} else if r.real {
						denied++
					}
					if got := b.allowCounts[i] > 0; got != r.allowed {
						t.Errorf("access.txt:%d: %s: allowed is %v, want %v", r.line, r, got, r.allowed)
					}
				}
				if allowed < 5 || denied < 5 {
					t.Errorf("%d requests that must work and %d that must not; want at least five of each",
						allowed, denied)
				}
			})
		}
	}
	t.Logf("%d requests", total)
}

func (r derivedRequest) request() eval.Request {
	q := eval.Request{Action: r.action, Resource: r.resource, Context: map[string][]string{}}
	for k, v := range r.context {
		q.Context[k] = []string{v}
	}
	return q
}

func (r derivedRequest) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s: %s on %s with %v", r.role, r.action, r.resource, r.context), " with map[]")
}

func documentsByRole(set policies.Set) map[string][]iampolicy.Document {
	out := map[string][]iampolicy.Document{}
	for _, r := range set.Roles {
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			out[r.Entity] = append(out[r.Entity], p.Document)
		}
	}
	return out
}

func readAWS(t testing.TB) map[string]awsAction {
	t.Helper()
	var aws map[string]awsAction
	readJSON(t, "aws-actions.json", &aws)
	return aws
}
