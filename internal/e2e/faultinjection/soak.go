package faultinjection

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Soak lives many lives one after another in one account, each with a fault or
// none, chosen by a seed, and looks at what grows.
type Soak struct {
	Scenarios int
	Seed      uint64
	Progress  func(done, all int)
}

// Usage is what was there at a point of a soak.
type Usage struct {
	Scenario   int
	Heap       uint64 // bytes in use after a collection
	Goroutines int
	Files      int // open file descriptors; -1 where the system does not tell
	Resources  int // roles, policies, profiles, topics and rules
	Stacks     int
}

// SoakReport is what a soak came to.
type SoakReport struct {
	Seed      uint64
	Scenarios int
	Faults    int // that struck
	Outcomes  map[Outcome]int
	Points    []Usage
	Problems  []string
}

// Run carries the soak out. The world stays: only its faults change.
func (s Soak) Run(ctx context.Context) (SoakReport, error) {
	random := rand.New(rand.NewPCG(s.Seed, 0))
	report := SoakReport{Seed: s.Seed, Scenarios: s.Scenarios, Outcomes: map[Outcome]int{}}
	calls, err := baselineCalls(Scenarios)
	if err != nil {
		return report, err
	}
	env, err := newEnvironment()
	if err != nil {
		return report, err
	}
	defer env.close()
	p := &parent{env: env, thirdParty: snapshot{}}
	for n := range s.Scenarios {
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
		i := random.IntN(len(Scenarios))
		var faults []Fault
		if random.IntN(10) > 0 { // one in ten is whole
			all := allFaults(calls[i])
			faults = append(faults, all[random.IntN(len(all))])
		}
		outcome, err := Scenarios[i].runIn(p, faults...)
		if err != nil {
			return report, fmt.Errorf("life %d (seed %d): %s, %s: %w", n+1, s.Seed, Scenarios[i].Name, faults, err)
		}
		report.Faults += env.injector.injectedFaults()
		report.Outcomes[outcome]++
		for _, problem := range p.problems {
			report.Problems = append(
				report.Problems,
				fmt.Sprintf("life %d, %s, %v: %s", n+1, Scenarios[i].Name, faults, problem),
			)
		}
		p.problems = nil
		env.clock.Advance(
			100 * 24 * time.Hour / time.Duration(max(s.Scenarios/10, 1)),
		) // CloudFormation remembers for 90 days
		if every := max(s.Scenarios/10, 1); (n+1)%every == 0 {
			g, err := p.measure(ctx, n+1)
			if err != nil {
				return report, err
			}
			report.Points = append(report.Points, g)
		}
		if s.Progress != nil {
			s.Progress(n+1, s.Scenarios)
		}
	}
	return report, nil
}

// baselineCalls counts the calls of each life without a fault.
func baselineCalls(lives []Scenario) ([][]Point, error) {
	var out [][]Point
	for _, l := range lives {
		r, err := l.baseline()
		if err != nil {
			return nil, err
		}
		out = append(out, r.Calls)
	}
	return out, nil
}

// runIn lives a life in a world that has seen others, and deletes everything in
// the end. What others have left in the memory of the drift check may shift a
// fault to the call beside it.
func (l Scenario) runIn(p *parent, faults ...Fault) (Outcome, error) {
	env := p.env
	env.injector = newInjector(faults...)
	env.cloud.SNS().DiscardMessages()
	p.reported, p.leftBehind, p.failed, p.retried, p.events = "", false, false, false, nil
	outcome, taken, err := l.execute(p)
	if err != nil {
		return outcome, err
	}
	if taken != "" {
		if err := p.deleteConflictingRole(taken); err != nil {
			return outcome, err
		}
	}
	if p.state != nil {
		p.remove()
		p.checkAtRest("after the deletion")
	}
	if len(p.problems) > 0 {
		outcome = Violated
	}
	return outcome, nil
}

// measure counts what there is, without what belongs to others and the parent.
func (p *parent) measure(ctx context.Context, life int) (Usage, error) {
	env := p.env
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	have, err := env.takeSnapshot(ctx)
	if err != nil {
		return Usage{}, err
	}
	maps.DeleteFunc(have, func(name, _ string) bool { return p.thirdParty[name] != "" })
	stacks, err := env.existingStacks(ctx)
	if err != nil {
		return Usage{}, err
	}
	stacks = slices.DeleteFunc(stacks, func(s types.Stack) bool { return *s.StackName == parentName })
	files := -1
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		files = len(list)
	}
	return Usage{
		Scenario:   life,
		Heap:       m.HeapAlloc,
		Goroutines: runtime.NumGoroutine(),
		Files:      files,
		Resources:  len(have),
		Stacks:     len(stacks),
	}, nil
}

// Leaks says what a soak left behind or let grow; nothing means that it held.
// The end is held against the point after a third, when caches are full; the heap
// may be a quarter and 4 MiB larger.
func (r SoakReport) Leaks() []string {
	if len(r.Points) < 2 {
		return nil
	}
	first, last := r.Points[(len(r.Points)-1)/3], r.Points[len(r.Points)-1]
	var out []string
	for _, c := range []struct {
		what        string
		first, last int
		spare       int
	}{
		{"goroutines", first.Goroutines, last.Goroutines, 5},
		{"open files", first.Files, last.Files, 5},
		{"roles, policies, profiles, topics and rules", 0, last.Resources, 0},
		{"stacks", 0, last.Stacks, 0},
		{"KiB of heap", int(first.Heap >> 10), int(last.Heap >> 10), int(first.Heap>>12) + 4096},
	} {
		if c.last > c.first+c.spare {
			out = append(
				out,
				fmt.Sprintf(
					"%d %s after %d lives, %d after %d",
					c.last,
					c.what,
					last.Scenario,
					c.first,
					first.Scenario,
				),
			)
		}
	}
	return out
}

// Write writes the report as Markdown.
func (r SoakReport) Write(w io.Writer) error {
	fmt.Fprintf(
		w,
		"%d lives in a row, seed %d, %d of them with a fault: %s.\n\n| Lives | Heap, KiB | Goroutines | Open files | Things left | Stacks left |\n|--:|--:|--:|--:|--:|--:|\n",
		r.Scenarios,
		r.Seed,
		r.Faults,
		outcomeCounts(r.Outcomes),
	)
	for _, g := range r.Points {
		fmt.Fprintf(
			w,
			"| %d | %d | %d | %d | %d | %d |\n",
			g.Scenario,
			g.Heap>>10,
			g.Goroutines,
			g.Files,
			g.Resources,
			g.Stacks,
		)
	}
	for _, problem := range append(r.Problems, r.Leaks()...) {
		fmt.Fprintf(w, "\n- %s\n", problem)
	}
	return nil
}
