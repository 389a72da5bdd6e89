package faultinjection

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Outcomes lists the outcomes in the order of reports.
var Outcomes = []Outcome{Completed, RolledBack, Retried, LeftBehind, Violated}

// Count counts the cases by outcome.
func Count(results []Result) map[Outcome]int {
	out := map[Outcome]int{}
	for _, r := range results {
		out[r.Outcome]++
	}
	return out
}

// Violations returns the cases in which an invariant was violated.
func (m Matrix) Violations() []Result {
	var out []Result
	for _, r := range slices.Concat(m.Clean, m.Results) {
		if r.Outcome == Violated {
			out = append(out, r)
		}
	}
	return out
}

// Write writes the results as Markdown: by scenario and caller, and by kind of
// fault.
func (m Matrix) Write(w io.Writer) error {
	n := Count(m.Results)
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s.\n\n", caseCount(len(m.Results)), outcomeCounts(n))
	fmt.Fprintf(&b, "| Scenario | Calls of | Calls | Cases | %s |\n|---|---|--:|--:|%s\n",
		joinOutcomes(" | "), strings.Repeat("--:|", len(Outcomes)))
	for _, clean := range m.Clean {
		for _, caller := range Callers {
			if row := m.row(clean, caller); row != "" {
				cases := m.filter(func(r Result) bool {
					return r.Scenario == clean.Scenario && r.Faults[0].Caller == caller
				})
				fmt.Fprintf(&b, "%s %d | %s |\n", row, len(cases), cells(cases))
			}
		}
	}
	fmt.Fprintf(&b, "\n| Fault | Calls of | Cases | %s |\n|---|---|--:|%s\n",
		joinOutcomes(" | "), strings.Repeat("--:|", len(Outcomes)))
	for _, caller := range Callers {
		for _, k := range Kinds(caller) {
			cases := m.filter(func(r Result) bool { return r.Faults[0].Caller == caller && r.Faults[0].Kind == k })
			fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", k, caller, len(cases), cells(cases))
		}
	}
	for _, r := range m.Violations() {
		r.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// write writes a case with the invariants that it violated.
func (r Result) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n- %s", r.Scenario)
	for _, f := range r.Faults {
		fmt.Fprintf(b, ", %s", f)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(b, "\n  - %s", strings.ReplaceAll(p, "\n", "\n    "))
	}
	b.WriteString("\n")
}

func caseCount(n int) string { return fmt.Sprintf("%d cases: ", n) }

// row returns the start of a line of the first table: a scenario, a caller and its
// number of calls without a fault.
func (Matrix) row(clean Result, caller Caller) string {
	calls := 0
	for _, c := range clean.Calls {
		if c.Caller == caller {
			calls++
		}
	}
	if calls == 0 {
		return ""
	}
	return fmt.Sprintf("| %s | %s | %d |", clean.Scenario, caller, calls)
}

func (m Matrix) filter(take func(Result) bool) []Result {
	var out []Result
	for _, r := range m.Results {
		if take(r) {
			out = append(out, r)
		}
	}
	return out
}

func cells(results []Result) string {
	n := Count(results)
	var out []string
	for _, o := range Outcomes {
		out = append(out, fmt.Sprint(n[o]))
	}
	return strings.Join(out, " | ")
}

func joinOutcomes(sep string) string {
	var out []string
	for _, o := range Outcomes {
		out = append(out, string(o))
	}
	return strings.Join(out, sep)
}

func outcomeCounts(n map[Outcome]int) string {
	var out []string
	for _, o := range Outcomes {
		out = append(out, fmt.Sprintf("%d %s", n[o], o))
	}
	return strings.Join(out, ", ")
}
