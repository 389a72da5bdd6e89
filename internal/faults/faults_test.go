package faults

import (
	"testing"
)

func TestClean(t *testing.T) {
	for _, l := range Lives {
		r, err := l.lived(nil)
		if err != nil {
			t.Fatal(err)
		}
		n := map[Side]int{}
		for _, c := range r.Calls {
			n[c.Side]++
		}
		t.Log(l.Name, r.Outcome, n)
		for _, p := range r.Problems {
			t.Errorf("%s: %s", l.Name, p)
		}
	}
}

func BenchmarkLife(b *testing.B) {
	for b.Loop() {
		for _, l := range Lives {
			if _, err := l.lived(nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func TestSample(t *testing.T) {
	m, err := Run(t.Context(), Options{Sample: 23})
	if err != nil {
		t.Fatal(err)
	}
	n := map[Outcome]int{}
	for _, r := range m.Results {
		n[r.Outcome]++
		if len(r.Problems) > 0 {
			t.Errorf("%s; %s:\n  %s", r.Life, r.Fault, r.Problems)
		}
	}
	t.Log(len(m.Results), n)
}
