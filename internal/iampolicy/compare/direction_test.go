package compare

import (
	"fmt"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
)

// rank orders decisions by the access that they grant.
func rank(d eval.Decision) int {
	return map[eval.Decision]int{eval.ExplicitDeny: 0, eval.ImplicitDeny: 1, eval.Allow: 2}[d]
}

// stride skips requests: many pairs with some requests each find more than few pairs with all. The first request
// depends on the pair.
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

// holds fails the test if the evaluator contradicts the direction.
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

// checkPair compares two random sides and checks the result of Compare by the evaluator and by the reverse comparison.
// Half of the second sides are the first with small changes, because random documents are seldom comparable.
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
	exact := map[Direction]bool{Same: more == nil && less == nil, GrantsMore: more != nil, GrantsLess: less != nil,
		Changed: more != nil && less != nil}[d.Direction]
	return d, exact
}

// mutate returns the documents with one or two random changes.
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

// FuzzDirection checks that the result of Compare agrees with the evaluator.
func FuzzDirection(f *testing.F) {
	for i := range 20 {
		f.Add(randomChoices(uint64(i)).data[:60])
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkPair(t, &choices{data}) })
}
