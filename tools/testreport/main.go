// Command testreport turns the stream of `go test -json` into a
// summary for people: a line for each package, the output of what failed, the reason of what
// was skipped, and the sum as the last line. It exits 1 if anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if !r.finish() {
		os.Exit(1)
	}
}

// event is a line of `go test -json`.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Elapsed    float64
	Output     string
}

// report sums up events.
type report struct {
	out                     io.Writer
	output                  map[string][]string // by package and test
	failedTests             map[string]int      // by package
	passed, failed, skipped int
}

func newReport(out io.Writer) *report {
	return &report{out: out, output: map[string][]string{}, failedTests: map[string]int{}}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(r.out, lines.Text()) // an error of the go command itself
			continue
		}
		r.add(e)
	}
	return lines.Err()
}

func (r *report) add(e event) {
	key := e.Package + " " + e.Test
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.out, e.Output)
	case e.Action == "output":
		r.output[key] = append(r.output[key], e.Output)
	case e.Test == "":
		r.endPackage(e, key)
	case e.Action == "pass":
		r.passed++
		delete(r.output, key)
	case e.Action == "skip":
		r.skipped++
		fmt.Fprintf(r.out, "skip  %s %s: %s\n", e.Package, e.Test, reason(r.output[key]))
		delete(r.output, key)
	case e.Action == "fail":
		r.failed++
		r.failedTests[e.Package]++
		fmt.Fprintf(r.out, "FAIL  %s %s\n%s", e.Package, e.Test, strings.Join(r.output[key], ""))
		delete(r.output, key)
	}
}

func (r *report) endPackage(e event, key string) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(r.out, "ok    %s %.1fs\n", e.Package, e.Elapsed)
	case "fail":
		if r.failedTests[e.Package] == 0 { // it did not build, or ended early
			r.failed++
			fmt.Fprint(r.out, strings.Join(r.output[key], ""))
			for test, lines := range r.output { // what was running then
				if strings.HasPrefix(test, e.Package+" ") && test != key {
					fmt.Fprint(r.out, strings.Join(lines, ""))
				}
			}
		}
		fmt.Fprintf(r.out, "FAIL  %s %.1fs\n", e.Package, e.Elapsed)
	}
	delete(r.output, key)
}

// reason finds why a test was skipped in what it printed.
func reason(lines []string) string {
	var words []string
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if _, message, ok := strings.Cut(line, ".go:"); ok { // drop file and line
			if _, message, ok = strings.Cut(message, ": "); ok {
				line = message
			}
		}
		words = append(words, line)
	}
	return strings.Join(words, " ")
}

// finish prints the sum and reports whether everything passed.
func (r *report) finish() bool {
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	return r.failed == 0 && r.passed > 0
}
