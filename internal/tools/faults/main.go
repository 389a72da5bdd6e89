// Faults runs the fault matrix and the long run, and prints what came of them as
// Markdown; docs/reliability.md says what it means.
//
//	go run ./internal/tools/faults             both
//	go run ./internal/tools/faults matrix      every life broken at every call in every way
//	go run ./internal/tools/faults soak        a thousand lives in a row
//	go run ./internal/tools/faults -write      both, into docs/reliability.md
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

	"permstack/internal/faults"
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
	seed := flags.Uint64("seed", 1, "what the faults of a soak are drawn from")
	write := flags.Bool("write", false, "run both and write the results into "+document)
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
	both := func(w io.Writer) error {
		err := r.matrix(w, *sample)
		if err != nil && !errors.Is(err, errBroken) {
			return err
		}
		fmt.Fprint(w, "\n### Long runs\n\n")
		return errors.Join(err, r.soak(w, *lives, *seed))
	}
	switch {
	case *write:
		var b bytes.Buffer
		err := both(&b)
		if err != nil && !errors.Is(err, errBroken) {
			return err
		}
		return errors.Join(err, faults.WriteSection(document, b.Bytes()))
	case mode == "":
		return both(stdout)
	case mode == "matrix":
		return r.matrix(stdout, *sample)
	case mode == "soak":
		return r.soak(stdout, *lives, *seed)
	}
	return fmt.Errorf("unknown argument %q: want matrix, soak or nothing", mode)
}

const document = "docs/reliability.md"

type runner struct {
	ctx    context.Context
	stderr io.Writer
	began  time.Time
	told   time.Time
}

func (r *runner) matrix(w io.Writer, sample int) error {
	m, err := faults.Run(r.ctx, faults.Options{Sample: sample, Progress: r.progress("cases")})
	if err != nil {
		return err
	}
	fmt.Fprintf(r.stderr, "\nmatrix: %d cases, %d broken, %s\n", len(m.Results), len(m.Broken()), time.Since(r.began).Round(time.Second))
	if err := m.Write(w); err != nil {
		return err
	}
	if len(m.Broken()) > 0 {
		return errBroken
	}
	return nil
}

func (r *runner) soak(w io.Writer, lives int, seed uint64) error {
	report, err := faults.Soak{Lives: lives, Seed: seed, Progress: r.progress("lives")}.Run(r.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.stderr, "\nsoak: %d lives, %d problems, %s\n", report.Lives, len(report.Problems)+len(report.Grows()), time.Since(r.began).Round(time.Second))
	if err := report.Write(w); err != nil {
		return err
	}
	if len(report.Problems)+len(report.Grows()) > 0 {
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
