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

// Write writes the result as text.
func (a Result) Write(s terminal.Screen) {
	for _, g := range a.Denied {
		s.Text(terminal.Bold, "Denied by "+g.title())
		g.write(s, a.isOneAction())
		s.Line()
	}
	if len(a.Granted) == 0 && len(a.Rules) == 0 {
		s.Text(terminal.Bold, "Nothing in this choice grants "+a.Query+".")
		s.Text(terminal.Plain, "IAM denies every action that no statement allows.")
	}
	for _, g := range a.Granted {
		s.Text(terminal.Bold, g.title())
		g.write(s, a.isOneAction())
		s.Line()
	}
	for _, r := range a.Rules {
		s.Text(terminal.Bold, "event rule "+r.Entity)
		s.Field(2, labelWidth, "why", terminal.Plain, r.Why)
		s.Field(2, labelWidth, "sends to", terminal.Plain, strings.Join(r.Targets, ", "))
		s.Line()
	}
	a.writeDenied(s)
	a.writeOtherChoices(s)
	a.writePrerequisites(s)
}

const labelWidth = 11

// isOneAction reports whether every grant is for the one action of the query, which
// then is not repeated.
func (a Result) isOneAction() bool {
	for _, g := range a.Granted {
		if len(g.Actions) != 1 || !strings.EqualFold(g.Actions[0], a.Query) {
			return false
		}
	}
	return true
}

// writeDenied writes which related access is not granted.
func (a Result) writeDenied(s terminal.Screen) {
	switch {
	case len(a.NotGranted) > 0 && len(a.Granted) > 0:
		n := terminal.Count(len(a.NotGranted), "other action that matches ", "other actions that match ")
		s.Field(0, labelWidth, "denied", terminal.Plain, n+a.Query+": "+atMost(a.NotGranted, 12))
	case len(a.Granted) > 0 && a.isOneAction():
		var roles []string
		limited := false
		for _, g := range a.Granted {
			if len(roles) == 0 || roles[len(roles)-1] != g.Entity {
				roles = append(roles, g.Entity)
			}
			limited = limited || len(g.OnlyIf) > 0
		}
		text := "on any other resource"
		if limited {
			text += ", or if a condition is not met"
		}
		s.Field(0, labelWidth, "denied", terminal.Plain, text+"; for every role of this stack but "+join(roles, "and"))
	}
}

// writeOtherChoices writes which statements other choices grant.
func (a Result) writeOtherChoices(s terminal.Screen) {
	if len(a.OtherChoices) == 0 {
		return
	}
	var list []string
	for _, g := range a.OtherChoices {
		list = append(list, g.Sid+" ("+strings.Join(Uses(g.For), ", ")+")")
	}
	s.Field(0, labelWidth, "elsewhere", terminal.Plain, "other choices also grant it: "+atMost(list, 8))
}

// title returns the names of the grant's role or topic, policy and Sid.
func (g Grant) title() string {
	switch g.Kind {
	case Trust:
		return "trust policy of " + g.Entity + " › " + g.Sid
	case Topic:
		return "topic " + g.Entity + " › " + g.Sid
	}
	return g.Entity + " › " + g.Policy + " › " + g.Sid
}

// write writes the fields of a grant below its title.
func (g Grant) write(s terminal.Screen, single bool) {
	field := func(name string, style terminal.Style, text string) {
		if text != "" {
			s.Field(2, labelWidth, name, style, text)
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
	field("wildcard", terminal.Plain, g.WhyWildcard)
	if g.Kind == Policy {
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
		s.Field(0, labelWidth, string(g.Risk.Level), styles[g.Risk.Level], what)
		s.Field(0, labelWidth, "", terminal.Dim, g.Entity+" › "+g.Sid+also)
		s.Field(0, labelWidth, "", terminal.Plain, "on "+on)
		if onlyIf != "" {
			s.Field(0, labelWidth, "", terminal.Cyan, "only if "+onlyIf)
		}
		for _, r := range remains {
			s.Field(0, labelWidth, "", terminal.Yellow, "remains "+r)
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
		"A condition and named resources each lower it by one level.")
}

// summary returns the most severe effect with its actions, and the names of the others.
func (r Risk) summary() (what, also string) {
	for i, e := range r.Effects {
		switch {
		case i == 0:
			what = e.Does + ": " + atMost(e.Actions, 5)
		case also == "":
			also = "; also " + e.Does
		default:
			also += ", " + e.Does
		}
	}
	return what, also
}

// atMost returns a list of at most n words and the number of the others.
func atMost(list []string, n int) string {
	if len(list) <= n+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:n], ", "), len(list)-n)
}
