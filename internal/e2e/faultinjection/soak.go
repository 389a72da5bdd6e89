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

// Soak runs many scenarios one after another in one account, each with one fault or
// none, drawn from a seed, and measures what grows.
type Soak struct {
	Scenarios int
	Seed      uint64
	Progress  func(done, all int)
}

// Usage is the use of resources at one point of a soak.
type Usage struct {
	Scenario   int
	Heap       uint64 // bytes in use after a garbage collection
	Goroutines int
	Files      int // open file descriptors; -1 if the system does not report them
	Resources  int // roles, policies, profiles, topics and rules
	Stacks     int
}

// SoakReport is the result of a soak.
type SoakReport struct {
	Seed      uint64
	Scenarios int
	Faults    int // injected
	Outcomes  map[Outcome]int
	Points    []Usage
	Problems  []string
}

// Run runs the soak in one environment; only its faults change.
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
		if random.IntN(10) > 0 { // one in ten has no fault
			all := allFaults(calls[i])
			faults = append(faults, all[random.IntN(len(all))])
		}
		outcome, err := Scenarios[i].runIn(p, faults...)
		if err != nil {
			return report, fmt.Errorf("scenario %d (seed %d): %s, %s: %w", n+1, s.Seed, Scenarios[i].Name, faults, err)
		}
		report.Faults += env.injector.injectedFaults()
		report.Outcomes[outcome]++
		for _, problem := range p.problems {
			report.Problems = append(report.Problems,
				fmt.Sprintf("scenario %d, %s, %v: %s", n+1, Scenarios[i].Name, faults, problem))
		}
		p.problems = nil
		every := max(s.Scenarios/10, 1)
		env.clock.Advance(100 * 24 * time.Hour / time.Duration(every)) // CloudFormation keeps deleted stacks for 90 days
		if (n+1)%every == 0 {
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

// baselineCalls returns the calls of each scenario without a fault.
func baselineCalls(scenarios []Scenario) ([][]Point, error) {
	var out [][]Point
	for _, l := range scenarios {
		r, err := l.baseline()
		if err != nil {
			return nil, err
		}
		out = append(out, r.Calls)
	}
	return out, nil
}

// runIn runs a scenario in an environment in which others ran, and deletes
// everything at the end. The drift check's state of earlier scenarios may shift a
// fault to a neighbouring call.
func (s Scenario) runIn(p *parent, faults ...Fault) (Outcome, error) {
	env := p.env
	env.injector = newInjector(faults...)
	env.cloud.SNS().DiscardMessages()
	p.reported, p.leftBehind, p.failed, p.retried, p.events = "", false, false, false, nil
	outcome, conflict, err := s.execute(p)
	if err != nil {
		return outcome, err
	}
	if conflict != "" {
		if err := p.deleteConflictingRole(conflict); err != nil {
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

// measure measures the use of resources, without those of third parties and of the
// parent.
func (p *parent) measure(ctx context.Context, scenario int) (Usage, error) {
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
		Scenario:   scenario,
		Heap:       m.HeapAlloc,
		Goroutines: runtime.NumGoroutine(),
		Files:      files,
		Resources:  len(have),
		Stacks:     len(stacks),
	}, nil
}

// Leaks describes what a soak left behind or let grow; nothing if there is no leak.
// The end is compared with the point after a third, when caches are full; the heap
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
			out = append(out, fmt.Sprintf("%d %s after %d scenarios, %d after %d",
				c.last, c.what, last.Scenario, c.first, first.Scenario))
		}
	}
	return out
}

// Write writes the report as Markdown.
func (r SoakReport) Write(w io.Writer) error {
	fmt.Fprintf(w, "%d scenarios in a row, seed %d, %d of them with a fault: %s.\n\n",
		r.Scenarios, r.Seed, r.Faults, outcomeCounts(r.Outcomes))
	fmt.Fprint(w, "| Scenarios | Heap, KiB | Goroutines | Open files | Resources left | Stacks left |\n"+
		"|--:|--:|--:|--:|--:|--:|\n")
	for _, g := range r.Points {
		fmt.Fprintf(w, "| %d | %d | %d | %d | %d | %d |\n",
			g.Scenario, g.Heap>>10, g.Goroutines, g.Files, g.Resources, g.Stacks)
	}
	for _, problem := range append(r.Problems, r.Leaks()...) {
		fmt.Fprintf(w, "\n- %s\n", problem)
	}
	return nil
}
