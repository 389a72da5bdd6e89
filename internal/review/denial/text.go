package denial

import (
	"cmp"
	"strings"

	"permstack/internal/terminal"
)

const labelWidth = 11

// Write writes the diagnosis as text.
func (d Diagnosis) Write(s terminal.Screen) {
	what := d.Message.Action
	if d.Message.Resource != "" {
		what += " on " + d.Message.Resource
	}
	s.Field(0, labelWidth, "refused", terminal.Bold, cmp.Or(what, "the call"))
	who := d.Message.Principal
	if d.Role != "" && d.Reason != ByTrust {
		who = strings.TrimSpace(who + " (the role " + d.Role + " of profile " + d.Profile + ")")
	}
	if who != "" {
		s.Field(0, labelWidth, "to", terminal.Plain, who)
	}
	s.Field(0, labelWidth, "reason", terminal.Yellow, string(d.Reason)+": "+d.Text)
	for _, st := range d.Statements {
		st.write(s)
	}
	for _, r := range d.Remedies {
		s.Field(0, labelWidth, "change", terminal.Plain, r)
	}
	style, text := terminal.Plain, promiseTexts[d.Promise]
	if d.Promise == Broken {
		style = terminal.Red
	}
	if len(d.Flows) > 0 {
		text += ": " + strings.Join(d.Flows, "; ")
	}
	if d.Profile != "" && text != "" && d.Choice != "" {
		s.Field(0, labelWidth, "promised", style, text)
	}
	for _, n := range d.Notes {
		s.Field(0, labelWidth, "note", terminal.Dim, n)
	}
}

var promiseTexts = map[Promise]string{
	NoFlow:    "no flow that the choice promises needs this call",
	Affected:  "cannot work until then",
	Different: "promised, with other resources or condition keys",
	Broken:    "broken by permstack",
}

func (st Statement) write(s terminal.Screen) {
	s.Field(0, labelWidth, "statement", terminal.Plain, st.Sid+" in "+st.Policy+": "+st.Why)
	if len(st.On) > 0 {
		s.Field(2, labelWidth, "on", terminal.Dim, strings.Join(st.On, ", "))
	}
	for _, c := range st.OnlyIf {
		s.Field(2, labelWidth, "only if", terminal.Dim, c)
	}
}
