package policytest

import (
	"fmt"
	"hash/fnv"
	"os"
	"testing"
)

// Environment variables that select how much of a long test runs. ./build.sh test sets neither, ./build.sh exhaustive
// sets the first. Tests read them with the functions of this package only; build.sh finds the packages by their calls.
const (
	fullVariable = "PERMSTACK_FULL" // 1 makes every test take all cases
	seedVariable = "PERMSTACK_SEED" // any text; another text selects other cases
)

// Full reports whether tests take all cases.
func Full() bool { return os.Getenv(fullVariable) == "1" }

// RequireFull skips a test that ./build.sh test leaves to ./build.sh exhaustive.
func RequireFull(t testing.TB, reason string) {
	t.Helper()
	if !Full() {
		t.Skipf("skipped: ./build.sh exhaustive runs it: %s", reason)
	}
}

// Sample selects the cases that one run of a long test takes: one in so many, by a hash of the case's name and the
// seed, so that a run can be repeated and a failed case is taken again with the same seed. A nightly run takes all
// cases with PERMSTACK_FULL=1.
type Sample struct {
	oneIn uint64
	seed  string
}

// NewSample returns a sample of one in n cases, as the environment says.
func NewSample(n int) Sample {
	if Full() {
		n = 1
	}
	return Sample{oneIn: uint64(max(1, n)), seed: os.Getenv(seedVariable)}
}

// NewShortSample returns a sample of one in n cases with -short, as under the race detector, and of all cases
// otherwise.
func NewShortSample(n int) Sample {
	if !testing.Short() {
		n = 1
	}
	return NewSample(n)
}

// Stratified is a sample that has at least one case of every kind, so that no kind of fault is left unchecked.
type Stratified struct {
	Sample
	seen map[string]bool
}

// NewStratified returns a sample of one in n cases, but of the first case of every kind in any case.
func NewStratified(n int) *Stratified {
	return &Stratified{Sample: NewSample(n), seen: map[string]bool{}}
}

// Includes reports whether the case of this name and kind is part of the sample.
func (s *Stratified) Includes(kind, name string) bool {
	first := !s.seen[kind]
	s.seen[kind] = true
	return first || s.Sample.Includes(name)
}

// Includes reports whether the case of this name is part of the sample.
func (s Sample) Includes(name string) bool {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\n%s", s.seed, name)
	return h.Sum64()%s.oneIn == 0
}

// String describes the sample for a test's log.
func (s Sample) String() string {
	if s.oneIn == 1 {
		return "all cases"
	}
	return fmt.Sprintf("one in %d cases (%s=%q; %s=1 takes all)", s.oneIn, seedVariable, s.seed, fullVariable)
}
