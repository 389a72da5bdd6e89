package faultinjection

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

// TestBaselines runs every scenario without a fault: a failure is a failure of the
// harness.
func TestBaselines(t *testing.T) {
	for _, l := range Scenarios {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			first, err := l.baseline()
			if err != nil {
				t.Fatal(err)
			}
			if first.Outcome != Completed || len(first.Problems) > 0 {
				t.Errorf("%s: %s", first.Outcome, first.Problems)
			}
			again, err := l.run()
			if err != nil || !slices.Equal(first.Calls, again.Calls) {
				t.Errorf("the scenario is not reproducible: %v", err)
			}
		})
	}
}

// TestSample runs a small part of the matrix; `./build.sh faults` runs all of it.
func TestSample(t *testing.T) {
	every := 1999 // a prime, which covers every kind of fault
	if !policytest.Slow() {
		every *= 5
	}
	m, err := Run(t.Context(), Options{Sample: every})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.Violations() {
		t.Errorf("%s, %s:\n  %s", r.Scenario, r.Faults, strings.Join(r.Problems, "\n  "))
	}
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n|"); n < 40 {
		t.Errorf("the report has %d lines of tables:\n%s", n, b.String())
	}
}

// TestPairs runs some scenarios with two faults; `./build.sh faults pairs` runs
// more.
func TestPairs(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	cases := 10
	if !policytest.Slow() {
		cases = 6
	}
	r, err := Pairs{Cases: cases, Seed: 11}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Violations() {
		t.Errorf("%s, %s:\n  %s", c.Scenario, c.Faults, strings.Join(c.Problems, "\n  "))
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil || !strings.Contains(b.String(), fmt.Sprintf("%d pairs", cases)) {
		t.Errorf("the report is %q, %v", b.String(), err)
	}
}

func TestSoak(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	r, err := Soak{Scenarios: 6, Seed: 3}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range append(r.Problems, r.Leaks()...) {
		t.Error(problem)
	}
	again, err := Soak{Scenarios: 2, Seed: 3}.Run(t.Context())
	if err != nil || again.Faults > 2 {
		t.Errorf("%+v %v", again, err)
	}
}

func TestLeaks(t *testing.T) {
	first := Usage{Scenario: 1, Heap: 8 << 20, Goroutines: 3, Files: 10}
	more := Usage{Scenario: 10, Heap: 80 << 20, Goroutines: 30, Files: 100, Resources: 1, Stacks: 1}
	if out := (SoakReport{Points: []Usage{first, first}}).Leaks(); len(out) != 0 {
		t.Error(out)
	}
	if out := (SoakReport{Points: []Usage{first, more}}).Leaks(); len(out) != 5 {
		t.Error(out)
	}
}

// TestDocument checks that the results in the document are dated and complete, and
// that no invariant was violated.
func TestDocument(t *testing.T) {
	document, err := os.ReadFile("../../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	part, err := Section(document)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(part)) == 0 {
		t.Skip("skipped: the results are not written yet: go run ./tools/faults -write")
	}
	if !bytes.Contains(part, []byte(completeRun)) {
		t.Errorf("no line that begins with %q", completeRun)
	}
	if !bytes.Contains(part, []byte(", 0 violated.")) {
		t.Error("the document has cases with violated invariants")
	}
}
