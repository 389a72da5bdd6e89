package usage

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"permstack/internal/terminal"
)

const labelWidth = 8

// Write writes the report as text: the choices, the unused actions, and for what there is no data.
func (r Report) Write(s terminal.Screen) {
	r.writeChoices(s)
	r.writeActions(s)
	r.writeNoData(s)
	for _, role := range r.Roles {
		switch {
		case role.Missing:
			s.Text(terminal.Yellow,
				"The role "+role.ARN+" does not exist. permstack drift reports what else was deleted.")
		case role.Error != "":
			s.Text(terminal.Yellow, "Not read: "+role.Error)
		}
	}
	s.Text(terminal.Bold, r.Summary())
	if r.StackDays != nil {
		s.Text(terminal.Yellow, fmt.Sprintf("The stack is %s old: there was less time to use anything than %s.",
			days(*r.StackDays), days(r.Days)))
	}
	s.Text(terminal.Dim, "IAM reports calls after up to four hours and counts refused ones. Restore is used when "+
		"something is lost: that it was not used does not mean that it is not needed.")
}

// Summary returns the result in one or two sentences.
func (r Report) Summary() string {
	text := fmt.Sprintf("%d of %d granted actions were not used in %s; IAM has no data about %d.",
		r.Unused, len(r.Actions), days(r.Days), r.NoData)
	if r.Smaller == nil {
		return text
	}
	return text + fmt.Sprintf(" %s unused for %s: the choice %s drops %d of these actions.",
		strings.Join(r.Smaller.LeftOut, ", "), days(r.Days), r.Smaller.Choice, r.Smaller.Unused)
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

func (r Report) writeChoices(s terminal.Screen) {
	if r.Unused == 0 {
		return
	}
	table := terminal.Table{Head: []string{"choice", "used", "unused", "no data", "result"}}
	for _, c := range r.Choices {
		result := terminal.Cell{Text: "partly unused", Style: terminal.Plain}
		switch {
		case c.IsUnused:
			result = terminal.Cell{Text: "unused for " + days(r.Days), Style: terminal.Yellow}
		case c.Unused == 0 && c.Used == 0:
			result = terminal.Cell{Text: "no data", Style: terminal.Dim}
		case c.Unused == 0:
			result = terminal.Cell{Text: "used", Style: terminal.Green}
		}
		table.Rows = append(table.Rows, []terminal.Cell{{Text: c.Kind + " " + c.Choice}, {Text: fmt.Sprint(c.Used)},
			{Text: fmt.Sprint(c.Unused)}, {Text: fmt.Sprint(c.NoData)}, result})
	}
	if len(table.Rows) == 0 {
		return
	}
	s.Text(terminal.Bold, "Actions that the roles would lose without")
	s.Table(table)
	s.Line()
}

// group is unused actions of a role that the same choices drop.
type group struct {
	role, droppedBy, grantedFor string
	actions                     []string
}

func (r Report) writeActions(s terminal.Screen) {
	var groups []*group
	for _, a := range r.Actions {
		if a.Status != Unused {
			continue
		}
		text := a.Action
		if a.LastUsed != nil {
			text += " (last on " + a.LastUsed.UTC().Format(time.DateOnly) + ")"
		}
		dropped, uses := strings.Join(a.DroppedBy, " or "), strings.Join(a.GrantedFor, ", ")
		if dropped != "" {
			uses = "" // one choice is enough
		}
		var found *group
		for _, g := range groups {
			if g.role == a.Role && g.droppedBy == dropped && g.grantedFor == uses {
				found = g
			}
		}
		if found == nil {
			found = &group{role: a.Role, droppedBy: dropped, grantedFor: uses}
			groups = append(groups, found)
		}
		found.actions = append(found.actions, text)
	}
	for _, g := range groups {
		if g.droppedBy != "" {
			s.Text(terminal.Bold, "Unused by "+g.role+", dropped without "+g.droppedBy)
		} else {
			s.Text(terminal.Bold, "Unused by "+g.role+", granted for "+g.grantedFor)
		}
		s.Field(2, labelWidth, "actions", terminal.Plain, strings.Join(g.actions, ", "))
		s.Line()
	}
}

func (r Report) writeNoData(s terminal.Screen) {
	var reasons []string
	byReason := map[string][]string{}
	for _, a := range r.Actions {
		if a.Status != NoData || a.Reason == reasonMissing || a.Reason == reasonUnread {
			continue
		}
		if byReason[a.Reason] == nil {
			reasons = append(reasons, a.Reason)
		}
		name := a.Action
		if len(r.Roles) > 1 {
			name += " of " + a.Role
		}
		byReason[a.Reason] = append(byReason[a.Reason], name)
	}
	for _, reason := range reasons {
		s.Text(terminal.Bold, "No data: "+reason)
		s.Field(2, labelWidth, "actions", terminal.Dim, strings.Join(byReason[reason], ", "))
		s.Line()
	}
}

// columns are the columns of the CSV, which has a row for each action.
var columns = []string{"role", "action", "status", "evidence", "last used", "region", "reason", "dropped by",
	"granted for"}

// WriteCSV writes a row for each action.
func (r Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return fmt.Errorf("write the report as csv: %w", err)
	}
	for _, a := range r.Actions {
		last := ""
		if a.LastUsed != nil {
			last = a.LastUsed.UTC().Format(time.RFC3339)
		}
		row := []string{a.Role, a.Action, string(a.Status), string(a.Evidence), last, a.Region, a.Reason,
			strings.Join(a.DroppedBy, "; "), strings.Join(a.GrantedFor, "; ")}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write the report as csv: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the report as csv: %w", err)
	}
	return nil
}
