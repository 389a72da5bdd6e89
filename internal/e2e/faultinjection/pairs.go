package faultinjection

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
)

// Pairs breaks lives twice, at calls and in ways drawn from a seed. One fault
// leads the life elsewhere, so calls are known by their numbers alone.
type Pairs struct {
	Cases    int
	Seed     uint64
	Workers  int // 0: as many as there are processors
	Progress func(done, all int)
}

// PairsReport is what pairs of faults came to.
type PairsReport struct {
	Seed    uint64
	Results []Result
}

// Run lives through the cases. An error means that the harness failed.
func (p Pairs) Run(ctx context.Context) (PairsReport, error) {
	report := PairsReport{Seed: p.Seed}
	calls, err := callsOf(Lives)
	if err != nil {
		return report, err
	}
	random := rand.New(rand.NewPCG(p.Seed, 2))
	var cases []job
	for range p.Cases {
		i := random.IntN(len(Lives))
		faults := draw(random, calls[i])
		for blinds(faults) {
			faults = draw(random, calls[i])
		}
		cases = append(cases, job{Lives[i], faults})
		report.Results = append(report.Results, Result{Life: Lives[i].Name, Faults: faults})
	}
	return report, runAll(ctx, Options{Workers: p.Workers, Progress: p.Progress}, cases, report.Results)
}

// draw draws two faults for a life with some calls.
func draw(random *rand.Rand, calls []Point) []Fault {
	all := faultsOf(calls)
	sides := map[Side]int{}
	for _, c := range calls {
		sides[c.Side]++
	}
	faults := []Fault{all[random.IntN(len(all))], all[random.IntN(len(all))]}
	for i := range faults {
		if faults[i].Side != Check { // those are known by what they ask
			faults[i].Action = ""
		}
	}
	if second := &faults[1]; second.Side != Check { // also in the retry or rollback that the first brings
		second.N = 1 + random.IntN(2*sides[second.Side])
	}
	return faults
}

// blinds tells whether faults keep CloudFormation itself from knowing what it has
// made: the answer to a call is lost, and the question whether it took effect
// fails as well. What comes of that depends on CloudFormation's own handlers, and
// neither the embedded ones nor permstack can make it good.
func blinds(faults []Fault) bool {
	lost := slices.IndexFunc(faults, func(f Fault) bool { return f.Side == Stacks && f.Break == Lost })
	return lost >= 0 && faults[1-lost].Side == Stacks && faults[1-lost].Break != KillSoon
}

// Broken lists the cases in which something that must hold did not.
func (r PairsReport) Broken() []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(c Result) bool { return c.Outcome != Broken })
}

// Write writes the report as Markdown.
func (r PairsReport) Write(w io.Writer) error {
	both := 0
	for _, c := range r.Results {
		if c.Struck > 1 {
			both++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d pairs, seed %d, both faults met in %d: %s.\n\n| Life | Cases | %s |\n|---|--:|%s\n",
		len(r.Results), r.Seed, both, counted(Count(r.Results)), joinOutcomes(" | "), strings.Repeat("--:|", len(Outcomes)))
	for _, l := range Lives {
		cases := slices.DeleteFunc(slices.Clone(r.Results), func(c Result) bool { return c.Life != l.Name })
		fmt.Fprintf(&b, "| %s | %d | %s |\n", l.Name, len(cases), cells(cases))
	}
	for _, c := range r.Broken() {
		c.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
