package compare

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
)

// choices turns bytes into decisions, so that a fuzzer can steer them; when the
// bytes have run out every choice is the first.
type choices struct{ data []byte }

func (c *choices) upTo(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return int(b) % n
}

func (c *choices) once(outOf int) bool { return c.upTo(outOf) == outOf-1 }

func pick[T any](c *choices, from []T) T { return from[c.upTo(len(from))] }

// some gives one to three of a list.
func (c *choices) some(from []string) iampolicy.Values {
	out := iampolicy.Values{pick(c, from)}
	for len(out) < 3 && c.once(3) {
		out = append(out, pick(c, from))
	}
	return out
}

func randomChoices(seed uint64) *choices {
	c := &choices{make([]byte, 400)}
	r := rand.New(rand.NewPCG(seed, 7))
	for i := range c.data {
		c.data[i] = byte(r.Uint32())
	}
	return c
}

// A small universe: what documents may say, and all requests that can be told
// apart by it.
var (
	actionPatterns   = []string{"s3:GetObject", "s3:PutObject", "iam:GetRole", "S3:getobject", "s3:*", "*", "s3:Get*", "*:*", "?3:*t", "iam:*", "*:Get*"}
	resourcePatterns = []string{"arn:aws:s3:::b/x", "arn:aws:s3:::b", "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b*", "arn:aws:s3:::*", "arn:aws:iam::*:role/a", "arn:aws:iam::1:role/*",
		"arn:aws:s3*", "arn:aws:iam::2:role/a", "arn:*:role/a", "arn:aws:s3:::${k}", "arn:aws:s3:::${k}/*", "arn:aws:s3:::b/${l,'x'}", "arn:aws:s3:::b/${*}", "arn:aws:iam::${k}:role/a", "arn:aws:iam:*:?:role/a"}
	principalChoices = []iampolicy.Principal{
		{ByType: map[string]iampolicy.Values{"AWS": {"111122223333"}}}, {ByType: map[string]iampolicy.Values{"AWS": {"arn:aws:iam::111122223333:root"}}},
		{ByType: map[string]iampolicy.Values{"AWS": {"arn:aws:iam::111122223333:role/r"}}}, {ByType: map[string]iampolicy.Values{"AWS": {"arn:aws:sts::111122223333:assumed-role/r/s"}}},
		{ByType: map[string]iampolicy.Values{"AWS": {"*"}}}, {Everyone: true}, {ByType: map[string]iampolicy.Values{"Service": {"ec2.amazonaws.com"}}},
		{ByType: map[string]iampolicy.Values{"AWS": {"444455556666"}, "Service": {"ec2.amazonaws.com"}}}, {ByType: map[string]iampolicy.Values{"AWS": {"444455556666", "111122223333"}}}, {},
	}
	operators = []string{"StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "ArnLike", "ArnEquals", "ArnNotLike",
		"Bool", "Null", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
		"DateLessThan", "DateGreaterThanEquals", "DateEquals", "DateNotEquals", "IpAddress", "NotIpAddress", "BinaryEquals", "Unheard", "stringequals"}
	conditionValues = []string{"a", "b", "A", "*", "a*", "?", "b/x", "true", "false", "5", "10", "5.0", "10.0.0.1", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9",
		"arn:aws:iam::1:role/a", "arn:aws:iam::*:role/*", "arn:aws:iam::*:role/a", "arn:aws:iam", "2026-01-01", "2026-01-01T00:00:00Z", "1767225600", "2026", "${l}", "${k}", "${l, 'a'}", "x${l}", "${*}", ""}

	universe = requests()
)

func requests() []eval.Request {
	values := func(v ...string) []string { return v }
	contexts := []map[string][]string{
		{}, {"k": values()}, {"k": values("a")}, {"k": values("A")}, {"k": values("b"), "l": values("b")}, {"k": values("a", "b")}, {"k": values("b", "c")}, {"k": values("a"), "l": values("a")},
		{"k": values("a"), "l": values("true")}, {"k": values("true")}, {"k": values("false")}, {"k": values("5")}, {"k": values("7")}, {"k": values("12")}, {"k": values("10")}, {"k": values("10.0.0.1")},
		{"k": values("10.200.0.1")}, {"k": values("arn:aws:iam::1:role/a")}, {"k": values("arn:aws:iam::2:role/b:c")}, {"k": values("2026-01-01T00:00:00Z")}, {"k": values("2025-06-01T00:00:00Z")},
		{"k": values("")}, {"k": values("*")}, {"k": values("b")}, {"k": values("1"), "l": values("x")}, {"k": values("1:role/a:x")}, {"l": values("a")}, {"l": values("5")}, {"l": values("10.0.0.1"), "k": values("xb")},
		{"k": values("a*")}, {"k": values("${l}"), "l": values("*")}, {"k": values("1767225600")}, {"l": values("a", "b"), "k": values("c")},
	}
	principals := []eval.Principal{
		{Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/r/s", RoleARN: "arn:aws:iam::111122223333:role/r"},
		{Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/q/s", RoleARN: "arn:aws:iam::111122223333:role/q"},
		{Account: "444455556666", ARN: "arn:aws:iam::444455556666:root"},
		{Service: "ec2.amazonaws.com"}, {Service: "lambda.amazonaws.com"},
	}
	var out []eval.Request
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "iam:GetRole", "iam:PassRole", "sts:GetSession"} {
		for _, r := range []string{"*", "arn:aws:s3:::b", "arn:aws:s3:::b/x", "arn:aws:s3:::b/*", "arn:aws:s3:::bc", "arn:aws:s3:::a", "arn:aws:iam::1:role/a", "arn:aws:iam::2:role/a", "arn:aws:iam::1:role/b"} {
			for i, c := range contexts {
				for j, p := range principals {
					if i > 5 && (i+j)%len(principals) != 0 { // all principals in a few contexts, one in the others
						continue
					}
					out = append(out, eval.Request{Principal: p, Action: action, Resource: r, Context: c})
				}
			}
		}
	}
	return out
}

func (c *choices) documents(trust bool) []iampolicy.Document {
	docs := []iampolicy.Document{c.document(trust)}
	if c.once(4) {
		docs = append(docs, c.document(trust))
	}
	return docs
}

func (c *choices) document(trust bool) iampolicy.Document {
	d := iampolicy.Document{Version: pick(c, []string{iampolicy.Version, iampolicy.Version, "2008-10-17", ""})}
	for range 1 + c.upTo(3) {
		d.Statement = append(d.Statement, c.statement(trust))
	}
	return d
}

func (c *choices) statement(trust bool) iampolicy.Statement {
	s := iampolicy.Statement{Effect: pick(c, []string{allow, allow, deny})}
	if actions := c.some(actionPatterns); c.once(6) {
		s.NotAction = actions
	} else {
		s.Action = actions
	}
	if resources := c.some(resourcePatterns); c.once(6) {
		s.NotResource = resources
	} else if !trust || !c.once(2) {
		s.Resource = resources
	}
	if trust {
		if p := pick(c, principalChoices); c.once(6) {
			s.NotPrincipal = &p
		} else {
			s.Principal = &p
		}
	}
	for c.once(2) && len(s.Condition) < 2 {
		if s.Condition == nil {
			s.Condition = iampolicy.Conditions{}
		}
		s.Condition[c.operator()] = map[string]iampolicy.Values{pick(c, []string{"k", "k", "K", "l"}): c.some(conditionValues)}
	}
	return s
}

func (c *choices) operator() string {
	operator := pick(c, operators)
	if c.once(4) {
		operator = pick(c, []string{"ForAllValues:", "ForAnyValue:"}) + operator
	}
	if c.once(4) {
		operator += "IfExists"
	}
	return operator
}

// rank orders decisions by what they grant.
func rank(d eval.Decision) int {
	return map[eval.Decision]int{eval.ExplicitDeny: 0, eval.ImplicitDeny: 1, eval.Allow: 2}[d]
}

// stride leaves requests out: many pairs with some requests each find more than
// few pairs with all. Where a pair begins hangs on the pair.
const stride = 7

// decide compares two sides request by request.
func decide(want, have []iampolicy.Document) (more, less *eval.Request) {
	for i := len(show(want)+show(have)) % stride; i < len(universe); i += stride {
		r := &universe[i]
		switch a, b := rank(eval.Documents(want, *r)), rank(eval.Documents(have, *r)); {
		case b > a && more == nil:
			more = r
		case b < a && less == nil:
			less = r
		}
		if more != nil && less != nil {
			break
		}
	}
	return more, less
}

// holds checks a direction against the evaluator.
func holds(t *testing.T, want, have []iampolicy.Document, d Difference) (more, less *eval.Request) {
	t.Helper()
	more, less = decide(want, have)
	if more != nil && (d.Direction == Same || d.Direction == GrantsLess) {
		t.Errorf("%v, but %+v is granted\nwant %s\nhave %s\n%v", d.Direction, *more, show(want), show(have), d.Changes)
	}
	if less != nil && (d.Direction == Same || d.Direction == GrantsMore) {
		t.Errorf("%v, but %+v is lost\nwant %s\nhave %s\n%v", d.Direction, *less, show(want), show(have), d.Changes)
	}
	return more, less
}

func show(docs []iampolicy.Document) string {
	var out string
	for _, d := range docs {
		text, _ := d.JSON()
		out += "\n  " + string(text)
	}
	return out
}

// checkPair compares two random sides and holds all that Compare says against
// the evaluator and against itself. Half the time the second is the first with
// small changes, for random documents are seldom comparable.
func checkPair(t *testing.T, c *choices) (Difference, bool) {
	trust := c.once(3)
	want := c.documents(trust)
	var have []iampolicy.Document
	if c.once(2) {
		have = c.documents(trust)
	} else {
		have = c.mutate(want)
	}
	d := Compare(want, have)
	more, less := holds(t, want, have, d)
	holds(t, want, have, Compare(want, have, InAccount("999988887777")))
	back := Compare(have, want)
	if opposite := [...]Direction{Same, GrantsLess, GrantsMore, Changed}[d.Direction]; back.Direction != opposite {
		t.Errorf("%v, back %v\nwant %s\nhave %s", d.Direction, back.Direction, show(want), show(have))
	}
	if (d.Direction == Same) != (len(d.Changes) == 0) {
		t.Errorf("%v with %d changes", d.Direction, len(d.Changes))
	}
	if fmt.Sprint(Compare(want, have)) != fmt.Sprint(d) {
		t.Errorf("not the same answer twice")
	}
	exact := map[Direction]bool{Same: more == nil && less == nil, GrantsMore: more != nil, GrantsLess: less != nil, Changed: more != nil && less != nil}[d.Direction]
	return d, exact
}

// mutate changes one or two things somewhere.
func (c *choices) mutate(docs []iampolicy.Document) []iampolicy.Document {
	out := clone(docs)
	for range 1 + c.upTo(2) {
		d := &out[c.upTo(len(out))]
		if len(d.Statement) == 0 {
			continue
		}
		i := c.upTo(len(d.Statement))
		s, fresh := &d.Statement[i], c.statement(d.Statement[i].Principal != nil)
		switch c.upTo(7) {
		case 0:
			s.Condition = fresh.Condition
		case 1:
			s.Resource, s.NotResource = fresh.Resource, fresh.NotResource
		case 2:
			s.Action, s.NotAction = fresh.Action, fresh.NotAction
		case 3:
			d.Statement = append(d.Statement, fresh)
		case 4:
			d.Statement = append(d.Statement[:i], d.Statement[i+1:]...)
		case 5:
			for operator, keys := range s.Condition {
				for name, values := range keys {
					s.Condition[operator][name] = append(values, pick(c, conditionValues))
				}
			}
		case 6:
			if s.Principal != nil {
				s.Principal = fresh.Principal
				s.NotPrincipal = fresh.NotPrincipal
			}
		}
	}
	return out
}

// seeds calls f with the seeds of a test's random cases: one in four of them, all with PERMSTACK_FULL=1. It returns
// their number.
func seeds(t *testing.T, f func(seed uint64)) int {
	t.Helper()
	sample, n := policytest.NewSample(4), 0
	for i := range uint64(1200) {
		if !sample.Includes(fmt.Sprint("seed ", i)) {
			continue
		}
		n++
		if f(i); t.Failed() {
			t.Fatalf("seed %d", i)
		}
	}
	t.Logf("%s: %d", sample, n)
	return n
}

// TestDirectionAgainstTheEvaluator compares random documents, four times as many with PERMSTACK_FULL=1.
func TestDirectionAgainstTheEvaluator(t *testing.T) {
	seen, precise := map[Direction]int{}, map[Direction]int{}
	n := seeds(t, func(i uint64) {
		d, exact := checkPair(t, randomChoices(i))
		seen[d.Direction]++
		if exact {
			precise[d.Direction]++
		}
	})
	for _, d := range []Direction{Same, GrantsMore, GrantsLess, Changed} {
		if seen[d] < n/50 {
			t.Errorf("only %d pairs are %v", seen[d], d)
		}
		t.Logf("%v: %d, of which requests of the small universe show it: %d", d, seen[d], precise[d])
	}
}

// FuzzDirection: what Compare says agrees with what the evaluator decides.
func FuzzDirection(f *testing.F) {
	for i := range 20 {
		f.Add(randomChoices(uint64(i)).data[:60])
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkPair(t, &choices{data}) })
}
