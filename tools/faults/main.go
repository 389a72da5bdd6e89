// Faults runs the fault matrix and the long run, and prints what came of them as
// Markdown; docs/reliability.md says what it means.
//
//	go run ./tools/faults             all
//	go run ./tools/faults matrix      every life broken at every call in every way
//	go run ./tools/faults pairs       lives that are broken twice
//	go run ./tools/faults soak        a thousand lives in a row
//	go run ./tools/faults -write      all, into docs/reliability.md
//
// It ends with status 1 where something that must hold did not, and with 2 where
// the harness itself failed.
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
	"time"

	"permstack/internal/e2e/faultinjection"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	debug.SetGCPercent(400) // memory is cheap here, and the lives are many
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, errBroken), errors.Is(err, flag.ErrHelp):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(2)
	}
}

// errBroken: the report has said what.
var errBroken = errors.New("something that must hold did not")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	sample := flags.Int("sample", 1, "run every `n`th case of the matrix only")
	lives := flags.Int("lives", 1000, "how many lives a soak has")
	pairs := flags.Int("pairs", 4000, "how many lives are broken twice")
	seed := flags.Uint64("seed", 1, "what the faults of pairs and of a soak are drawn from")
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
		if first != nil && !errors.Is(first, errBroken) {
			return first
		}
		fmt.Fprint(w, "\n### Two faults\n\n")
		second := r.pairs(w, *pairs, *seed)
		if second != nil && !errors.Is(second, errBroken) {
			return second
		}
		fmt.Fprint(w, "\n### Long runs\n\n")
		return errors.Join(first, second, r.soak(w, *lives, *seed))
	}
	switch {
	case *write:
		var b bytes.Buffer
		err := all(&b)
		if err != nil && !errors.Is(err, errBroken) {
			return err
		}
		return errors.Join(err, faultinjection.WriteSection(document, b.Bytes()))
	case mode == "":
		return all(stdout)
	case mode == "matrix":
		return r.matrix(stdout, *sample)
	case mode == "pairs":
		return r.pairs(stdout, *pairs, *seed)
	case mode == "soak":
		return r.soak(stdout, *lives, *seed)
	}
	return fmt.Errorf("unknown argument %q: want matrix, pairs, soak or nothing", mode)
}

const document = "docs/reliability.md"

type runner struct {
	ctx    context.Context
	stderr io.Writer
	began  time.Time
	told   time.Time
}

func (r *runner) matrix(w io.Writer, sample int) error {
	m, err := faultinjection.Run(r.ctx, faultinjection.Options{Sample: sample, Progress: r.progress("cases")})
	if err != nil {
		return err
	}
	fmt.Fprintf(
		r.stderr,
		"\nmatrix: %d cases, %d broken, %s\n",
		len(m.Results),
		len(m.Violations()),
		time.Since(r.began).Round(time.Second),
	)
	if err := m.Write(w); err != nil {
		return err
	}
	if len(m.Violations()) > 0 {
		return errBroken
	}
	return nil
}

func (r *runner) pairs(w io.Writer, cases int, seed uint64) error {
	report, err := faultinjection.Pairs{Cases: cases, Seed: seed, Progress: r.progress("pairs")}.Run(r.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(
		r.stderr,
		"\npairs: %d cases, %d broken, %s\n",
		len(report.Results),
		len(report.Violations()),
		time.Since(r.began).Round(time.Second),
	)
	if err := report.Write(w); err != nil {
		return err
	}
	if len(report.Violations()) > 0 {
		return errBroken
	}
	return nil
}

func (r *runner) soak(w io.Writer, lives int, seed uint64) error {
	report, err := faultinjection.Soak{Scenarios: lives, Seed: seed, Progress: r.progress("lives")}.Run(r.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(
		r.stderr,
		"\nsoak: %d lives, %d problems, %s\n",
		report.Scenarios,
		len(report.Problems)+len(report.Leaks()),
		time.Since(r.began).Round(time.Second),
	)
	if err := report.Write(w); err != nil {
		return err
	}
	if len(report.Problems)+len(report.Leaks()) > 0 {
		return errBroken
	}
	return nil
}

// progress tells how far it is, a few times a second at most.
func (r *runner) progress(what string) func(int, int) {
	return func(done, all int) {
		if done < all && time.Since(r.told) < 300*time.Millisecond {
			return
		}
		r.told = time.Now()
		fmt.Fprintf(r.stderr, "\r%d of %d %s", done, all, what)
	}
}
