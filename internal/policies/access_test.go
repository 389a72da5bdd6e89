package policies_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
)

// TestAccess evaluates the requests that follow from testdata/access.txt, for every selection of one asset and one
// operation and for everything together.
func TestAccess(t *testing.T) {
	total := 0
	for _, profile := range []string{"clumio", "cpm"} {
		for _, b := range evaluated[profile](t) {
			total += len(b.requests)
			t.Run(choice.String(b.sel), func(t *testing.T) {
				allowed, denied := 0, 0
				for i, r := range b.requests {
					if r.real && r.allowed {
						allowed++
					} else if r.real {
						denied++
					}
					if got := b.counts[i].allowed(); got != r.allowed {
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

// readAWS returns AWS's description of every action that a profile names. An action with wildcards has the keys and
// resource types of all that it matches.
func readAWS(t testing.TB) map[string]awsAction {
	t.Helper()
	out := map[string]awsAction{}
	for action, resources := range catalogueActions() {
		described := awsAction{Resources: map[string][]string{}}
		for _, a := range reference.Matching(action) {
			described.Keys = append(described.Keys, a.Keys...)
			for _, r := range a.Resources {
				if len(a.Resources) > 50 && !namesType(r.ARN, resources) {
					continue
				}
				described.Resources[r.ARN] = append(described.Resources[r.ARN], r.Keys...)
			}
		}
		out[action] = described
	}
	return out
}

// catalogueActions returns the actions of all profiles with all resources that they are granted on.
func catalogueActions() map[string][]string {
	out := map[string][]string{}
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		for _, r := range p.Roles {
			for _, policy := range r.Policies {
				for _, s := range policy.Statements {
					for _, a := range s.Actions {
						out[a] = append(out[a], s.Resources...)
					}
				}
			}
		}
	}
	return out
}

// namesType reports whether a statement names a resource type: EC2's tagging actions take a hundred types, of which the
// others would only lengthen the tests.
func namesType(arn string, resources []string) bool {
	return slices.ContainsFunc(resources, func(r string) bool {
		_, kind, _ := strings.Cut(arn[strings.LastIndexByte(arn, ':'):], ":")
		kind, _, _ = strings.Cut(kind, "/")
		have, _, _ := strings.Cut(r[strings.LastIndexByte(r, ':')+1:], "/")
		return actions.Match(have, kind)
	})
}

// takes reports whether an action applies to resources of a type, or the action has no resource types and the resource
// is *.
func takes(aws map[string]awsAction, action, resource string) bool {
	a, known := aws[action]
	if !known {
		return false
	}
	if len(a.Resources) == 0 || resource == "*" {
		return len(a.Resources) == 0 && resource == "*"
	}
	for pattern := range a.Resources {
		if glob(wildType(pattern), resource) {
			return true
		}
	}
	return false
}

// sends reports whether AWS sends every key of a context with a request for the action. s3:x-amz-acl is sent with
// s3:PutObject, for example, also for CopyObject and CreateMultipartUpload, and not with s3:GetObject.
func sends(action string, context map[string]string) bool {
	described, known := reference.Find(action)
	for key := range context {
		if !known || !described.SendsKey(key) {
			return false
		}
	}
	return true
}

// wildTypes caches AWS's patterns of resource types with * for their variables.
var wildTypes sync.Map

func wildType(pattern string) string {
	if w, ok := wildTypes.Load(pattern); ok {
		return w.(string)
	}
	w := wild(pattern)
	wildTypes.Store(pattern, w)
	return w
}
