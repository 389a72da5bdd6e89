package iampolicy_test

import (
	"testing"

	"permstack/internal/iampolicy"
)

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"", "", true},
		{"*", "", true},
		{"?", "", false},
		{"a", "a", true},
		{"a", "b", false},
		{"a*", "*b", true},
		{"a*c", "ab*", true},
		{"a*c", "b*", false},
		{"a?c", "abc", true},
		{"role/*", "role/permstack/x", true},
		{"role/vendor*", "role/permstack/*", false},
	} {
		t.Run(c.p+" "+c.q, func(t *testing.T) {
			if got := iampolicy.Overlap(c.p, c.q); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if got := iampolicy.Overlap(c.q, c.p); got != c.want {
				t.Errorf("exchanged: got %v, want %v", got, c.want)
			}
		})
	}
}
