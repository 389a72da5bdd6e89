package policytest

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"testing"
)

// Environment variables that select how much of the tests runs. Without them, as in plain "go test ./...", the tests
// that take seconds are skipped and long tests take few cases; ./build.sh test sets the first, ./build.sh exhaustive
// the second. Tests read them with the functions of this package only; build.sh finds the packages by their calls.
const (
	slowVariable = "PERMSTACK_SLOW" // 1 runs the slow tests, too
	fullVariable = "PERMSTACK_FULL" // 1 makes every test take all cases, the slow tests included
	seedVariable = "PERMSTACK_SEED" // any text; another text selects other cases
)

// quick is how many times fewer cases a sample takes in plain "go test ./...".
const quick = 4

// Full reports whether tests take all cases.
func Full() bool { return os.Getenv(fullVariable) == "1" }

// Slow reports whether the slow tests run. With the flag -update of a package they do, because some of them write
// goldens and tables of the documents.
func Slow() bool {
	update := flag.Lookup("update")
	return Full() || os.Getenv(slowVariable) == "1" || update != nil && update.Value.String() == "true"
}

// RequireFull skips a test that ./build.sh test leaves to ./build.sh exhaustive.
func RequireFull(t testing.TB, reason string) {
	t.Helper()
	if !Full() {
		t.Skipf("skipped: ./build.sh exhaustive runs it: %s", reason)
	}
}

// RequireSlow skips a test that plain "go test ./..." leaves to ./build.sh test. The reason is why it takes long.
func RequireSlow(t testing.TB, reason string) {
	t.Helper()
	if !Slow() {
		t.Skipf("skipped: ./build.sh test runs it, or %s=1: %s", slowVariable, reason)
	}
}

// Sample selects the cases that one run of a long test takes: one in so many, by a hash of the case's name and the
// seed, so that a run can be repeated and a failed case is taken again with the same seed.
type Sample struct {
	oneIn uint64
	seed  string
}

// NewSample returns a sample of one in n cases, as the environment says.
func NewSample(n int) Sample {
	switch {
	case Full():
		n = 1
	case !Slow():
		n *= quick
	}
	return Sample{oneIn: uint64(max(1, n)), seed: os.Getenv(seedVariable)}
}

// NewQuickSample returns a sample of one in n cases in plain "go test ./...", and of all cases otherwise.
func NewQuickSample(n int) Sample {
	if Slow() {
		n = 1
	}
	return Sample{oneIn: uint64(max(1, n)), seed: os.Getenv(seedVariable)}
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
