package question

import (
	"slices"
	"strings"

	"permstack/internal/review/explain"
	"permstack/internal/terminal"
)

// Write writes the result as text.
func (a Result) Write(s terminal.Screen) {
	for _, g := range a.Denied {
		s.Text(terminal.Bold, "Denied by "+g.Title())
		g.Write(s, a.isOneAction())
		s.Line()
	}
	if !a.Found() {
		text := "Nothing in this choice grants " + a.Query + "."
		if slices.Contains(a.About, "condition key") {
			text = "No statement of this choice has a condition with " + a.Query + "."
		}
		s.Text(terminal.Bold, text)
		if !slices.Contains(a.About, "condition key") {
			s.Text(terminal.Plain, "IAM denies every action that no statement allows.")
		}
		for _, profile := range a.OtherProfiles {
			s.Text(terminal.Plain, "The profile "+profile+" does: permstack explain --profile "+profile+" "+a.Query)
		}
	}
	for _, g := range a.Granted {
		s.Text(terminal.Bold, g.Title())
		g.Write(s, a.isOneAction())
		s.Line()
	}
	for _, r := range a.Rules {
		s.Text(terminal.Bold, "event rule "+r.Entity)
		s.Field(2, explain.LabelWidth, "why", terminal.Plain, r.Why)
		s.Field(2, explain.LabelWidth, "sends to", terminal.Plain, strings.Join(r.Targets, ", "))
		s.Line()
	}
	a.writeDenied(s)
	a.writeOtherChoices(s)
	a.writePrerequisites(s)
}

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
		s.Field(0, explain.LabelWidth, "denied", terminal.Plain, n+a.Query+": "+explain.AtMost(a.NotGranted, 12))
	case len(a.Granted) > 0 && a.isOneAction():
		var roles []string
		limited := false
		for _, g := range a.Granted {
			if len(roles) == 0 || roles[len(roles)-1] != g.Entity {
				roles = append(roles, g.Entity)
			}
			limited = limited || slices.ContainsFunc(g.Bounds, func(b explain.Bound) bool { return b.Effect == explain.Bounds })
		}
		text := "on any other resource"
		if limited {
			text += ", or if a condition is not met"
		}
		text += "; for every role of this stack but " + strings.Join(roles, " and ")
		s.Field(0, explain.LabelWidth, "denied", terminal.Plain, text)
	}
}

// writeOtherChoices writes which statements other choices grant.
func (a Result) writeOtherChoices(s terminal.Screen) {
	if len(a.OtherChoices) == 0 {
		return
	}
	var list []string
	for _, g := range a.OtherChoices {
		list = append(list, g.Sid+" ("+strings.Join(explain.Uses(g.For), ", ")+")")
	}
	s.Field(0, explain.LabelWidth, "elsewhere", terminal.Plain, "other choices also grant it: "+explain.AtMost(list, 8))
}

// writePrerequisites writes what to set up outside IAM.
func (a Result) writePrerequisites(s terminal.Screen) {
	if len(a.Prerequisites) == 0 {
		return
	}
	if len(a.OtherChoices) > 0 || len(a.Granted)+len(a.Denied)+len(a.Rules) == 0 {
		s.Line() // what precedes does not end with an empty line
	}
	s.Text(terminal.Bold, "Set up before the first backup or restore: what IAM policies cannot grant")
	for _, p := range a.Prerequisites {
		s.Field(2, explain.LabelWidth, "set up", terminal.Plain, p.Text)
		s.Field(2, explain.LabelWidth, "for", terminal.Dim, strings.Join(explain.Uses(p.For), ", "))
	}
}
