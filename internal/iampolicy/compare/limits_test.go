package compare

import (
	"testing"

	"permstack/internal/iampolicy"
)

// TestStepsAreLimited checks that each search ends after the number of steps that it was given, and needs no more than
// it counts.
func TestStepsAreLimited(t *testing.T) {
	t.Run("inclusion of patterns", func(t *testing.T) {
		p, q := glob("*a?*"), glob("*ab*")
		accepts := func(left int) (bool, int) {
			c := inclusion{p: p.symbols, q: q.symbols, seen: map[string]bool{}, left: left}
			start := make(states, 1)
			start.add(c.p, 0)
			return c.accepts(0, start), left - c.left
		}
		accepted, needed := accepts(1000)
		if !accepted || needed < 2 {
			t.Fatalf("accepts = %v after %d steps, want true after several", accepted, needed)
		}
		if accepted, _ := accepts(needed); !accepted {
			t.Errorf("not accepted with the %d steps that are needed", needed)
		}
		if accepted, _ := accepts(needed - 1); accepted {
			t.Errorf("accepted with %d steps of %d", needed-1, needed)
		}
	})

	// One statement for each part: "*" on "*" is covered after two splits, first by resource, then by action.
	const parts = `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b"},
		{"Effect":"Allow","NotAction":"s3:*","Resource":"arn:aws:s3:::b"},
		{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"}`
	const actionFirst = `{"Effect":"Allow","NotAction":"s3:*","Resource":"*"},
		{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b"},
		{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"}`
	for _, tt := range []struct {
		name, statements string
		left, depth      int
		want             bool
	}{
		{"as many steps as needed", parts, 3, 0, true},
		{"a step too few", parts, 2, 0, false},
		{"no step", parts, 1, 0, false},
		{"as deep as allowed", parts, coverSteps, 2, true},
		{"too deep for the second split", parts, coverSteps, 3, false},
		{"too deep for the second split, by action first", actionFirst, coverSteps, 3, false},
		{"as deep as allowed, by action first", actionFirst, coverSteps, 2, true},
	} {
		t.Run("parts: "+tt.name, func(t *testing.T) {
			r := newReader()
			x := r.readSide(docs(doc(t, admin))).allow[0]
			c := newCover("", r.readSide(docs(doc(t, tt.statements))).allow)
			left := tt.left
			got := c.search(combination{x.effect, &x.principals[0], &x.actions[0], &x.resources[0], &x.conditions},
				&left, tt.depth)
			if got != tt.want {
				t.Errorf("search = %v, want %v", got, tt.want)
			}
		})
	}

	t.Run("values of conditions", func(t *testing.T) {
		r := newReader()
		read := func(values ...string) conditions {
			return r.readConditions(iampolicy.Conditions{"StringEquals": {"k": values}}, true)
		}
		x := read("a", "b")
		blocks := []*block{{conditions: read("a")}, {conditions: read("b")}}
		for left, want := range []bool{false, true} {
			if got := meetsByValue(&x, blocks, &left); got != want {
				t.Errorf("with %d steps: got %v, want %v", left, got, want)
			}
		}
	})
}
