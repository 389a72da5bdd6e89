// Faults runs the fault matrix, pairs of faults and a soak, and prints the results
// as Markdown; docs/reliability.md explains them.
//
//	go run ./tools/faults             all
//	go run ./tools/faults matrix      every scenario with every fault at every call
//	go run ./tools/faults pairs       scenarios with two faults
//	go run ./tools/faults soak        a thousand scenarios in a row
//	go run ./tools/faults -write      all, into docs/reliability.md
//
// The exit status is 1 if an invariant was violated, 2 if the harness failed.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"permstack/internal/e2e/faultinjection"
	"permstack/internal/terminal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	debug.SetGCPercent(400) // favours speed over memory
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, errViolated), errors.Is(err, flag.ErrHelp):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(2)
	}
}

// errViolated reports a violated invariant, which the report describes.
var errViolated = errors.New("an invariant was violated")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	sample := flags.Int("sample", 1, "run only every `n`th case of the matrix")
	scenarios := flags.Int("scenarios", 1000, "number of scenarios of a soak")
	pairs := flags.Int("pairs", 4000, "number of scenarios with two faults")
	seed := flags.Uint64("seed", 1, "seed of the random faults of pairs and of a soak")
	write := flags.Bool("write", false, "run all and write the results into "+document)
	if err := flags.Parse(args); err != nil {
		return err
	}
	mode := flags.Arg(0)
	if mode != "" { // flags may follow
		if err := flags.Parse(flags.Args()[1:]); err != nil {
			return err
		}
	}
	r := &runner{ctx: ctx, stderr: stderr, began: time.Now()}
	all := func(w io.Writer) error {
		first := r.matrix(w, *sample)
		if first != nil && !errors.Is(first, errViolated) {
			return first
		}
		fmt.Fprint(w, "\n### Two faults\n\n")
		second := r.pairs(w, *pairs, *seed)
		if second != nil && !errors.Is(second, errViolated) {
			return second
		}
		fmt.Fprint(w, "\n### Long runs\n\n")
		return errors.Join(first, second, r.soak(w, *scenarios, *seed))
	}
	switch {
	case *write:
		var b bytes.Buffer
		err := all(&b)
		if err != nil && !errors.Is(err, errViolated) {
			return err
		}
		return errors.Join(err, faultinjection.WriteSection(document, time.Now(), b.Bytes()))
	case mode == "":
		return all(stdout)
	case mode == "matrix":
		return r.matrix(stdout, *sample)
	case mode == "pairs":
		return r.pairs(stdout, *pairs, *seed)
	case mode == "soak":
		return r.soak(stdout, *scenarios, *seed)
	}
	return fmt.Errorf("unknown argument %q: want matrix, pairs, soak or none", mode)
}

const document = "docs/reliability.md"

type runner struct {
	ctx    context.Context
	stderr io.Writer
	began  time.Time
	last   time.Time // of a progress line
}

func (r *runner) matrix(w io.Writer, sample int) error {
	m, err := faultinjection.Run(r.ctx, faultinjection.Options{Sample: sample, Progress: r.progress("cases")})
	if err != nil {
		return err
	}
	fmt.Fprintf(r.stderr, "\nmatrix: %d cases, %d violated, %s\n",
		len(m.Results), len(m.Violations()), time.Since(r.began).Round(time.Second))
	if err := m.Write(w); err != nil {
		return err
	}
	if len(m.Violations()) > 0 {
		return errViolated
	}
	return nil
}

func (r *runner) pairs(w io.Writer, cases int, seed uint64) error {
	report, err := faultinjection.Pairs{Cases: cases, Seed: seed, Progress: r.progress("pairs")}.Run(r.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.stderr, "\npairs: %d cases, %d violated, %s\n",
		len(report.Results), len(report.Violations()), time.Since(r.began).Round(time.Second))
	if err := report.Write(w); err != nil {
		return err
	}
	if len(report.Violations()) > 0 {
		return errViolated
	}
	return nil
}

func (r *runner) soak(w io.Writer, scenarios int, seed uint64) error {
	report, err := faultinjection.Soak{Scenarios: scenarios, Seed: seed, Progress: r.progress("scenarios")}.Run(r.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.stderr, "\nsoak: %d scenarios, %d problems, %s\n",
		report.Scenarios, len(report.Problems)+len(report.Leaks()), time.Since(r.began).Round(time.Second))
	if err := report.Write(w); err != nil {
		return err
	}
	if len(report.Problems)+len(report.Leaks()) > 0 {
		return errViolated
	}
	return nil
}

// progress returns a callback that writes the progress: on a terminal a few times a second on one line, into a log a
// line a minute.
func (r *runner) progress(what string) func(int, int) {
	interval, format := time.Minute, "%d of %d %s\n"
	if terminal.IsTerminal(r.stderr) {
		interval, format = 300*time.Millisecond, "\r%d of %d %s"
	}
	return func(done, all int) {
		if done < all && time.Since(r.last) < interval {
			return
		}
		r.last = time.Now()
		fmt.Fprintf(r.stderr, format, done, all, what)
	}
}
