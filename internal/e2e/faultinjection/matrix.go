package faultinjection

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Options configure a run of the matrix.
type Options struct {
	Scenarios []Scenario // nil: all
	Sample    int        // every nth case is run; 0 or 1: all
	Workers   int        // 0: as many as there are processors
	Progress  func(done, all int)
}

// Run runs the matrix: each scenario without a fault, then with each fault at each
// call. An error means that the harness failed, not the product.
func Run(ctx context.Context, o Options) (Matrix, error) {
	if o.Scenarios == nil {
		o.Scenarios = Scenarios
	}
	var m Matrix
	var cases []testCase
	for _, l := range o.Scenarios {
		clean, err := l.baseline()
		if err != nil {
			return m, err
		}
		if len(clean.Problems) > 0 {
			clean.Outcome = Violated
		}
		m.Clean = append(m.Clean, clean)
		for _, f := range allFaults(clean.Calls) {
			if len(cases)%max(o.Sample, 1) == 0 {
				m.Results = append(m.Results, Result{Scenario: l.Name, Faults: []Fault{f}})
			}
			cases = append(cases, testCase{l, []Fault{f}})
		}
	}
	cases = sample(cases, o.Sample)
	return m, runAll(ctx, o, cases, m.Results)
}

type testCase struct {
	scenario Scenario
	faults   []Fault
}

func sample(all []testCase, every int) []testCase {
	if every <= 1 {
		return all
	}
	var out []testCase
	for i := 0; i < len(all); i += every {
		out = append(out, all[i])
	}
	return out
}

// sortCalls returns calls in a reproducible order: concurrent calls come last, by
// name.
func sortCalls(calls []Point) []Point {
	out := slices.Clone(calls)
	slices.SortStableFunc(out, func(a, b Point) int {
		if a.Caller != DriftCheck && b.Caller != DriftCheck {
			return 0
		}
		return cmp.Or(cmp.Compare(callerOrder(a.Caller), callerOrder(b.Caller)), strings.Compare(a.Action, b.Action))
	})
	return out
}

func callerOrder(caller Caller) int {
	if caller == DriftCheck {
		return 1
	}
	return 0
}

// allFaults returns every way to fail every one of these calls.
func allFaults(calls []Point) []Fault {
	var out []Fault
	for _, p := range calls {
		for _, k := range Kinds(p.Caller) {
			if k.applies(p) {
				out = append(out, Fault{p, k})
			}
		}
	}
	return out
}

func runAll(ctx context.Context, o Options, cases []testCase, results []Result) error {
	var (
		mu    sync.Mutex
		next  int
		done  int
		first error
		wait  sync.WaitGroup
	)
	work := func() {
		for {
			mu.Lock()
			i := next
			next++
			stop := first != nil || ctx.Err() != nil || i >= len(cases)
			mu.Unlock()
			if stop {
				return
			}
			r, err := cases[i].scenario.run(cases[i].faults...)
			if err != nil {
				err = fmt.Errorf("%s, %s: %w", cases[i].scenario.Name, cases[i].faults, err)
			}
			r.Calls = nil // those of the baseline, or fewer
			mu.Lock()
			results[i] = r
			if done++; o.Progress != nil {
				o.Progress(done, len(cases))
			}
			if first == nil {
				first = err
			}
			mu.Unlock()
		}
	}
	if o.Workers <= 0 {
		o.Workers = runtime.NumCPU()
	}
	for range o.Workers {
		wait.Go(work)
	}
	wait.Wait()
	if first == nil {
		first = ctx.Err()
	}
	return first
}

// Matrix is the result of a run.
type Matrix struct {
	Clean   []Result
	Results []Result
}
