package accessdiff

import (
	"fmt"
	"strings"

	"permstack/internal/terminal"
)

var styles = map[Kind]terminal.Style{
	New: terminal.Red, Widened: terminal.Red, Changed: terminal.Yellow, Narrowed: terminal.Green, Lost: terminal.Green,
}

const labelWidth = 10

// Write writes the changes as text.
func (d Diff) Write(s terminal.Screen) {
	s.Text(terminal.Dim, "from "+d.From)
	s.Text(terminal.Dim, "to   "+d.To)
	s.Text(terminal.Bold, d.Summary())
	for _, p := range d.Problems {
		s.Text(terminal.Red, "Not understood: "+p)
	}
	for _, p := range d.Pairs {
		s.Text(terminal.Dim, "Paired "+p.From+" with "+p.To+", "+p.By+".")
	}
	for _, n := range d.Notes {
		s.Text(terminal.Dim, "Note: "+n)
	}
	s.Line()
	if d.Catalogue != nil {
		d.Catalogue.write(s)
	}
	for _, c := range d.Changes {
		s.Field(0, labelWidth, string(c.Kind), styles[c.Kind], c.Title())
		for _, line := range c.Lines() {
			s.Field(0, labelWidth, "", terminal.Plain, line)
		}
		if c.Why != "" {
			s.Field(0, labelWidth, "", terminal.Dim, "why: "+c.Why)
		}
		s.Line()
	}
	if len(d.NotCompared) > 0 {
		s.Text(terminal.Dim, "Not compared: resources of "+strings.Join(d.NotCompared, ", ")+".")
	}
}

// Lines returns descriptions of the change, without what both have.
func (c Change) Lines() []string {
	var out []string
	add := func(prefix string, list, except []Scope) {
		seen := map[string]bool{}
		for _, sc := range except {
			seen[sc.Words] = true
		}
		for _, sc := range list {
			if !seen[sc.Words] {
				seen[sc.Words] = true
				out = append(out, prefix+sc.Words)
			}
		}
	}
	switch c.Kind {
	case New:
		add("on ", c.Now, nil)
	case Lost:
		add("on ", c.Was, nil)
	default:
		add("no longer: ", c.Was, c.Now)
		add("now: ", c.Now, c.Was)
	}
	if len(out) == 0 { // the descriptions are equal: list the resources
		for i, list := range [][]Scope{c.Was, c.Now} {
			for _, sc := range list {
				if len(sc.Resources) > 0 {
					out = append(out, []string{"was: ", "now: "}[i]+strings.Join(sc.Resources, ", "))
				}
			}
		}
	}
	if len(out) == 0 {
		out = []string{"a value that is not shown differs"}
	}
	return out
}

// Summary returns the numbers of changes, and whether access grows, in one sentence.
func (d Diff) Summary() string {
	incomplete := ""
	if n := len(d.Problems); n > 0 {
		incomplete = fmt.Sprintf(" The comparison is incomplete: %d parts of the files could not be read.", n)
		if n == 1 {
			incomplete = " The comparison is incomplete: one part of the files could not be read."
		}
	}
	switch {
	case len(d.Changes) == 0 && incomplete != "":
		return "No change in what could be read." + incomplete
	case len(d.Changes) == 0:
		return "No change: both grant the same access."
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
	return strings.Join(parts, ", ") + ": " + verdict + "." + incomplete
}

// Title returns what changed.
func (c Change) Title() string {
	switch c.What {
	case "trust":
		return "who may assume " + c.Entity
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
