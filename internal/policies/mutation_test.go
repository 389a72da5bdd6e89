package policies_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/policies/lint"
)

// evaluatedChoice is a choice with its requests, and for each of them the number of statements of the unchanged profile
// that allow it and that deny it.
type evaluatedChoice struct {
	testChoice
	requests     []derivedRequest
	evalRequests []eval.Request
	counts       []counts
	byAction     map[string][]int // "role action", lower case → requests
	byRole       map[string][]int
	set          policies.Set
	matchedCache map[string]map[int]bool // statement → requests that it matches
}

// counts are the numbers of statements that allow a request and that deny it.
type counts struct{ allow, deny int }

func (c counts) allowed() bool { return c.allow > 0 && c.deny == 0 }

// add counts a statement that matches, or with -1 no longer does.
func (c *counts) add(s *iampolicy.Statement, n int) {
	if s.Effect == "Deny" {
		c.deny += n
	} else {
		c.allow += n
	}
}

func evaluateChoice(t testing.TB, s testChoice, lines []access, aws map[string]awsAction) *evaluatedChoice {
	b := &evaluatedChoice{
		testChoice:   s,
		requests:     derive(s.model(lines), aws),
		byAction:     map[string][]int{},
		byRole:       map[string][]int{},
		matchedCache: map[string]map[int]bool{},
	}
	b.set = synthesize(t, s.sel, s.env)
	docs := documentsByRole(b.set)
	b.counts = make([]counts, len(b.requests))
	for i, r := range b.requests {
		b.evalRequests = append(b.evalRequests, r.request())
		key := strings.ToLower(r.role + " " + r.action)
		b.byAction[key] = append(b.byAction[key], i)
		b.byRole[r.role] = append(b.byRole[r.role], i)
		for _, d := range docs[r.role] {
			for j := range d.Statement {
				if matches(&d.Statement[j], b.evalRequests[i]) {
					b.counts[i].add(&d.Statement[j], 1)
				}
			}
		}
	}
	return b
}

// matches reports whether a statement by itself allows a request, or denies it.
func matches(s *iampolicy.Statement, r eval.Request) bool {
	for _, a := range s.Action {
		if !strings.Contains(a, "*") && !strings.EqualFold(a, r.Action) {
			continue // most actions; faster than an evaluation
		}
		one := *s
		one.Action, one.Effect = iampolicy.Values{a}, "Allow"
		d := iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{one}}
		if eval.Documents([]iampolicy.Document{d}, r) == eval.Allow {
			return true
		}
	}
	return false
}

// detects returns a request for which the mutant has the wrong decision, or nil.
func (b *evaluatedChoice) detects(t testing.TB, m mutant) *derivedRequest {
	set, err := policies.SynthesizeProfile(m.profile, b.sel, b.env)
	if err != nil {
		t.Fatalf("%s/%s: %s: %v", m.policy, m.sid, m.what, err)
	}
	was, now := findStatement(b.set, m), findStatement(set, m)
	if was != nil && now != nil && reflect.DeepEqual(*was, *now) {
		return nil
	}
	wrong := func(i int) bool {
		n := b.counts[i]
		if was != nil && b.matchedBy(m, was)[i] {
			n.add(was, -1)
		}
		if now != nil && matches(now, b.evalRequests[i]) {
			n.add(now, 1)
		}
		return n.allowed() != b.requests[i].allowed
	}
	for _, s := range []*iampolicy.Statement{now, was} {
		if s == nil {
			continue
		}
		for _, a := range slices.Backward(s.Action) { // an added action is the last
			concerned := b.byAction[strings.ToLower(m.role+" "+a)]
			if strings.Contains(a, "*") {
				concerned = b.byRole[m.role]
			}
			if i := slices.IndexFunc(concerned, wrong); i >= 0 {
				return &b.requests[concerned[i]]
			}
		}
	}
	return nil
}

// matchedBy returns the requests that a statement of the unchanged profile allows or denies.
func (b *evaluatedChoice) matchedBy(m mutant, s *iampolicy.Statement) map[int]bool {
	key := m.role + " " + m.policy + " " + m.sid
	if out, known := b.matchedCache[key]; known {
		return out
	}
	out := map[int]bool{}
	for _, i := range b.byRole[m.role] {
		if matches(s, b.evalRequests[i]) {
			out[i] = true
		}
	}
	b.matchedCache[key] = out
	return out
}

func findStatement(set policies.Set, m mutant) *iampolicy.Statement {
	for _, r := range set.Roles {
		if r.Entity != m.role {
			continue
		}
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			for i := range p.Document.Statement {
				if p.Entity == m.policy && p.Document.Statement[i].Sid == m.sid {
					return &p.Document.Statement[i]
				}
			}
		}
	}
	return nil
}

// evaluated returns the evaluated choices of a profile. They are made once for all tests.
var evaluated = map[string]func(testing.TB) []*evaluatedChoice{
	"clumio": preparedOnce("clumio"), "cpm": preparedOnce("cpm"),
}

func preparedOnce(profile string) func(testing.TB) []*evaluatedChoice {
	var once sync.Once
	var list []*evaluatedChoice
	return func(t testing.TB) []*evaluatedChoice {
		t.Helper()
		once.Do(func() {
			lines, aws := readAccesses(t), readAWS(t)
			for _, s := range testChoices(profile, lines) {
				list = append(list, evaluateChoice(t, s, lines, aws))
			}
		})
		if len(list) == 0 {
			t.Fatalf("no choice of %s is prepared", profile)
		}
		return list
	}
}

// TestMutationOfStatements changes statements of every profile in every way of statement_mutants_test.go; a request of
// access.txt or a rule of the catalogue must notice. What means the same as before in every choice is counted as
// equivalent.
//
// A run takes a sample of the mutants; PERMSTACK_SEED selects which. All of them, some minutes' work:
//
//	PERMSTACK_FULL=1 go test -run Mutation -timeout 30m ./internal/policies .
func TestMutationOfStatements(t *testing.T) {
	sample := policytest.NewSample(80)
	for _, name := range []string{"clumio", "cpm"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			evaluated := evaluated[name](t)
			profile, _ := policies.Profile(name)
			total, byRequest, byRule, same := 0, 0, 0, 0
			mutants(profile, func(m mutant) {
				if !sample.Includes(fmt.Sprintf("%s %s %s %s", m.role, m.policy, m.sid, m.what)) {
					return
				}
				total++
				for _, b := range evaluated {
					if findStatement(b.set, m) == nil && !strings.HasPrefix(m.what, "for every") &&
						!strings.HasPrefix(m.what, "without the") {
						continue
					}
					if b.detects(t, m) != nil {
						byRequest++
						return
					}
				}
				switch {
				case len(ruleProblems(m)) > 0:
					byRule++
				case equivalent(t, m, evaluated):
					same++
				default:
					t.Errorf("survives: %s: %s/%s: %s", m.role, m.policy, m.sid, m.what)
				}
			})
			if total == 0 {
				t.Error("no mutant was tried")
			}
			t.Logf("%s: %d mutants: %d noticed by a request, %d by a rule alone, %d equivalent",
				sample, total, byRequest, byRule, same)
		})
	}
}

var permissionsDocument = sync.OnceValues(readPermissionsDocument)

// ruleProblems checks the changed statement by the rules of package lint.
func ruleProblems(m mutant) []string {
	if m.statement.Sid == "" {
		return permissionsDocumentProblems(m)
	}
	var out []string
	for _, f := range lint.Statement(m.profile, m.statement) {
		out = append(out, f.Message)
	}
	for _, a := range m.statement.Actions {
		if strings.Contains(a, "*") && wildActions[a] == nil {
			out = append(out, a+" is none of the wildcards that the vendors' documents have")
		}
	}
	return append(out, permissionsDocumentProblems(m)...)
}

// permissionsDocumentProblems compares the actions of the changed policy with Clumio's permissions document.
func permissionsDocumentProblems(m mutant) []string {
	if m.profile.Name != "clumio" {
		return nil
	}
	page, err := permissionsDocument()
	if err != nil {
		return []string{err.Error()}
	}
	var have []string
	for _, r := range m.profile.Roles {
		for _, p := range r.Policies {
			if r.Entity == m.role && p.Entity == m.policy {
				for _, s := range p.Statements {
					have = append(have, s.Actions...)
				}
			}
		}
	}
	want := page[m.role+" "+m.policy]
	return append(minus(want, have), minus(have, want)...)
}
