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

// Options shape a run of the matrix.
type Options struct {
	Lives    []Life // nil: all
	Sample   int    // every how many-th case is run; 0 or 1: all
	Workers  int    // 0: as many as there are processors
	Progress func(done, all int)
}

// Run runs the matrix: each life without a fault, then broken at each call in
// each way. An error means that the harness failed, not the product.
func Run(ctx context.Context, o Options) (Matrix, error) {
	if o.Lives == nil {
		o.Lives = Lives
	}
	var m Matrix
	var cases []job
	for _, l := range o.Lives {
		clean, err := l.whole()
		if err != nil {
			return m, err
		}
		if len(clean.Problems) > 0 {
			clean.Outcome = Broken
		}
		m.Clean = append(m.Clean, clean)
		for _, f := range faultsOf(clean.Calls) {
			if len(cases)%max(o.Sample, 1) == 0 {
				m.Results = append(m.Results, Result{Life: l.Name, Faults: []Fault{f}})
			}
			cases = append(cases, job{l, []Fault{f}})
		}
	}
	cases = sampled(cases, o.Sample)
	return m, runAll(ctx, o, cases, m.Results)
}

type job struct {
	life   Life
	faults []Fault
}

func sampled(all []job, every int) []job {
	if every <= 1 {
		return all
	}
	var out []job
	for i := 0; i < len(all); i += every {
		out = append(out, all[i])
	}
	return out
}

// ordered gives calls in an order that repeats: those that are made side by side
// come last, by name.
func ordered(calls []Point) []Point {
	out := slices.Clone(calls)
	slices.SortStableFunc(out, func(a, b Point) int {
		if a.Side != Check && b.Side != Check {
			return 0
		}
		return cmp.Or(cmp.Compare(index(a.Side), index(b.Side)), strings.Compare(a.Action, b.Action))
	})
	return out
}

func index(side Side) int {
	if side == Check {
		return 1
	}
	return 0
}

// faultsOf lists every way to break every one of some calls.
func faultsOf(calls []Point) []Fault {
	var out []Fault
	for _, p := range calls {
		for _, k := range Kinds(p.Side) {
			if k.applies(p) {
				out = append(out, Fault{p, k})
			}
		}
	}
	return out
}

func runAll(ctx context.Context, o Options, cases []job, results []Result) error {
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
			r, err := cases[i].life.lived(cases[i].faults...)
			if err != nil {
				err = fmt.Errorf("%s, %s: %w", cases[i].life.Name, cases[i].faults, err)
			}
			r.Calls = nil // they are those of the clean life
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

// Matrix is what a run came to.
type Matrix struct {
	Clean   []Result
	Results []Result
}
