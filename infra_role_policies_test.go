package permstack_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
)

// evaluatedPolicy is a policy of a deployment with its requests, and for each statement the requests to which it
// applies.
type evaluatedPolicy struct {
	testedPolicy
	deployment *infraDeployment
	requests   []infraRequest
	byAction   map[string][]int
	all        []int
	applying   []map[int]bool // by statement
	count      []votes        // by request
}

// votes counts the statements that allow a request and those that deny it.
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

// applies reports whether a statement applies to a request, whatever its effect.
func applies(s iampolicy.Statement, r eval.Request) bool {
	if len(s.Action) > 0 && !slices.ContainsFunc(s.Action,
		func(a string) bool { return strings.Contains(a, "*") || strings.EqualFold(a, r.Action) }) {
		return false // most actions; faster than an evaluation
	}
	s.Effect = "Allow"
	d, _ := eval.Trust(iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{s}}, r)
	return d == eval.Allow
}

func evaluatePolicy(s *infraDeployment, p testedPolicy) *evaluatedPolicy {
	b := &evaluatedPolicy{testedPolicy: p, deployment: s, requests: s.requests(p.name), byAction: map[string][]int{}}
	b.count = make([]votes, len(b.requests))
	for i, r := range b.requests {
		b.byAction[strings.ToLower(r.Action)] = append(b.byAction[strings.ToLower(r.Action)], i)
		b.all = append(b.all, i)
	}
	for _, st := range p.statements {
		applying := map[int]bool{}
		for i, r := range b.requests {
			if applies(st, r.Request) {
				applying[i] = true
				b.count[i].add(st.Effect, 1)
			}
		}
		b.applying = append(b.applying, applying)
	}
	return b
}

// wrong returns the requests with a wrong decision.
func (b *evaluatedPolicy) wrong() (out []string) {
	for i, r := range b.requests {
		if d := b.count[i].decision(); d != r.want {
			out = append(out, fmt.Sprintf("%s: %s, want %s", r, d, r.want))
		}
	}
	return out
}

// detects reports whether some request has a wrong decision if the statements of the numbers gone are replaced by
// others.
func (b *evaluatedPolicy) detects(gone []int, come []iampolicy.Statement) bool {
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
			if b.applying[number][i] {
				count.add(b.statements[number].Effect, -1)
			}
		}
		for _, st := range come {
			if applies(st, b.requests[i].Request) {
				count.add(st.Effect, 1)
			}
		}
		return count.decision() != b.requests[i].want
	})
}

// probes returns the requests that follow from a statement itself, with what its conditions require, and that
// infra-role-access.txt does not allow. They detect permissions that no line of the file names, for example for
// another service.
func (b *evaluatedPolicy) probes(st iampolicy.Statement) []string {
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
	who, lines := callers(), b.deployment.linesFor(b.name)
	if st.Principal == nil {
		who = map[string]eval.Principal{"": {}}
	}
	for _, action := range st.Action {
		for _, resource := range resources {
			for _, r.Principal = range who {
				r.Action, r.Resource = strings.ReplaceAll(action, "*", "Anything"), example(resource)
				if want := b.deployment.decides(linesWithAction(lines, r.Action), r); applies(st, r) &&
					(want == eval.ImplicitDeny || want == eval.Allow && st.Effect == "Deny") {
					out = append(out,
						fmt.Sprintf("%s %s speaks of %s on %s by %v with %v", b.name, st.Sid, r.Action, r.Resource, r.Principal,
							r.Context))
				}
			}
		}
	}
	return out
}

// repeated are actions that several statements of a policy may have, and why.
var repeated = map[string]string{
	"iam:GetRole": "of roles that were deleted", "iam:ListRolePolicies": "as above",
	"iam:ListAttachedRolePolicies":    "as above",
	"iam:ListInstanceProfilesForRole": "as above", "iam:GetInstanceProfile": "as above",
	"kms:GenerateDataKey": "of several keys, or for several", "kms:Decrypt": "as above",
	"sns:Publish":                "by several, or denied",
	"cloudformation:CreateStack": "of one stack by its types", "cloudformation:UpdateStack": "as above",
	"sqs:SendMessage":                   "by Lambda, or by the function's code",
	"cloudformation:ListStackResources": "of the installation, and for the audit of the account",
	"sns:GetTopicAttributes":            "as above", "sqs:GetQueueAttributes": "as above",
}

// duplicateActions returns actions in several statements of a policy: an action that another statement allows already
// has no effect and is not intended.
func (p testedPolicy) duplicateActions() (out []string) {
	seen := map[string]string{}
	for i, st := range p.statements {
		where := fmt.Sprintf("%s#%d", st.Sid, i)
		for _, a := range st.Action {
			if other := seen[a]; other != "" && (repeated[a] == "" || other == where) {
				out = append(out, fmt.Sprintf("%s: %s is in %s and in %s", p.name, a, other, where))
			}
			seen[a] = where
		}
	}
	return out
}

// prepared holds the evaluated policies of the templates as they are, made once for all tests.
var prepared struct {
	once      sync.Once
	evaluated []*evaluatedPolicy
}

// evaluatedPolicies returns the policies of every deployment, of the templates as they are.
func evaluatedPolicies(t *testing.T) []*evaluatedPolicy {
	t.Helper()
	prepared.once.Do(func() { prepared.evaluated = evaluateInfraPolicies(t) })
	if len(prepared.evaluated) == 0 {
		t.Fatal("the templates could not be prepared; the first test that needs them says why")
	}
	return prepared.evaluated
}

func evaluateInfraPolicies(t *testing.T) []*evaluatedPolicy {
	t.Helper()
	file, err := readInfraAccess()
	if err != nil {
		t.Fatal(err)
	}
	var out []*evaluatedPolicy
	held := map[string]bool{}
	for _, s := range infraDeployments(t) {
		template, err := parsed(read(t, s.template))
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.bind(t, template)
		if err != nil {
			t.Fatalf("%s: %v", s.what, err)
		}
		s.names, s.lines = file.Names, file.Lines
		policies, err := s.policies(b)
		if err != nil {
			t.Fatalf("%s: %v", s.what, err)
		}
		for _, p := range policies {
			held[p.name] = true
			out = append(out, evaluatePolicy(&s, p))
		}
	}
	for _, a := range file.Lines {
		if !held[a.Section] {
			t.Errorf("infra-role-access.txt:%d: no template has %s", a.Number, a.Section)
		}
	}
	return out
}

// TestInfraRoleAccess compares the policies of the templates' own roles with infra-role-access.txt, in both
// directions.
func TestInfraRoleAccess(t *testing.T) {
	t.Parallel()
	number := 0
	sample := policytest.NewStratified(10) // of the statements that are probed; of each policy at least one
	for _, b := range evaluatedPolicies(t) {
		problems := b.wrong()
		for i, st := range b.statements {
			if !sample.Includes(b.name, fmt.Sprintf("%s/%s %d in %s", b.name, st.Sid, i, b.deployment.what)) {
				continue
			}
			problems = append(problems, b.probes(st)...)
		}
		problems = append(problems, b.duplicateActions()...)
		number += len(b.requests)
		for i, problem := range problems {
			if i == 10 {
				t.Errorf("%s, %s: and %d more", b.deployment.what, b.name, len(problems)-i)
				break
			}
			t.Errorf("%s, %s: %s", b.deployment.what, b.name, problem)
		}
	}
	t.Logf("%d requests", number)
}
