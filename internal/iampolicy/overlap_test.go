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

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"*", "", true},
		{"*", "a*b?", true},
		{"?", "*", false},
		{"?", "?", true},
		{"a", "?", false},
		{"?", "a", true},
		{"a*", "a", true},
		{"a*c", "ab*", false},
		{"a*c", "ab*c", true},
		{"ab*c", "a*c", false},
		{"stack/*permstack*", "stack/a-permstack-access/1", true},
		{"stack/*permstack*", "stack/a/1", false},
		{"stack/*permstack*", "stack/*", false},
	} {
		t.Run(c.p+" "+c.q, func(t *testing.T) {
			if got := iampolicy.Covers(c.p, c.q); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
