package livecheck

import (
	"fmt"
	"strings"

	"permstack/internal/terminal"
)

// Write writes the report as a table by flow, and what would fail.
func (r FlowReport) Write(s terminal.Screen) {
	failed, calls := 0, 0
	table := terminal.Table{Head: []string{"flow", "calls", "result"}}
	for _, f := range r.Flows {
		calls += f.Calls
		result := terminal.Cell{Text: "allowed", Style: terminal.Green}
		switch {
		case len(f.Failed) > 0:
			failed++
			result = terminal.Cell{Text: fmt.Sprintf("%d would fail", len(f.Failed)), Style: terminal.Red}
		case r.isRefusedByKey(f.Flow):
			failed++
			result = terminal.Cell{Text: "a key refuses it", Style: terminal.Red}
		case len(f.Errors) > 0:
			result = terminal.Cell{Text: "not checked", Style: terminal.Yellow}
		}
		table.Rows = append(table.Rows, []terminal.Cell{{Text: f.Flow}, {Text: fmt.Sprint(f.Calls)}, result})
	}
	s.Table(table)
	s.Line()
	for _, f := range r.Flows {
		f.write(s)
	}
	r.Keys.write(s)
	s.Text(terminal.Bold, fmt.Sprintf("%s of %d promised flows would fail (%d authorization checks, choice %s).",
		count(failed), len(r.Flows), calls, r.Choice))
	if len(r.Scope) > 0 {
		s.Text(terminal.Plain, "Checked for resources in the scope of the stack: "+strings.Join(r.Scope, ", ")+".")
	}
	s.Text(terminal.Dim, "The simulator does not evaluate resource control policies, session policies, policies of VPC "+
		"endpoints and, except for keys above, policies of resources.")
}

func count(n int) string {
	if n == 0 {
		return "None"
	}
	return fmt.Sprint(n)
}

const labelWidth = 9

func (f FlowCheck) write(s terminal.Screen) {
	if len(f.Failed)+len(f.Errors) == 0 {
		return
	}
	s.Text(terminal.Bold, f.Flow)
	for _, c := range f.Failed {
		s.Field(2, labelWidth, "refused", terminal.Red, c.Action+" on "+c.Resource+" to "+c.Role)
		by := c.By
		if len(c.Policies) > 0 {
			by += " (" + strings.Join(c.Policies, ", ") + ")"
		}
		s.Field(2, labelWidth, "by", terminal.Plain, by)
		if len(c.Missing) > 0 {
			s.Field(2, labelWidth, "keys", terminal.Dim, "not sent: "+strings.Join(c.Missing, ", "))
		}
	}
	for _, e := range f.Errors {
		s.Field(2, labelWidth, "error", terminal.Yellow, e)
	}
	s.Line()
}
