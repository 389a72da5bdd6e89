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
	Lives    int
	Seed     uint64
	Progress func(done, all int)
}

// Growth is what was there at a point of a soak.
type Growth struct {
	Life       int
	Heap       uint64 // bytes in use after a collection
	Goroutines int
	Files      int // open file descriptors; -1 where the system does not tell
	Things     int // roles, policies, profiles, topics and rules
	Stacks     int
}

// SoakReport is what a soak came to.
type SoakReport struct {
	Seed     uint64
	Lives    int
	Faults   int // that struck
	Outcomes map[Outcome]int
	Points   []Growth
	Problems []string
}

// Run carries the soak out. The world stays: only its faults change.
func (s Soak) Run(ctx context.Context) (SoakReport, error) {
	random := rand.New(rand.NewPCG(s.Seed, 0))
	report := SoakReport{Seed: s.Seed, Lives: s.Lives, Outcomes: map[Outcome]int{}}
	calls, err := callsOf(Lives)
	if err != nil {
		return report, err
	}
	w, err := newWorld()
	if err != nil {
		return report, err
	}
	defer w.close()
	p := &parent{w: w, others: holdings{}}
	for n := range s.Lives {
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
		i := random.IntN(len(Lives))
		var faults []Fault
		if random.IntN(10) > 0 { // one in ten is whole
			all := faultsOf(calls[i])
			faults = append(faults, all[random.IntN(len(all))])
		}
		outcome, err := Lives[i].relived(p, faults...)
		if err != nil {
			return report, fmt.Errorf("life %d (seed %d): %s, %s: %w", n+1, s.Seed, Lives[i].Name, faults, err)
		}
		report.Faults += w.tape.struck()
		report.Outcomes[outcome]++
		for _, problem := range p.problems {
			report.Problems = append(report.Problems, fmt.Sprintf("life %d, %s, %v: %s", n+1, Lives[i].Name, faults, problem))
		}
		p.problems = nil
		w.clock.Advance(100 * 24 * time.Hour / time.Duration(max(s.Lives/10, 1))) // CloudFormation remembers for 90 days
		if every := max(s.Lives/10, 1); (n+1)%every == 0 {
			g, err := p.measure(ctx, n+1)
			if err != nil {
				return report, err
			}
			report.Points = append(report.Points, g)
		}
		if s.Progress != nil {
			s.Progress(n+1, s.Lives)
		}
	}
	return report, nil
}

// callsOf counts the calls of each life without a fault.
func callsOf(lives []Life) ([][]Point, error) {
	var out [][]Point
	for _, l := range lives {
		r, err := l.whole()
		if err != nil {
			return nil, err
		}
		out = append(out, r.Calls)
	}
	return out, nil
}

// relived lives a life in a world that has seen others, and deletes everything in
// the end. What others have left in the memory of the drift check may shift a
// fault to the call beside it.
func (l Life) relived(p *parent, faults ...Fault) (Outcome, error) {
	w := p.w
	w.tape = newTape(faults...)
	w.cloud.SNS().DiscardMessages()
	p.told, p.left, p.failed, p.mended, p.sent = "", false, false, false, nil
	outcome, taken, err := l.through(p)
	if err != nil {
		return outcome, err
	}
	if taken != "" {
		if err := p.vacate(taken); err != nil {
			return outcome, err
		}
	}
	if p.state != nil {
		p.remove()
		p.rest("after the deletion")
	}
	if len(p.problems) > 0 {
		outcome = Broken
	}
	return outcome, nil
}

// measure counts what there is, without what belongs to others and the parent.
func (p *parent) measure(ctx context.Context, life int) (Growth, error) {
	w := p.w
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	have, err := w.holdings(ctx)
	if err != nil {
		return Growth{}, err
	}
	maps.DeleteFunc(have, func(name, _ string) bool { return p.others[name] != "" })
	stacks, err := w.standing(ctx)
	if err != nil {
		return Growth{}, err
	}
	stacks = slices.DeleteFunc(stacks, func(s types.Stack) bool { return *s.StackName == parentName })
	files := -1
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		files = len(list)
	}
	return Growth{Life: life, Heap: m.HeapAlloc, Goroutines: runtime.NumGoroutine(), Files: files, Things: len(have), Stacks: len(stacks)}, nil
}

// Grows says what a soak left behind or let grow; nothing means that it held.
// The end is held against the point after a third, when caches are full; the heap
// may be a quarter and 4 MiB larger.
func (r SoakReport) Grows() []string {
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
		{"roles, policies, profiles, topics and rules", 0, last.Things, 0},
		{"stacks", 0, last.Stacks, 0},
		{"KiB of heap", int(first.Heap >> 10), int(last.Heap >> 10), int(first.Heap>>12) + 4096},
	} {
		if c.last > c.first+c.spare {
			out = append(out, fmt.Sprintf("%d %s after %d lives, %d after %d", c.last, c.what, last.Life, c.first, first.Life))
		}
	}
	return out
}

// Write writes the report as Markdown.
func (r SoakReport) Write(w io.Writer) error {
	fmt.Fprintf(w, "%d lives in a row, seed %d, %d of them with a fault: %s.\n\n| Lives | Heap, KiB | Goroutines | Open files | Things left | Stacks left |\n|--:|--:|--:|--:|--:|--:|\n",
		r.Lives, r.Seed, r.Faults, counted(r.Outcomes))
	for _, g := range r.Points {
		fmt.Fprintf(w, "| %d | %d | %d | %d | %d | %d |\n", g.Life, g.Heap>>10, g.Goroutines, g.Files, g.Things, g.Stacks)
	}
	for _, problem := range append(r.Problems, r.Grows()...) {
		fmt.Fprintf(w, "\n- %s\n", problem)
	}
	return nil
}
