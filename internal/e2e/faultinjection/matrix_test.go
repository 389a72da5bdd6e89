package faultinjection

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestBaselines lives through every life without a fault: what then goes wrong is the
// harness's own.
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
				t.Errorf("the life does not repeat: %v", err)
			}
		})
	}
}

// TestSample runs a small part of the matrix; the whole is `./build.sh faults`.
func TestSample(t *testing.T) {
	every := 499 // a prime: it meets every kind
	if testing.Short() {
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

// TestPairs breaks some lives twice; more of them is `./build.sh faults pairs`.
func TestPairs(t *testing.T) {
	cases := 40
	if testing.Short() {
		cases = 8
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
	r, err := Soak{Scenarios: 24, Seed: 3}.Run(t.Context())
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
	held := Usage{Scenario: 1, Heap: 8 << 20, Goroutines: 3, Files: 10}
	more := Usage{Scenario: 10, Heap: 80 << 20, Goroutines: 30, Files: 100, Resources: 1, Stacks: 1}
	if out := (SoakReport{Points: []Usage{held, held}}).Leaks(); len(out) != 0 {
		t.Error(out)
	}
	if out := (SoakReport{Points: []Usage{held, more}}).Leaks(); len(out) != 5 {
		t.Error(out)
	}
}

// TestDocument: the results in the document come from lives as they are now.
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
	const stale = "write the results anew: go run ./tools/faults -write"
	cases := 0
	for _, l := range Scenarios {
		clean, err := l.baseline()
		if err != nil {
			t.Fatal(err)
		}
		cases += len(allFaults(clean.Calls))
		for _, side := range Callers {
			if row := (Matrix{Clean: []Result{clean}}).row(clean, side); row != "" &&
				!bytes.Contains(part, []byte(row)) {
				t.Errorf("no line %q: %s", row, stale)
			}
		}
	}
	if head := caseCount(cases); !bytes.Contains(part, []byte(head)) {
		t.Errorf("no line that begins %q: %s", head, stale)
	}
	if !bytes.Contains(part, []byte(", 0 broken.")) {
		t.Error("the document tells of broken cases")
	}
}
