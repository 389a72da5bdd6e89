package accessdiff

import (
	"fmt"
	"strings"

	"permstack/internal/terminal"
)

var styles = map[Kind]terminal.Style{
	New: terminal.Red, Widened: terminal.Red, Changed: terminal.Yellow, Narrowed: terminal.Green, Lost: terminal.Green,
}

const label = 10

// Write says what changed to people.
func (d Diff) Write(s terminal.Screen) {
	s.Text(terminal.Dim, "from "+d.From)
	s.Text(terminal.Dim, "to   "+d.To)
	s.Line()
	for _, c := range d.Changes {
		s.Field(0, label, string(c.Kind), styles[c.Kind], c.Title())
		for _, line := range c.lines() {
			s.Field(0, label, "", terminal.Plain, line)
		}
		if c.Why != "" {
			s.Field(0, label, "", terminal.Dim, "why: "+c.Why)
		}
		s.Line()
	}
	if len(d.Ignored) > 0 {
		s.Text(terminal.Dim, "Not compared: resources of "+strings.Join(d.Ignored, ", ")+".")
	}
	s.Text(terminal.Bold, d.Summary())
}

// lines says what the change is: of what stayed, nothing.
func (c Change) lines() []string {
	var out []string
	say := func(before string, list, but []Scope) {
		said := map[string]bool{}
		for _, sc := range but {
			said[sc.Words] = true
		}
		for _, sc := range list {
			if !said[sc.Words] {
				said[sc.Words] = true
				out = append(out, before+sc.Words)
			}
		}
	}
	switch c.Kind {
	case New:
		say("on ", c.Now, nil)
	case Lost:
		say("on ", c.Was, nil)
	default:
		say("no longer: ", c.Was, c.Now)
		say("now: ", c.Now, c.Was)
	}
	if len(out) == 0 { // the words are the same: say it as IAM has it
		for i, list := range [][]Scope{c.Was, c.Now} {
			for _, sc := range list {
				if len(sc.Resources) > 0 {
					out = append(out, []string{"was: ", "now: "}[i]+strings.Join(sc.Resources, ", "))
				}
			}
		}
	}
	if len(out) == 0 {
		out = []string{"a value that is not shown is another"}
	}
	return out
}

// Summary is the whole in one sentence.
func (d Diff) Summary() string {
	if len(d.Changes) == 0 {
		return "Nothing changes: both grant the same."
	}
	n := map[Kind]int{}
	for _, c := range d.Changes {
		n[c.Kind] += max(1, len(c.Actions))
	}
	var parts []string
	for _, k := range kinds {
		if n[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[k], k))
		}
	}
	verdict := "access does not grow"
	if d.Grows {
		verdict = "access grows"
	}
	return strings.Join(parts, ", ") + ": " + verdict + "."
}

// Title says what changed.
func (c Change) Title() string {
	switch c.What {
	case "trust":
		return "who may take " + c.Entity
	case "topic":
		return "who may use the topic " + c.Entity
	case "rule":
		return "event rule " + c.Entity
	case "boundary":
		return "permissions boundary of " + c.Entity
	case "attachment":
		return "policy attached to " + c.Entity
	}
	return c.Entity + ": " + strings.Join(c.Actions, ", ") + " (" + strings.Join(c.Does, ", ") + ")"
}
