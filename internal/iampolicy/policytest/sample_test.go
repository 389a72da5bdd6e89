package policytest

import (
	"strconv"
	"testing"
)

func included(s Sample, cases int) map[int]bool {
	out := map[int]bool{}
	for i := range cases {
		if s.Includes("case " + strconv.Itoa(i)) {
			out[i] = true
		}
	}
	return out
}

// TestSample checks that about one in n cases is selected, the same ones each time, others with
// another seed, and all of them in a full run.
func TestSample(t *testing.T) {
	const cases = 10_000
	t.Setenv(FullVariable, "")
	t.Setenv(SeedVariable, "a")
	first, again := included(NewSample(20), cases), included(NewSample(20), cases)
	if len(first) < cases/20*8/10 || len(first) > cases/20*12/10 {
		t.Errorf("%d of %d cases, want about one in 20", len(first), cases)
	}
	t.Setenv(SeedVariable, "b")
	other := included(NewSample(20), cases)
	common := 0
	for i := range first {
		if !again[i] {
			t.Errorf("case %d is not selected again with the same seed", i)
		}
		if other[i] {
			common++
		}
	}
	if common > len(first)/4 {
		t.Errorf("seeds a and b have %d of %d cases in common", common, len(first))
	}
	t.Setenv(FullVariable, "1")
	if got := included(NewSample(20), cases); len(got) != cases {
		t.Errorf("a full run takes %d of %d cases", len(got), cases)
	}
}
