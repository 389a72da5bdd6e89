package permstack_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// ownBench is a place of a scene: its requests, and which statements let which
// through.
type ownBench struct {
	place
	scene    *ownScene
	requests []asked
	byAction map[string][]int
	all      []int
	lets     []map[int]bool // by statement
	count    []votes        // by request
}

// votes are how many statements allow a request, and how many deny it.
type votes struct{ allow, deny int }

func (v *votes) add(effect string, n int) {
	if effect == "Deny" {
		v.deny += n
	} else {
		v.allow += n
	}
}

func (v votes) decision() eval.Decision {
	switch {
	case v.deny > 0:
		return eval.ExplicitDeny
	case v.allow > 0:
		return eval.Allow
	}
	return eval.ImplicitDeny
}

// letsOwn tells whether a statement speaks of a request.
func letsOwn(s iampolicy.Statement, r eval.Request) bool {
	if len(s.Action) > 0 && !slices.ContainsFunc(s.Action, func(a string) bool { return strings.Contains(a, "*") || strings.EqualFold(a, r.Action) }) {
		return false // as most do: quicker than asking
	}
	s.Effect = "Allow"
	d, _ := eval.Trust(iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{s}}, r)
	return d == eval.Allow
}

func newOwnBench(s *ownScene, p place) *ownBench {
	b := &ownBench{place: p, scene: s, requests: s.ownRequests(p.name), byAction: map[string][]int{}}
	b.count = make([]votes, len(b.requests))
	for i, r := range b.requests {
		b.byAction[strings.ToLower(r.Action)] = append(b.byAction[strings.ToLower(r.Action)], i)
		b.all = append(b.all, i)
	}
	for _, st := range p.statements {
		lets := map[int]bool{}
		for i, r := range b.requests {
			if letsOwn(st, r.Request) {
				lets[i] = true
				b.count[i].add(st.Effect, 1)
			}
		}
		b.lets = append(b.lets, lets)
	}
	return b
}

// wrong lists what is allowed and should not be, or the other way round.
func (b *ownBench) wrong() (out []string) {
	for i, r := range b.requests {
		if d := b.count[i].decision(); d != r.want {
			out = append(out, fmt.Sprintf("%s: %s, want %s", r, d, r.want))
		}
	}
	return out
}

// notices is whether a request tells that other statements stand in the place of
// some.
func (b *ownBench) notices(gone []int, come []iampolicy.Statement) bool {
	concerned := map[string]bool{}
	changed := slices.Clone(come)
	for _, i := range gone {
		changed = append(changed, b.statements[i])
	}
	for _, st := range changed {
		if len(st.NotAction) > 0 {
			concerned["*"] = true
		}
		for _, a := range st.Action {
			concerned[strings.ToLower(a)] = true
		}
	}
	list := []int{}
	for action := range concerned {
		if strings.Contains(action, "*") {
			list = b.all
			break
		}
		list = append(list, b.byAction[action]...)
	}
	return slices.ContainsFunc(list, func(i int) bool {
		count := b.count[i]
		for _, number := range gone {
			if b.lets[number][i] {
				count.add(b.statements[number].Effect, -1)
			}
		}
		for _, st := range come {
			if letsOwn(st, b.requests[i].Request) {
				count.add(st.Effect, 1)
			}
		}
		return count.decision() != b.requests[i].want
	})
}

// probes are requests that follow from a statement itself: what it names, with
// what its conditions ask for. They notice what no line of infra-role-access.txt thinks
// of, an action of a service that we have nothing to do with for one.
func (b *ownBench) probes(st iampolicy.Statement) []string {
	if st.NotAction != nil || st.NotResource != nil || st.NotPrincipal != nil {
		return []string{st.Sid + " names what it does not mean"}
	}
	var out []string
	r := eval.Request{Context: map[string][]string{}}
	for operator, keys := range st.Condition {
		for key, values := range keys {
			if !strings.Contains(operator, "Not") && !strings.Contains(operator, "Null") {
				r.Context[key] = []string{example(values[0])}
			}
		}
	}
	resources := st.Resource
	if len(resources) == 0 {
		resources = iampolicy.Values{""}
	}
	who := ownVisitors()
	if st.Principal == nil {
		who = map[string]eval.Principal{"": {}}
	}
	for _, action := range st.Action {
		for _, resource := range resources {
			for _, r.Principal = range who {
				r.Action, r.Resource = strings.ReplaceAll(action, "*", "Anything"), example(resource)
				if want := b.scene.decides(b.name, r); letsOwn(st, r) && (want == eval.ImplicitDeny || want == eval.Allow && st.Effect == "Deny") {
					out = append(out,
						fmt.Sprintf("%s %s speaks of %s on %s by %v with %v", b.name, st.Sid, r.Action, r.Resource, r.Principal, r.Context))
				}
			}
		}
	}
	return out
}

// repeated are actions that stand in several statements of a place, and why.
var repeated = map[string]string{
	"iam:GetRole": "of roles that are gone", "iam:ListRolePolicies": "as above", "iam:ListAttachedRolePolicies": "as above",
	"iam:ListInstanceProfilesForRole": "as above", "iam:GetInstanceProfile": "as above",
	"kms:GenerateDataKey": "of several keys, or for several", "kms:Decrypt": "as above",
	"sns:Publish": "by several, or denied",
}

// twice lists actions that stand in several statements of a place: one that is
// added where another statement allows it already changes nothing, and is still
// not meant.
func (p place) twice() (out []string) {
	seen := map[string]string{}
	for i, st := range p.statements {
		where := fmt.Sprintf("%s#%d", st.Sid, i)
		for _, a := range st.Action {
			if other := seen[a]; other != "" && (repeated[a] == "" || other == where) {
				out = append(out, fmt.Sprintf("%s: %s stands in %s and in %s", p.name, a, other, where))
			}
			seen[a] = where
		}
	}
	return out
}

// prepared holds the benches of the templates as they are, made once for all tests.
var prepared struct {
	once    sync.Once
	benches []*ownBench
}

// prepareOwn returns the places of every scene, of the templates as they are.
func prepareOwn(t *testing.T) []*ownBench {
	t.Helper()
	prepared.once.Do(func() { prepared.benches = newOwnBenches(t) })
	if len(prepared.benches) == 0 {
		t.Fatal("the templates could not be prepared; the first test that needs them says why")
	}
	return prepared.benches
}

func newOwnBenches(t *testing.T) []*ownBench {
	t.Helper()
	file, err := ownAccesses()
	if err != nil {
		t.Fatal(err)
	}
	var out []*ownBench
	held := map[string]bool{}
	for _, s := range ownScenes(t) {
		template, err := cfntemplate.Parse(read(t, s.template))
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.bind(t, template)
		if err != nil {
			t.Fatalf("%s: %v", s.what, err)
		}
		s.names, s.lines = file.names, file.lines
		places, err := s.places(b)
		if err != nil {
			t.Fatalf("%s: %v", s.what, err)
		}
		for _, p := range places {
			held[p.name] = true
			out = append(out, newOwnBench(&s, p))
		}
	}
	for _, a := range file.lines {
		if !held[a.place] {
			t.Errorf("infra-role-access.txt:%d: no template has %s", a.line, a.place)
		}
	}
	return out
}

// TestOwnAccess has the policies of our own templates judged by what
// infra-role-access.txt says, and infra-role-access.txt by what they say.
func TestOwnAccess(t *testing.T) {
	number := 0
	for _, b := range prepareOwn(t) {
		problems := b.wrong()
		for _, st := range b.statements {
			problems = append(problems, b.probes(st)...)
		}
		problems = append(problems, b.twice()...)
		number += len(b.requests)
		for i, problem := range problems {
			if i == 10 {
				t.Errorf("%s, %s: and %d more", b.scene.what, b.name, len(problems)-i)
				break
			}
			t.Errorf("%s, %s: %s", b.scene.what, b.name, problem)
		}
	}
	t.Logf("%d requests", number)
}
