package notify

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"permstack/internal/notify/finding"
)

// Table writes the message for a terminal: a line a finding, what matters most
// first, with what to do below it. Nothing is wider than about 80 columns but
// names, which are never cut: people copy them.
func (m Message) Table(w io.Writer) error {
	var b strings.Builder
	verdict := map[Status]string{InSync: "in sync", Drifted: "DRIFTED", Unknown: "NOT COMPLETELY CHECKED"}[m.Status]
	fmt.Fprintf(&b, "%s  %s (%s, %s)\n", verdict, m.Stack, m.Account, m.Region)
	if c := m.Counts; c != nil {
		fmt.Fprintf(&b, "%s looked at, %s, %d unreadable, %d not reached\n", count(c.Checked, "resource"), count(c.Standing, "difference"), c.Unreadable, c.NotReached)
	}
	for _, f := range m.Findings {
		what := kindText(f.Kind)
		if f.Subject != "" {
			what += " " + f.Subject
		}
		fmt.Fprintf(&b, "\n%-11s %s\n%-11s %s\n", subjectLabel(f.Direction), f.LogicalID, "", what)
		for _, l := range []struct{ name, text string }{
			{"expected", f.Expected}, {"found", f.Actual}, {"missing", f.Permission}, {"to do", f.Advice},
		} {
			if l.text != "" {
				fmt.Fprintf(&b, "  %-9s %s\n", l.name, wrap(clampText(l.text, maxLine), 68, strings.Repeat(" ", 12)))
			}
		}
	}
	if len(m.NotReached) > 0 {
		fmt.Fprintf(&b, "\nNOT REACHED %s\n", strings.Join(firstOf(m.NotReached, maxDetails), "\n            "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap breaks a text between words.
func wrap(text string, width int, indent string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), "\n"+indent)
}

// stateResource is the logical id of the parameter that keeps what was told.
const stateResource = "DriftState"

// WithoutOwnState leaves out that the parameter with the state holds another
// value than the template gave it: every run writes it.
func WithoutOwnState(findings []finding.Finding) []finding.Finding {
	return slices.DeleteFunc(findings, func(f finding.Finding) bool {
		return f.Kind == finding.PropertyChanged && f.Type == "AWS::SSM::Parameter" && f.LogicalID == stateResource && (f.Subject == "" || strings.Trim(f.Subject, "/") == "Value")
	})
}
