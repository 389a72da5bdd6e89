package explain

import (
	"fmt"
	"strings"

	"permstack/internal/policies/schema"
	"permstack/internal/terminal"
)

var styles = map[Level]terminal.Style{
	High: terminal.Red, Medium: terminal.Yellow, Low: terminal.Green, Minimal: terminal.Dim,
}

// LabelWidth is the width of the names of fields, beside which their values are written.
const LabelWidth = 11

// WriteGrants writes grants in their order.
func WriteGrants(s terminal.Screen, grants []Grant) {
	for _, g := range grants {
		title := g.Title()
		if g.Effect == "Deny" {
			title = "Denied by " + title
		}
		s.Text(terminal.Bold, title)
		g.Write(s, false)
		s.Line()
	}
}

// Title returns the names of the grant's role or topic, policy and Sid.
func (g Grant) Title() string {
	switch g.Kind {
	case Trust:
		return "trust policy of " + g.Entity + " › " + g.Sid
	case Topic:
		return "topic " + g.Entity + " › " + g.Sid
	}
	return g.Entity + " › " + g.Policy + " › " + g.Sid
}

// Write writes the fields of a grant below its title, without its actions if single is true.
func (g Grant) Write(s terminal.Screen, single bool) {
	field := func(name string, style terminal.Style, text string) {
		if text != "" {
			s.Field(2, LabelWidth, name, style, text)
		}
	}
	field("why", terminal.Plain, g.Why)
	switch {
	case len(g.NotActions) > 0:
		field("actions", terminal.Plain, "everything except "+strings.Join(g.NotActions, ", "))
	case !single:
		field("actions", terminal.Plain, strings.Join(g.Actions, ", "))
	}
	field("principal", terminal.Plain, strings.Join(g.Principals, ", "))
	field("resources", terminal.Plain, strings.Join(g.On, ", "))
	if len(g.OnlyIf) > 0 {
		field("only if", terminal.Cyan, strings.Join(g.OnlyIf, "; and "))
	}
	for _, b := range g.Bounds {
		if b.Why != "" {
			field("no limit", terminal.Yellow, b.Condition+": "+b.Why)
		}
	}
	field("wildcard", terminal.Plain, g.WhyWildcard)
	if g.Kind == Policy && g.Why != "" {
		field("for", terminal.Plain, strings.Join(Uses(g.For), ", "))
	}
	field("note", terminal.Dim, g.Note)
	for _, r := range g.Remains {
		field("remains", terminal.Yellow, remainText(r))
	}
	if !g.deniesOthers() {
		field("risk", styles[g.Risk.Level], g.Risk.String())
	}
}

// remainText returns the kind and text of a remaining risk.
func remainText(r schema.Remain) string { return string(r.Kind) + ": " + r.Text }

// String returns the risk in one line: "medium: deletes; limited by conditions".
func (r Risk) String() string {
	var does []string
	for _, e := range r.Effects {
		does = append(does, e.Does)
	}
	limits := "limited by nothing but the type of resource"
	if len(r.Limits) > 0 {
		limits = "limited by " + join(r.Limits, "and")
	}
	return string(r.Level) + ": " + join(does, "and") + "; " + limits
}

// tableWidth is the least width of the screen for a table of risks.
const tableWidth = 110

// WriteRisks writes grants in the order of Rank, with a summary.
func WriteRisks(s terminal.Screen, grants []Grant) {
	t := terminal.Table{Head: []string{"RISK", "WHAT IT ALLOWS", "ON", "ONLY IF", "WHAT REMAINS", "STATEMENT"}}
	n := map[Level]int{}
	for _, g := range grants {
		n[g.Risk.Level]++
		what, also := g.Risk.summary()
		on, onlyIf := strings.Join(g.On, ", "), strings.Join(g.OnlyIf, "; and ")
		var remains []string
		for _, r := range g.Remains {
			remains = append(remains, remainText(r))
		}
		if s.Width >= tableWidth {
			t.Rows = append(t.Rows, []terminal.Cell{
				{Text: string(g.Risk.Level), Style: styles[g.Risk.Level]},
				{Text: what + also}, {Text: on}, {Text: onlyIf, Style: terminal.Cyan},
				{Text: strings.Join(remains, "; "), Style: terminal.Yellow},
				{Text: g.Entity + " › " + g.Sid, Style: terminal.Dim},
			})
			continue
		}
		s.Field(0, LabelWidth, string(g.Risk.Level), styles[g.Risk.Level], what)
		s.Field(0, LabelWidth, "", terminal.Dim, g.Entity+" › "+g.Sid+also)
		s.Field(0, LabelWidth, "", terminal.Plain, "on "+on)
		if onlyIf != "" {
			s.Field(0, LabelWidth, "", terminal.Cyan, "only if "+onlyIf)
		}
		for _, r := range remains {
			s.Field(0, LabelWidth, "", terminal.Yellow, "remains "+r)
		}
		s.Line()
	}
	if len(t.Rows) > 0 {
		s.Table(t)
		s.Line()
	}
	var parts []string
	for _, l := range Levels {
		parts = append(parts, fmt.Sprintf("%d %s", n[l], l))
	}
	s.Text(terminal.Bold, terminal.Count(len(grants), "statement", "statements")+": "+strings.Join(parts, ", ")+".")
	s.Text(terminal.Dim, "Risk is what the actions allow an attacker to do. "+
		"A condition that the role cannot meet by itself, and named resources, each lower it by one level.")
}

// summary returns the most severe effect with its actions, and the names of the others.
func (r Risk) summary() (what, also string) {
	for i, e := range r.Effects {
		switch {
		case i == 0:
			what = e.Does + ": " + AtMost(e.Actions, 5)
		case also == "":
			also = "; also " + e.Does
		default:
			also += ", " + e.Does
		}
	}
	return what, also
}

// AtMost returns a list of at most n words and the number of the others.
func AtMost(list []string, n int) string {
	if len(list) <= n+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:n], ", "), len(list)-n)
}
