// Package table writes a drift message for a terminal.
package table

import (
	"fmt"
	"io"
	"strings"

	"permstack/internal/notify"
	"permstack/internal/notify/wording"
)

const (
	textWidth  = 68 // columns, behind an indent of 12
	maxListed  = 20 // lines of NOT REACHED
	maxDetails = 20 // details of a finding: the added and removed access
	labelWidth = 11 // columns of the direction
)

var verdicts = map[notify.Status]string{
	notify.InSync: "in sync", notify.Drifted: "DRIFTED", notify.Unknown: "NOT COMPLETELY CHECKED",
}

// Write writes a message about drift: the verdict and each finding, the most
// severe first. Lines have about 80 columns, except for names, which are never
// broken, so that they can be copied.
func Write(w io.Writer, m notify.Message) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s (%s, %s)\n", verdicts[m.Status], m.Stack, m.Account, m.Region)
	if c := m.Counts; c != nil {
		fmt.Fprintf(&b, "%s checked, %s, %d unreadable, %d not reached\n",
			wording.Count(c.Checked, "resource"), wording.Count(c.Open, "difference"), c.Unreadable, c.NotReached)
	}
	for _, f := range m.Findings {
		writeFinding(&b, f)
	}
	for _, f := range m.Accepted {
		fmt.Fprintf(&b, "\n%-*s %s\n%-*s %s\n", labelWidth, "ACCEPTED", resourceName(f),
			labelWidth, "", wording.Title(f.Kind, " ", f.Subject))
		fmt.Fprintf(
			&b,
			"  %-9s %s\n  %-9s %s\n  %-9s %s\n",
			"found",
			wrap(f.Actual),
			"accepted",
			wrap(f.Acceptance),
			"id",
			f.ID,
		)
	}
	for i, id := range m.NotReached {
		if i == maxListed {
			fmt.Fprintf(&b, "            and %d more\n", len(m.NotReached)-i)
			break
		}
		heading := ""
		if i == 0 {
			b.WriteString("\n")
			heading = "NOT REACHED"
		}
		fmt.Fprintf(&b, "%-*s %s\n", labelWidth, heading, id)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeFinding(b *strings.Builder, f notify.Reported) {
	fmt.Fprintf(b, "\n%-*s %s\n%-*s %s\n", labelWidth, wording.Label(f.Direction), resourceName(f),
		labelWidth, "", wording.Title(f.Kind, " ", f.Subject))
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(b, "  %-9s %s\n", name, wrap(text))
		}
	}
	line("expected", f.Expected)
	line("found", f.Actual)
	for i, detail := range f.Details {
		if i == maxDetails {
			line("", fmt.Sprintf("- and %d more", len(f.Details)-i))
			break
		}
		line("", "- "+detail)
	}
	line("missing", f.Permission)
	for _, c := range f.Calls {
		line("by", wording.Call(c))
	}
	line("to do", f.Advice)
	if f.Command != "" { // as it is: it is copied
		fmt.Fprintf(b, "  %-9s %s\n", "command", f.Command)
	}
	line("", f.NoCommand)
	line("console", f.Console)
	line("id", f.ID) // for drift accept
}

// resourceName returns the logical id of a finding, or the stack that it is about.
func resourceName(f notify.Reported) string {
	if f.LogicalID == "" {
		return f.Stack
	}
	return f.LogicalID
}

// wrap breaks a text between words. Unlike terminal.Wrap it breaks no names.
func wrap(text string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > textWidth {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), "\n"+strings.Repeat(" ", 12))
}
