package faultinjection

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
)

// Pairs runs scenarios with two faults each, drawn from a seed. The first fault
// changes which calls follow, so the second is identified by the number of its call
// only.
type Pairs struct {
	Cases    int
	Seed     uint64
	Workers  int // 0: as many as there are processors
	Progress func(done, all int)
}

// PairsReport is the result of pairs of faults.
type PairsReport struct {
	Seed    uint64
	Results []Result
}

// Run runs the cases. An error means that the harness failed.
func (p Pairs) Run(ctx context.Context) (PairsReport, error) {
	report := PairsReport{Seed: p.Seed}
	calls, err := baselineCalls(Scenarios)
	if err != nil {
		return report, err
	}
	random := rand.New(rand.NewPCG(p.Seed, 2))
	var cases []testCase
	for range p.Cases {
		i := random.IntN(len(Scenarios))
		faults := draw(random, calls[i])
		for hidesState(faults) {
			faults = draw(random, calls[i])
		}
		cases = append(cases, testCase{Scenarios[i], faults})
		report.Results = append(report.Results, Result{Scenario: Scenarios[i].Name, Faults: faults})
	}
	return report, runAll(ctx, Options{Workers: p.Workers, Progress: p.Progress}, cases, report.Results)
}

// draw draws two faults for a scenario with these calls.
func draw(random *rand.Rand, calls []Point) []Fault {
	all := allFaults(calls)
	sides := map[Caller]int{}
	for _, c := range calls {
		sides[c.Caller]++
	}
	faults := []Fault{all[random.IntN(len(all))], all[random.IntN(len(all))]}
	for i := range faults {
		if faults[i].Caller != DriftCheck { // those are identified by their parameters
			faults[i].Action = ""
		}
	}
	if second := &faults[1]; second.Caller != DriftCheck { // also in the retry or rollback that follows the first
		second.N = 1 + random.IntN(2*sides[second.Caller])
	}
	return faults
}

// hidesState reports whether two faults hide from CloudFormation itself what it has
// created: the response of a call is lost, and the call that checks whether it took
// effect fails as well. What follows depends on CloudFormation's own resource
// handlers, and permstack cannot correct it.
func hidesState(faults []Fault) bool {
	lost := slices.IndexFunc(faults, func(f Fault) bool { return f.Caller == StackRole && f.Failure == ResponseLost })
	return lost >= 0 && faults[1-lost].Caller == StackRole && faults[1-lost].Failure != KillDuring
}

// Violations returns the cases in which an invariant was violated.
func (r PairsReport) Violations() []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(c Result) bool { return c.Outcome != Violated })
}

// Write writes the report as Markdown.
func (r PairsReport) Write(w io.Writer) error {
	both := 0
	for _, c := range r.Results {
		if c.Injected > 1 {
			both++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d pairs, seed %d, both faults injected in %d: %s.\n\n| Scenario | Cases | %s |\n|---|--:|%s\n",
		len(r.Results), r.Seed, both, outcomeCounts(Count(r.Results)), joinOutcomes(" | "),
		strings.Repeat("--:|", len(Outcomes)))
	for _, l := range Scenarios {
		cases := slices.DeleteFunc(slices.Clone(r.Results), func(c Result) bool { return c.Scenario != l.Name })
		fmt.Fprintf(&b, "| %s | %d | %s |\n", l.Name, len(cases), cells(cases))
	}
	for _, c := range r.Violations() {
		c.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
