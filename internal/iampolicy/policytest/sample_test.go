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
	t.Setenv(fullVariable, "")
	t.Setenv(slowVariable, "1")
	t.Setenv(seedVariable, "a")
	first, again := included(NewSample(20), cases), included(NewSample(20), cases)
	if len(first) < cases/20*8/10 || len(first) > cases/20*12/10 {
		t.Errorf("%d of %d cases, want about one in 20", len(first), cases)
	}
	t.Setenv(seedVariable, "b")
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
	t.Setenv(slowVariable, "")
	if n := len(included(NewSample(20), cases)); n < cases/20/quick*7/10 || n > cases/20/quick*13/10 {
		t.Errorf("plain go test takes %d of %d cases, want about one in %d", n, cases, 20*quick)
	}
	t.Setenv(fullVariable, "1")
	if got := included(NewSample(20), cases); len(got) != cases {
		t.Errorf("a full run takes %d of %d cases", len(got), cases)
	}
}

// TestStratified checks that a stratified sample has a case of every kind, about one in n of the others, and all in a
// full run.
func TestStratified(t *testing.T) {
	t.Setenv(fullVariable, "")
	t.Setenv(slowVariable, "1")
	t.Setenv(seedVariable, "a")
	const kinds, cases = 20, 100
	count := func() map[int]int {
		sample, out := NewStratified(50), map[int]int{}
		for kind := range kinds {
			for i := range cases {
				if sample.Includes(strconv.Itoa(kind), strconv.Itoa(kind)+" "+strconv.Itoa(i)) {
					out[kind]++
				}
			}
		}
		return out
	}
	total := 0
	for kind := range kinds {
		n := count()[kind]
		if n == 0 {
			t.Errorf("got no case of kind %d, want at least one", kind)
		}
		total += n
	}
	if want := kinds + kinds*cases/50; total > want*3/2 {
		t.Errorf("got %d cases, want about %d", total, want)
	}
	t.Setenv(fullVariable, "1")
	for kind := range kinds {
		if n := count()[kind]; n != cases {
			t.Errorf("got %d of %d cases of kind %d in a full run", n, cases, kind)
		}
	}
}

// TestQuickSample checks that only plain go test leaves out cases of a quick sample, and runs no slow test.
func TestQuickSample(t *testing.T) {
	const cases = 1000
	for _, c := range []struct {
		slow, full string
		all        bool
	}{{"", "", false}, {"1", "", true}, {"", "1", true}} {
		t.Run("slow "+c.slow+" full "+c.full, func(t *testing.T) {
			t.Setenv(slowVariable, c.slow)
			t.Setenv(fullVariable, c.full)
			if n := len(included(NewQuickSample(10), cases)); (n == cases) != c.all || n < cases/20 {
				t.Errorf("got %d of %d cases", n, cases)
			}
			ran := false
			t.Run("slow test", func(t *testing.T) {
				RequireSlow(t, "it is an example")
				ran = true
			})
			if ran != c.all {
				t.Errorf("the slow test ran: %v, want %v", ran, c.all)
			}
		})
	}
}
