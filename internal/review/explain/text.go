package explain

import (
	"fmt"
	"strings"

	"permstack/internal/terminal"
)

var styles = map[Level]terminal.Style{
	High: terminal.Red, Medium: terminal.Yellow, Low: terminal.Green, Minimal: terminal.Dim,
}

// Write says an answer to people.
func (a Answer) Write(s terminal.Screen) {
	for _, g := range a.Denied {
		s.Text(terminal.Bold, "denied by "+g.place())
		g.fields(s, a.single())
		s.Line()
	}
	if len(a.Granted) == 0 && len(a.Rules) == 0 {
		s.Text(terminal.Bold, "Nothing in this choice grants "+a.Question+".")
		s.Text(terminal.Plain, "IAM denies what no statement allows.")
	}
	for _, g := range a.Granted {
		s.Text(terminal.Bold, g.place())
		g.fields(s, a.single())
		s.Line()
	}
	for _, r := range a.Rules {
		s.Text(terminal.Bold, "event rule "+r.Entity)
		s.Field(2, label, "why", terminal.Plain, r.Why)
		s.Field(2, label, "tells", terminal.Plain, strings.Join(r.Targets, ", "))
		s.Line()
	}
	a.denied(s)
	a.elsewhere(s)
}

const label = 9

// single tells whether the question was one action: it need not be repeated.
func (a Answer) single() bool {
	for _, g := range a.Granted {
		if len(g.Actions) != 1 || !strings.EqualFold(g.Actions[0], a.Question) {
			return false
		}
	}
	return true
}

// denied says what else is not allowed.
func (a Answer) denied(s terminal.Screen) {
	switch {
	case len(a.NotGranted) > 0 && len(a.Granted) > 0:
		s.Field(0, label, "denied", terminal.Plain, fmt.Sprintf("%s: %s",
			terminal.Count(len(a.NotGranted), "other action that "+a.Question+" means", "other actions that "+a.Question+" means"), some(a.NotGranted, 12)))
	case len(a.Granted) > 0 && a.single():
		var roles []string
		bounded := false
		for _, g := range a.Granted {
			if len(roles) == 0 || roles[len(roles)-1] != g.Entity {
				roles = append(roles, g.Entity)
			}
			bounded = bounded || len(g.OnlyWhere) > 0
		}
		text := "on anything else"
		if bounded {
			text += ", or where the conditions do not hold"
		}
		s.Field(0, label, "denied", terminal.Plain, text+"; to every role but "+join(roles, "and")+" of this stack")
	}
}

// elsewhere says what other choices would grant.
func (a Answer) elsewhere(s terminal.Screen) {
	if len(a.Elsewhere) == 0 {
		return
	}
	var list []string
	for _, g := range a.Elsewhere {
		list = append(list, g.Sid+" ("+strings.Join(Uses(g.For), ", ")+")")
	}
	s.Field(0, label, "not here", terminal.Plain, "with other choices also: "+some(list, 8))
}

// place says where a grant stands.
func (g Grant) place() string {
	switch g.Kind {
	case Trust:
		return "who may take the role " + g.Entity + " › " + g.Sid
	case Topic:
		return "topic " + g.Entity + " › " + g.Sid
	}
	return g.Entity + " › " + g.Policy + " › " + g.Sid
}

// fields writes a grant below its place.
func (g Grant) fields(s terminal.Screen, single bool) {
	field := func(name string, style terminal.Style, text string) {
		if text != "" {
			s.Field(2, label, name, style, text)
		}
	}
	field("why", terminal.Plain, g.Why)
	if !single {
		field("may", terminal.Plain, strings.Join(g.Actions, ", "))
	}
	field("who", terminal.Plain, strings.Join(g.Principals, ", "))
	field("on", terminal.Plain, strings.Join(g.On, ", "))
	if len(g.OnlyWhere) > 0 {
		field("only if", terminal.Cyan, strings.Join(g.OnlyWhere, "; and "))
	}
	field("why all", terminal.Plain, g.WhyWildcard)
	if g.Kind == Policy {
		field("for", terminal.Plain, strings.Join(Uses(g.For), ", "))
	}
	field("note", terminal.Dim, g.Note)
	field("risk", styles[g.Risk.Level], g.Risk.String())
}

// String is the risk in one line: "medium: deletes; bounded by conditions".
func (r Risk) String() string {
	var does []string
	for _, e := range r.Effects {
		does = append(does, e.Does)
	}
	bounds := "nothing but the kind of resource bounds it"
	if len(r.Bounds) > 0 {
		bounds = "bounded by " + join(r.Bounds, "and")
	}
	return string(r.Level) + ": " + join(does, "and") + "; " + bounds
}

// wide is the width from which on a table of risks is worth it.
const wide = 110

// WriteRisks writes grants as Ranked orders them, with a summary.
func WriteRisks(s terminal.Screen, grants []Grant) {
	t := terminal.Table{Head: []string{"RISK", "WHAT IT COULD DO", "ON", "ONLY IF", "STATEMENT"}}
	n := map[Level]int{}
	for _, g := range grants {
		n[g.Risk.Level]++
		what, also := g.Risk.gravest()
		on, onlyIf := strings.Join(g.On, ", "), strings.Join(g.OnlyWhere, "; and ")
		if s.Width >= wide {
			t.Rows = append(t.Rows, []terminal.Cell{
				{Text: string(g.Risk.Level), Style: styles[g.Risk.Level]},
				{Text: what + also}, {Text: on}, {Text: onlyIf, Style: terminal.Cyan},
				{Text: g.Entity + " › " + g.Sid, Style: terminal.Dim},
			})
			continue
		}
		s.Field(0, label, string(g.Risk.Level), styles[g.Risk.Level], what)
		s.Field(0, label, "", terminal.Dim, g.Entity+" › "+g.Sid+also)
		s.Field(0, label, "", terminal.Plain, "on "+on)
		if onlyIf != "" {
			s.Field(0, label, "", terminal.Cyan, "only if "+onlyIf)
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
	s.Text(terminal.Dim, "Risk is what the actions could do in the wrong hands; a condition and named resources take a level off each.")
}

// gravest says the gravest thing that a grant does, and in short the others.
func (r Risk) gravest() (what, also string) {
	for i, e := range r.Effects {
		switch {
		case i == 0:
			what = e.Does + ": " + some(e.Actions, 5)
		case also == "":
			also = "; also " + e.Does
		default:
			also += ", " + e.Does
		}
	}
	return what, also
}

// some lists at most n words and counts the rest.
func some(list []string, n int) string {
	if len(list) <= n+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:n], ", "), len(list)-n)
}
